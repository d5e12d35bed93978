// Ad spend that no link provides: typed in or imported by day and campaign; changed, deleted, brought back.
import { Pencil, Plus, Trash2, Upload } from "lucide-react"
import { useState } from "react"
import { isProblem } from "@/api/problem"
import { useApi, useSend } from "@/api/query"
import { words } from "@/format/format"
import { useFormat, useMay, useStore } from "@/shell/session"
import { todayIn } from "@/state/days"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { SourceBadge } from "@/ui/badge"
import { Button, IconButton } from "@/ui/button"
import { ClearFilters, FilterText, SearchBox } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { toast } from "@/ui/toast"
import { Explain } from "@/ui/tooltip"
import type { Spend, TakenIn } from "./answers"
import { Import } from "./import"
import { SpendForm } from "./spend-form"
import { rowOf } from "./spend-row"

const FILTERS = { q: text(), platform: text() }
const REQUIRED = ["day", "platform", "ad_campaign_id", "spend", "currency"] as const
const OPTIONAL = ["campaign_name", "ad_set_id", "ad_id", "zone", "impressions", "clicks", "leads", "platform_conversions", "platform_value"] as const
const NONE = { q: "", platform: "" }

export default function SpendList() {
  const format = useFormat()
  const store = useStore()
  const may = useMay("adplanning:write")
  const table = useTable("-day")
  const [state, set] = useUrlState(FILTERS)
  const [doing, setDoing] = useState<"add" | "import" | Spend | null>(null)
  const query = useApi("/ad-spend", { query: { ...state, ...table.query }, keep: true })
  const remove = useSend("delete", "/ad-spend", ["/ad-spend"])
  const put = useSend<"put", "/ad-spend", TakenIn>("put", "/ad-spend", ["/ad-spend"])
  const filtered = state.q !== "" || state.platform !== ""
  const done = ({ received, superseded }: TakenIn) => {
    const idle = (superseded?.linked ?? 0) + (superseded?.finer ?? 0)
    if (idle === 0) return toast(received === 1 ? "The spend is in" : `${format.number(received)} rows are in`)
    toast(
      received === 1
        ? superseded?.linked ? "It is in, but counts nowhere: a linked ad account has this campaign's day already" : "It is in, but counts nowhere: its ads have rows of their own for this day"
        : `${format.number(received)} rows are in; ${format.number(idle)} of them count nowhere, because a linked ad account or a finer row has the same day`,
      { tone: "error" },
    )
  }
  const take = async (row: Spend) => {
    const key = { day: row.day, platform: row.platform, ad_campaign_id: row.ad_campaign_id, ad_set_id: row.ad_set_id ?? "", ad_id: row.ad_id ?? "", version: row.version }
    try {
      await remove.mutateAsync({ query: key })
      toast(`Spend of ${format.date(row.day)} deleted`, {
        undo: () => void put.mutateAsync({ body: { ad_spend: [rowOf(row)] } }).then(() => toast("The spend is back"), () => toast("It could not be brought back: add it again.", { tone: "error" })),
      })
    } catch (problem) {
      toast(isProblem(problem) ? problem.message : "It could not be deleted.", { tone: "error" })
    }
  }
  const said = (row: Spend) => `${row.campaign_name ?? row.ad_campaign_id}, ${format.date(row.day)}`
  const columns: Column<Spend>[] = [
    { key: "campaign", title: "Campaign", heading: true, cell: (row) => <span className="flex flex-col"><span>{row.campaign_name ?? row.ad_campaign_id}</span>{row.ad_set_id || row.ad_id ? <span className="text-xs text-muted">{[row.ad_set_id, row.ad_id].filter(Boolean).join(" / ")}</span> : null}</span> },
    { key: "day", title: "Day", sort: "day", cell: (row) => format.date(row.day) },
    { key: "platform", title: "Platform", cell: (row) => <SourceBadge source={row.platform} /> },
    { key: "spend", title: "Spend", sort: "spend", right: true, cell: (row) => format.money(row.spend, row.currency) },
    { key: "impressions", title: "Impressions", right: true, cell: (row) => format.number(row.impressions) },
    { key: "clicks", title: "Clicks", right: true, cell: (row) => format.number(row.clicks) },
    { key: "leads", title: "Leads", extra: true, right: true, cell: (row) => format.number(row.leads) },
    { key: "claimed", title: "Claimed conversions", extra: true, right: true, cell: (row) => format.number(row.platform_conversions) },
    { key: "value", title: "Claimed value", extra: true, right: true, cell: (row) => format.money(row.platform_value, row.currency) },
    { key: "zone", title: "Zone", extra: true, cell: (row) => row.zone ?? "–" },
    { key: "source", title: "Source", extra: true, cell: (row) => words(row.source) },
    { key: "updated", title: `Updated (${format.zoneShort})`, extra: true, sort: "updated_at", cell: (row) => <time dateTime={row.updated_at} className="figure">{format.dateTime(row.updated_at)}</time> },
    ...(may ? [{
      key: "do", title: "Actions", cell: (row: Spend) => (
        <span className="inline-flex gap-1">
          <IconButton small label={`Edit ${said(row)}`} onClick={() => setDoing(row)}><Pencil className="size-3.5" aria-hidden="true" /></IconButton>
          <IconButton small label={`Delete ${said(row)}`} onClick={() => void take(row)}><Trash2 className="size-3.5" aria-hidden="true" /></IconButton>
        </span>
      ),
    }] : []),
  ]
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-2xl text-sm text-muted">
          What was spent where no linked ad account tells of it: a magazine, an influencer, a platform that is not connected.{" "}
          <Explain what="spend that counts nowhere">Nothing is counted twice: where a linked account has spend for the same campaign and day, that counts; where ads have rows of their own, those count instead of the row of their campaign.</Explain>
        </p>
        {may ? (
          <span className="flex gap-2">
            <Button onClick={() => setDoing("import")}><Upload className="size-4 text-muted" aria-hidden="true" />Import CSV</Button>
            <Button variant="primary" onClick={() => setDoing("add")}><Plus className="size-4" aria-hidden="true" />Add spend</Button>
          </span>
        ) : null}
      </div>
      <DataTable
        name="ad spend"
        columns={columns}
        query={query}
        rows={(data) => data.ad_spend}
        rowKey={(row) => [row.day, row.platform, row.ad_campaign_id, row.ad_set_id, row.ad_id].join("/")}
        table={table}
        csv={{ path: "/ad-spend", query: state }}
        filters={
          <>
            <SearchBox label="Search campaigns" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterText label="Platform" value={state.platform} onChange={(platform, how) => set({ platform }, how)} />
            {filtered ? <ClearFilters onClear={() => set(NONE)} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="rows of spend" clear={() => set(NONE)} /> : (
            <Empty title="Nothing was typed in" action={may ? <Button onClick={() => setDoing("add")}>Add spend</Button> : undefined}>
              Spend of linked ad accounts arrives by itself and does not stand here. Add what they do not know, so that ROAS counts it.
            </Empty>
          )
        }
      />
      {doing === "import" ? (
        <Import
          title="Import ad spend" path="/ad-spend" required={REQUIRED} optional={OPTIONAL}
          example={`${todayIn(store.zone)},tiktok,spring-1,1250.00,${store.currency}`} onClose={() => setDoing(null)} onDone={done}
        />
      ) : doing ? <SpendForm of={doing === "add" ? null : doing} onClose={() => setDoing(null)} onDone={done} /> : null}
    </div>
  )
}
