// Publishable keys: which storefronts may send events, and from which origins; made, changed, switched off, revoked.
import { Ellipsis, Plus } from "lucide-react"
import { lazy, Suspense, useState } from "react"
import { isProblem } from "@/api/problem"
import { useApi, useSend } from "@/api/query"
import { useFormat, useMay, useSession } from "@/shell/session"
import { useTable } from "@/state/table"
import { choice, text, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { Button, IconButton } from "@/ui/button"
import { CopyText } from "@/ui/copy"
import { Confirm, Dialog } from "@/ui/dialog"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Menu, MenuItem } from "@/ui/menu"
import { PageHeader } from "@/ui/page"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { toast } from "@/ui/toast"
import { Explain } from "@/ui/tooltip"
import type { PublicKey } from "./answers"

const KeyForm = lazy(() => import("./form"))
const SCHEMA = { q: text(), active: choice(["", "true", "false"]) }
const nameOf = (key: PublicKey) => key.name || key.hint

export default function Keys() {
  const format = useFormat()
  const may = useMay("adplanning:manage")
  const table = useTable("-created_at")
  const [state, set] = useUrlState(SCHEMA)
  const [editing, setEditing] = useState<PublicKey | "new" | null>(null)
  const [made, setMade] = useState<PublicKey | null>(null)
  const [revoking, setRevoking] = useState<PublicKey | null>(null)
  const filters = { q: state.q, is_active: state.active === "" ? undefined : state.active === "true" }
  const query = useApi("/keys", { query: { ...filters, ...table.query }, keep: true })
  const change = useSend<"put", "/keys/{key_id}", { key: PublicKey }>("put", "/keys/{key_id}", ["/keys"])
  const remove = useSend("delete", "/keys/{key_id}", ["/keys"])
  const filtered = state.q !== "" || state.active !== ""
  const clear = () => set({ q: "", active: "" })
  const failed = (problem: unknown) => toast(isProblem(problem) ? problem.message : "That did not work.", { tone: "error" })

  const turn = (key: PublicKey, on: boolean): Promise<void> =>
    change.mutateAsync({ path: { key_id: key.id }, body: { is_active: on, version: key.version } })
      .then(({ key: now }) => toast(on ? `${nameOf(key)} is on` : `${nameOf(key)} is off: what it sends is refused`, { undo: () => void turn(now, !on) }))
      .catch(failed)

  const columns: Column<PublicKey>[] = [
    { key: "name", title: "Name", sort: "name", heading: true, cell: (row) => <span className="font-medium">{row.name || <span className="text-muted">No name</span>}</span> },
    { key: "hint", title: "Key", cell: (row) => <code className="font-mono text-xs">{row.hint}</code> },
    {
      key: "origins", title: "Origins", cell: (row) => row.origins.length === 0
        ? <span className="text-warn">None: no browser may use it</span>
        : <span className="flex flex-col items-end gap-0.5 sm:items-start">{row.origins.slice(0, 3).map((each) => <code key={each} className="font-mono text-xs break-all">{each}</code>)}{row.origins.length > 3 ? <span className="text-xs text-muted">and {row.origins.length - 3} more</span> : null}</span>,
    },
    { key: "website", title: "Website", extra: true, cell: (row) => row.website_id ?? "–" },
    { key: "state", title: "State", cell: (row) => (row.is_active ? <Badge colour="green">On</Badge> : <Badge colour="grey">Off</Badge>) },
    { key: "created", title: `Made (${format.zoneShort})`, sort: "created_at", cell: (row) => <time dateTime={row.created_at} className="figure">{format.dateTime(row.created_at)}</time> },
    ...(may ? [{
      key: "do", title: "Actions", cell: (row: PublicKey) => (
        <Menu trigger={<IconButton small label={`Actions for ${nameOf(row)}`}><Ellipsis className="size-4" aria-hidden="true" /></IconButton>}>
          <MenuItem onSelect={() => setEditing(row)}>Edit</MenuItem>
          <MenuItem onSelect={() => void turn(row, !row.is_active)}>{row.is_active ? "Switch off" : "Switch on"}</MenuItem>
          <MenuItem danger onSelect={() => setRevoking(row)}>Revoke for good</MenuItem>
        </Menu>
      ),
    }] : []),
  ]
  return (
    <>
      <PageHeader
        title="Keys and origins"
        description={<>A publishable key lets a storefront's pages send events to this store, from the origins that it names. It reads nothing, so it may stand in a page. <Explain what="an origin">The beginning of a page's address: https://shop.example, with a port where it is not the usual one. https://*.shop.example stands for all subdomains.</Explain></>}
        actions={may ? <Button variant="primary" onClick={() => setEditing("new")}><Plus className="size-4" aria-hidden="true" />Make a key</Button> : undefined}
      />
      <DataTable
        name="keys"
        columns={columns}
        query={query}
        rows={(data) => data.keys}
        rowKey={(row) => row.id}
        table={table}
        csv={{ path: "/keys", query: filters }}
        filters={
          <>
            <SearchBox label="Search keys" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterSelect label="State" value={state.active} options={[{ value: "true", label: "On" }, { value: "false", label: "Off" }]} onChange={(active) => set({ active: active as "true" })} />
            {filtered ? <ClearFilters onClear={clear} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="keys" clear={clear} /> : (
            <Empty title="No storefront can send events yet" action={may ? <Button onClick={() => setEditing("new")}>Make a key</Button> : undefined}>
              Make a key for each storefront and name the addresses that its pages are at. Without one, visits are known only where the store's own server tells of them.
            </Empty>
          )
        }
      />
      <Suspense>
        {editing ? (
          <KeyForm
            of={editing === "new" ? null : editing}
            onClose={() => setEditing(null)}
            onMade={setMade}
          />
        ) : null}
      </Suspense>
      <Made of={made} onClose={() => setMade(null)} />
      <Confirm
        open={revoking !== null}
        onOpenChange={(open) => open || setRevoking(null)}
        title={`Revoke ${revoking ? nameOf(revoking) : "the key"}?`}
        action="Revoke the key"
        onConfirm={async () => {
          if (!revoking) return
          await remove.mutateAsync({ path: { key_id: revoking.id } })
          toast(`${nameOf(revoking)} is revoked`)
        }}
      >
        Pages that use <code className="font-mono text-xs">{revoking?.hint}</code> can send nothing from now on, and the key cannot be brought back. What it has sent stays. To stop it for a while, switch it off instead.
      </Confirm>
    </>
  )
}

/** Shown once: only a hash of the key is kept. */
function Made({ of, onClose }: { of: PublicKey | null; onClose: () => void }) {
  const { me } = useSession()
  const script = new URL(me.paths.script ?? "/web/ad-planning/tracker.js", location.origin).href
  const key = of?.key ?? ""
  return (
    <Dialog
      open={of !== null}
      onOpenChange={(open) => open || onClose()}
      title="The key is made"
      description="Copy it now: it is shown this once."
      footer={<Button variant="primary" onClick={onClose}>I have copied it</Button>}
    >
      <div className="flex flex-col gap-4 text-sm">
        <section aria-label="The key"><CopyText text={key} what="the key" /></section>
        <section aria-labelledby="use">
          <h3 id="use" className="text-base">Put it on the storefront's pages</h3>
          <p className="mt-0.5 mb-2 text-muted">This line belongs into the head of every page. Visits then appear within a minute; nothing is stored in a browser before its visitor agrees.</p>
          <CopyText text={`<script async src="${script}" data-key="${key}"></script>`} what="the script's line" />
        </section>
      </div>
    </Dialog>
  )
}
