// The drawer that the address opens: a figure's conversions, or one conversion, with a way back to the figure.
import { ArrowLeft } from "lucide-react"
import { useFormat } from "@/shell/session"
import { useUrlState } from "@/state/url"
import { Button } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { Empty } from "@/ui/states"
import { type Context, EXPLAIN, EXPLAINED } from "."
import { Body } from "./body"
import { FigureList } from "./figure"
import { read } from "./subject"

export default function Host({ query }: Context) {
  const format = useFormat()
  const [state, set] = useUrlState(EXPLAIN)
  const subject = read(state.explain)
  const own = subject && "figure" in subject ? subject.figure : null
  const id = subject && "conversion" in subject ? subject.conversion : state.because
  const model = state.explain_model || own?.model || query.model || ""
  const days = query.from_date && query.to_date ? `${format.date(query.from_date)} – ${format.date(query.to_date)}, ${format.zone}` : undefined
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
      ) : own ? (
        <FigureList of={own} query={query} onOpen={(because) => set({ because })} />
      ) : (
        <Empty title="There is nothing to explain here">The address names no figure. Close this, and choose one on the page.</Empty>
      )}
    </Drawer>
  )
}
