// Receipts of erasures: when, by whom, how many rows of which table, and what was kept and why. They name nobody.
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { By } from "@/insight/by"
import { useFormat } from "@/shell/session"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { Drawer } from "@/ui/dialog"
import { Facts } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { type Column, DataTable, PlainTable } from "@/ui/table"
import type { Erasure } from "./answers"

const touched = (of: Erasure) => of.rows.reduce((sum, each) => sum + each.deleted + each.pseudonymised + each.cleaned, 0)

export const EraseStatus = ({ status }: { status: Erasure["status"] }) => <Badge colour={status === "done" ? "green" : "orange"}>{status === "done" ? "Done" : "Running"}</Badge>

export function Erasures() {
  const format = useFormat()
  const table = useTable("-requested_at")
  const [state, set] = useUrlState({ open: text() })
  const query = useApi("/customers/erasures", { query: table.query, keep: true })
  const columns: Column<Erasure>[] = [
    { key: "when", title: `Asked for (${format.zoneShort})`, sort: "requested_at", heading: true, cell: (row) => <time dateTime={row.requested_at}>{format.dateTime(row.requested_at)}</time> },
    { key: "status", title: "State", sort: "status", cell: (row) => <EraseStatus status={row.status} /> },
    { key: "by", title: "By", cell: (row) => <By id={row.requested_by} /> },
    { key: "rows", title: "Rows erased", right: true, cell: (row) => format.number(touched(row)) },
    { key: "id", title: "Receipt", cell: (row) => <code className="font-mono text-xs">{row.id}</code> },
  ]
  return (
    <>
      <DataTable
        name="erasures"
        columns={columns}
        query={query}
        rows={(data) => data.erasures}
        rowKey={(row) => row.id}
        table={table}
        onOpen={(row) => set({ open: row.id })}
        openLabel={(row) => `Receipt of ${format.dateTime(row.requested_at)}`}
        csv={{ path: "/customers/erasures", query: {} }}
        empty={<Empty title="Nobody was erased yet">When somebody asks to be forgotten, open their page and choose Erase. The receipt stays here.</Empty>}
      />
      <Drawer open={state.open !== ""} onOpenChange={(open) => open || set({ open: "" })} title="Receipt of an erasure">
        {state.open ? <Receipt id={state.open} /> : null}
      </Drawer>
    </>
  )
}

/** One receipt, read again until the erasure is done. */
export function Receipt({ id }: { id: string }) {
  const format = useFormat()
  const query = useApi("/customers/erasures/{erasure_id}", {
    path: { erasure_id: id },
    staleTime: 0,
    refetchInterval: (data) => (data?.erasure.status === "running" ? 1500 : false),
  })
  return (
    <Async query={query} skeleton={<Skeleton className="h-64 w-full" />}>
      {({ erasure }) => (
        <div className="flex flex-col gap-5">
          <Facts
            of={[
              ["State", <EraseStatus key="state" status={erasure.status} />],
              ["Receipt", <code key="id" className="font-mono text-xs break-all">{erasure.id}</code>],
              ["Asked for", <span key="asked">{format.dateTime(erasure.requested_at)} ({format.zone}), by <By id={erasure.requested_by} /></span>],
              ["Finished", erasure.finished_at ? format.dateTime(erasure.finished_at) : null],
              ["Whose", <code key="hash" className="font-mono text-xs break-all">{erasure.person_hash}</code>],
            ]}
          />
          <section aria-label="What was done">
            <h3 className="mb-1 text-base">What was done</h3>
            {erasure.rows.length === 0 ? <p className="text-sm text-muted">{erasure.status === "running" ? "Nothing yet: it has just begun." : "Nothing was held about this person."}</p> : (
              <PlainTable
                caption="Rows by table"
                head={[{ title: "Table" }, { title: "Deleted", right: true }, { title: "Made nameless", right: true }, { title: "Kept", right: true }]}
                rows={erasure.rows.map((each) => [words(each.table), format.number(each.deleted), format.number(each.pseudonymised + each.cleaned), format.number(each.kept)])}
              />
            )}
          </section>
          {erasure.kept.length > 0 ? (
            <section aria-label="What stays, and why">
              <h3 className="mb-1 text-base">What stays, and why</h3>
              <ul className="flex flex-col gap-2 text-sm">
                {erasure.kept.map((each) => (
                  <li key={each.what + each.why}><span className="font-medium">{words(each.what)}</span> <span className="text-muted">({format.number(each.rows)})</span>: {each.why}</li>
                ))}
              </ul>
            </section>
          ) : null}
        </div>
      )}
    </Async>
  )
}
