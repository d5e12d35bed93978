import { PageHeader } from "@/ui/page"
export default function Conversions() {
  return <PageHeader title="Conversions" />
}
