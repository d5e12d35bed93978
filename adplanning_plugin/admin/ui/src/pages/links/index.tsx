// Linked data: which of the store's tables everything is read from, what is missing, and how fresh each source is.
import { Fresh } from "@/pages/operations/fresh"
import { LinksSummary } from "@/pages/operations/links"
import { PageHeader } from "@/ui/page"

export default function Linked() {
  return (
    <>
      <PageHeader title="Linked data" description="Which of the store's tables everything is read from, what a missing column switches off, and how fresh each source is." />
      <div className="flex flex-col gap-4">
        <LinksSummary />
        <Fresh />
      </div>
    </>
  )
}
