// The drawer that the address opens: a figure's conversions, or one conversion, with a way back to the figure.
import { ArrowLeft } from "lucide-react"
import { useFormat } from "@/shell/session"
import { useUrlState } from "@/state/url"
import { Button } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { Empty } from "@/ui/states"
import { type Context, EXPLAIN, EXPLAINED } from "."
import { Body } from "./body"
import { FigureList, ReportList } from "./figure"
import { read } from "./subject"

export default function Host({ query }: Context) {
  const format = useFormat()
  const [state, set] = useUrlState(EXPLAIN)
  const subject = read(state.explain)
  const listed = subject && "figure" in subject ? subject.figure : null
  const own = listed ?? (subject && "report" in subject ? subject.report : null)
  const id = subject && "conversion" in subject ? subject.conversion : state.because
  const model = state.explain_model || own?.model || query.model || ""
  const [from, to] = own && "days" in own && own.days ? own.days.split("/") : listed?.flags.includes("ever") ? [] : [query.from_date, query.to_date]
  const days = from && to ? `${from === to ? format.date(from) : `${format.date(from)} – ${format.date(to)}`}, ${format.zone}` : undefined
  return (
    <Drawer
      open
      onOpenChange={(open) => open || set(EXPLAINED, { replace: true })}
      title={id ? "Why this credit?" : "What is behind this figure?"}
      description={id || days}
      actions={id && own ? <Button small onClick={() => set({ because: "", explain_model: "", explain_window: "" })}><ArrowLeft className="size-3.5 text-muted" aria-hidden="true" />All of the figure</Button> : null}
    >
      {id ? (
        <Body
          key={id} id={id} model={model} window={state.explain_window || query.window || ""}
          onChange={(patch) => set({ ...(patch.model === undefined ? {} : { explain_model: patch.model }), ...(patch.window === undefined ? {} : { explain_window: patch.window }) }, { replace: true })}
        />
      ) : listed ? (
        <FigureList of={listed} query={query} onOpen={(because) => set({ because })} />
      ) : own && "ids" in own ? (
        <ReportList of={own} query={query} onOpen={(because) => set({ because })} />
      ) : (
        <Empty title="There is nothing to explain here">The address names no figure. Close this, and choose one on the page.</Empty>
      )}
    </Drawer>
  )
}
