// What the attribution settings mean for three visits before one order, while they are being changed.
import { useFormat } from "@/shell/session"
import type { ApiForm } from "@/ui/form"
import { PlainTable } from "@/ui/table"
import type { Entries } from "./section"

const AGES = [10, 4, 1]

export function Preview({ section, api }: { section: string; api: ApiForm<Entries> }) {
  return section === "attribution" ? <Shares api={api} /> : null
}

function Shares({ api }: { api: ApiForm<Entries> }) {
  const format = useFormat()
  const [hours, first, last] = api.form.watch(["half_life_hours", "position_first", "position_last"]).map((each) => Number(String(each).replace(",", ".")))
  if (!hours || hours < 1 || first === undefined || last === undefined || !(first >= 0 && last >= 0 && first + last <= 100)) {
    return first !== undefined && last !== undefined && first + last > 100 ? <p role="alert" className="mt-3 text-sm text-bad">The first and the last visit can have 100 % together at most.</p> : null
  }
  const weights = AGES.map((days) => 2 ** ((-days * 24) / hours))
  const sum = weights.reduce((total, each) => total + each, 0)
  const position = [first / 100, 1 - (first + last) / 100, last / 100]
  return (
    <div className="mt-5 rounded-lg border border-line p-3">
      <p className="mb-1 text-sm font-medium">For example: three visits before an order</p>
      <PlainTable
        caption="What three visits would earn"
        head={[{ title: "Visit" }, { title: "Time decay", right: true }, { title: "Position based", right: true }]}
        rows={AGES.map((days, index) => [`${days} ${days === 1 ? "day" : "days"} before`, format.percent((weights[index] ?? 0) / sum), format.percent(position[index] ?? 0)])}
      />
    </div>
  )
}
