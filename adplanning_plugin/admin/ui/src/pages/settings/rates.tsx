// Exchange rates: by day, with their source; add one, import a file, or delete one, told which figures rest on it.
import { Plus, Trash2, Upload } from "lucide-react"
import { useState } from "react"
import * as z from "zod/mini"
import { useApi, useSend } from "@/api/query"
import { words } from "@/format/format"
import { useFormat, useMay, useStore } from "@/shell/session"
import { todayIn } from "@/state/days"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Button, IconButton } from "@/ui/button"
import { Input } from "@/ui/controls"
import { Confirm, Dialog } from "@/ui/dialog"
import { ClearFilters, FilterText } from "@/ui/filters"
import { FormError, FormField, useApiForm } from "@/ui/form"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { toast } from "@/ui/toast"
import { Explain } from "@/ui/tooltip"
import type { Rate, TakenIn } from "./answers"
import { Import } from "./import"

const FILTERS = { base: text(), quote: text() }
const REQUIRED = ["day", "base", "quote", "rate"] as const
const OPTIONAL = ["source"] as const
const isCode = (code: string) => /^[a-z]{3}$/i.test(code)

export default function Rates() {
  const format = useFormat()
  const store = useStore()
  const may = useMay("adplanning:write")
  const table = useTable("-day")
  const [state, set] = useUrlState(FILTERS)
  const [doing, setDoing] = useState<"add" | "import" | null>(null)
  const [going, setGoing] = useState<Rate | null>(null)
  const remove = useSend("delete", "/exchange-rates", ["/exchange-rates"])
  const filters = { base: isCode(state.base) ? state.base.toUpperCase() : "", quote: isCode(state.quote) ? state.quote.toUpperCase() : "" }
  const query = useApi("/exchange-rates", { query: { ...filters, ...table.query }, keep: true })
  const filtered = state.base !== "" || state.quote !== ""
  const clear = () => set({ base: "", quote: "" })
  const columns: Column<Rate>[] = [
    { key: "day", title: "Day", sort: "day", heading: true, cell: (row) => format.date(row.day) },
    { key: "pair", title: "Rate", cell: (row) => <span className="figure">1 {row.base} = {format.number(row.rate, Number(row.rate) < 1 ? 6 : 4, true)} {row.quote}</span> },
    { key: "source", title: "Source", cell: (row) => words(row.source) },
    { key: "updated", title: `Updated (${format.zoneShort})`, cell: (row) => <time dateTime={row.updated_at} className="figure">{format.dateTime(row.updated_at)}</time> },
    ...(may ? [{ key: "delete", title: "Delete", cell: (row: Rate) => <IconButton label={`Delete the rate of ${format.date(row.day)}, ${row.base} to ${row.quote}`} onClick={() => setGoing(row)}><Trash2 className="size-4" aria-hidden="true" /></IconButton> }] : []),
  ]
  const done = ({ changed, received }: TakenIn) =>
    toast(changed === received ? `${format.number(changed)} ${changed === 1 ? "rate is" : "rates are"} in` : `${format.number(changed)} of ${format.number(received)} rates were new; the rest was there already`)
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-2xl text-sm text-muted">
          Money in another currency than {store.currency} is converted at the rate of its own day; where none is known for that day, the latest of the days before it.{" "}
          <Explain what="a missing rate">Where no rate is known, a figure stands as “–”. It is never taken as zero, and amounts of two currencies are never added.</Explain>
        </p>
        {may ? (
          <span className="flex gap-2">
            <Button onClick={() => setDoing("import")}><Upload className="size-4 text-muted" aria-hidden="true" />Import CSV</Button>
            <Button variant="primary" onClick={() => setDoing("add")}><Plus className="size-4" aria-hidden="true" />Add a rate</Button>
          </span>
        ) : null}
      </div>
      <DataTable
        name="exchange rates"
        columns={columns}
        query={query}
        rows={(data) => data.exchange_rates}
        rowKey={(row) => `${row.day}/${row.base}/${row.quote}`}
        table={table}
        csv={{ path: "/exchange-rates", query: filters }}
        filters={
          <>
            <FilterText label="From currency" value={state.base} valid={isCode} onChange={(base, how) => set({ base }, how)} />
            <FilterText label="To currency" value={state.quote} valid={isCode} onChange={(quote, how) => set({ quote }, how)} />
            {filtered ? <ClearFilters onClear={clear} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="rates" clear={clear} /> : (
            <Empty title="No exchange rates yet" action={may ? <Button onClick={() => setDoing("import")}>Import CSV</Button> : undefined}>
              They are needed only where orders or ad accounts use another currency than {store.currency}.
            </Empty>
          )
        }
      />
      <Confirm
        open={going !== null}
        onOpenChange={(open) => open || setGoing(null)}
        title={going ? `Delete the rate of ${format.date(going.day)}?` : ""}
        action="Delete the rate"
        onConfirm={async () => {
          if (!going) return
          await remove.mutateAsync({ query: { day: going.day, base: going.base, quote: going.quote, version: going.version } })
          toast("Rate deleted")
        }}
      >
        Figures in {going?.base} and {going?.quote} that were converted by it take the latest rate of the 31 days before instead. Where there is none they stand as “–”. Adding the rate again brings them back.
      </Confirm>
      {doing === "add" ? <AddRate onClose={() => setDoing(null)} onDone={done} /> : null}
      {doing === "import" ? <Import title="Import exchange rates" path="/exchange-rates" required={REQUIRED} optional={OPTIONAL} example={`${todayIn(store.zone)},USD,${store.currency},84.25`} onClose={() => setDoing(null)} onDone={done} /> : null}
    </div>
  )
}

