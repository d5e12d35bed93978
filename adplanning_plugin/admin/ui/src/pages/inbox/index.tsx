// The inbox of attribution: names in tags that no campaign has, what they mean, and every decision with its way back.
import { useApi } from "@/api/query"
import { Explained } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import { choice, list, text, useUrlState } from "@/state/url"
import { TextLink } from "@/ui/button"
import { PageHeader } from "@/ui/page"
import { Tabs } from "@/ui/tabs"
import type {} from "./answers"
import { Decisions } from "./decisions"
import { useDeciding } from "./deciding"
import { Groups } from "./groups"
import { Applied } from "./outcome"

const VIEWS = ["open", "matched", "ignored", "decisions"] as const
type View = (typeof VIEWS)[number]
const SCHEMA = {
  view: choice(VIEWS), decided: text(), open: text(), page: text(), order: text(), hidden: list(), q: text(), platform: text(), suggested: text(), kind: text(), reverted: text(),
}
const FRESH = { open: "", page: "", order: "", hidden: [], q: "", platform: "", suggested: "", kind: "", reverted: "" }

export default function Inbox() {
  const format = useFormat()
  const [state, set] = useUrlState(SCHEMA)
  const deciding = useDeciding((id) => set({ decided: id, open: "" }, { replace: true }))
  const count = useApi("/attribution/inbox", { query: { limit: 1 }, staleTime: 60_000 }).data?.count
  return (
    <>
      <PageHeader
        title="Inbox"
        parent={<TextLink to="/attribution">Attribution</TextLink>}
        description="Names in visits' tags that no campaign has, and the revenue that waits for somebody to say what they mean."
      />
      <Applied id={state.decided} deciding={deciding} onClose={() => set({ decided: "" }, { replace: true })} />
      <Explained query={{}} />
      <Tabs
        label="Inbox"
        value={state.view}
        onChange={(view) => set({ view: view as View, ...FRESH })}
        tabs={[
          { key: "open", label: count ? `Open (${format.number(count)})` : "Open", content: <Groups status="open" deciding={deciding} /> },
          { key: "matched", label: "Matched by likeness", content: <Groups status="matched" deciding={deciding} /> },
          { key: "ignored", label: "Ignored", content: <Groups status="ignored" deciding={deciding} /> },
          { key: "decisions", label: "Decisions", content: <Decisions deciding={deciding} /> },
        ]}
      />
    </>
  )
}
