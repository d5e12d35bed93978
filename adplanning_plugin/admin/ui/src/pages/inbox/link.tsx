// The way to the inbox, with how many names wait there.
import { useApi } from "@/api/query"
import { useFormat } from "@/shell/session"
import { ButtonLink } from "@/ui/button"
import type {} from "./answers"

export function InboxLink() {
  const format = useFormat()
  const count = useApi("/attribution/inbox", { query: { limit: 1 }, staleTime: 300_000 }).data?.count
  return <ButtonLink to="/attribution/inbox"><span className="min-w-16">Inbox{count ? ` (${format.number(count)})` : ""}</span></ButtonLink>
}