const code = (what: string) => z.string().check(z.trim(), z.regex(/^[A-Za-z]{3}$/, `${what} is three letters, such as USD.`))
const SCHEMA = z.object({
  day: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/, "Choose a day.")),
  base: code("A currency"),
  quote: code("A currency"),
  rate: z.string().check(z.trim(), z.regex(/^\d+([.,]\d+)?$/, "Enter a positive number, such as 84.25.")),
})
const RENAME = Object.fromEntries(REQUIRED.map((each) => [`exchange_rates[0].${each}`, each])) as Record<string, keyof z.infer<typeof SCHEMA>>

function AddRate({ onClose, onDone }: { onClose: () => void; onDone: (answer: TakenIn) => void }) {
  const store = useStore()
  const put = useSend<"put", "/exchange-rates", TakenIn>("put", "/exchange-rates", ["/exchange-rates"])
  const api = useApiForm<z.infer<typeof SCHEMA>>({
    schema: SCHEMA,
    defaults: { day: todayIn(store.zone), base: "", quote: store.currency, rate: "" },
    rename: RENAME,
    submit: async (values) => {
      const row = { day: values.day, base: values.base.trim().toUpperCase(), quote: values.quote.trim().toUpperCase(), rate: values.rate.trim().replace(",", "."), source: "manual" }
      onDone(await put.mutateAsync({ body: { exchange_rates: [row] } }))
      onClose()
    },
  })
  const [base, quote] = api.form.watch(["base", "quote"])
  return (
    <Dialog
      size="small"
      open
      onOpenChange={(open) => open || onClose()}
      title="Add a rate"
      description="A rate of the same day and currencies is replaced."
      footer={<><Button onClick={onClose}>Cancel</Button><Button variant="primary" busy={api.busy} onClick={() => api.onSubmit()}>Add the rate</Button></>}
    >
      <form onSubmit={api.onSubmit} noValidate className="flex flex-col gap-4">
        <FormField of={api} name="day" label="Day">{(field) => <Input type="date" max={todayIn(store.zone)} {...field} />}</FormField>
        <div className="grid grid-cols-2 gap-3">
          <FormField of={api} name="base" label="From currency">{(field) => <Input {...field} maxLength={3} autoComplete="off" className="uppercase" placeholder="USD" />}</FormField>
          <FormField of={api} name="quote" label="To currency">{(field) => <Input {...field} maxLength={3} autoComplete="off" className="uppercase" />}</FormField>
        </div>
        <FormField of={api} name="rate" label="Rate" hint={`How many ${quote.toUpperCase() || "units"} one ${base.toUpperCase() || "unit"} costs.`}>{(field) => <Input {...field} inputMode="decimal" autoComplete="off" />}</FormField>
        <FormError problem={api.refused} />
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}
