// The denylist: addresses and people that link nobody, put there by a cap or by somebody, and taken off again.
import { Plus } from "lucide-react"
import { type ReactNode, useId, useState } from "react"
import { type GetPath, useApi, useSend } from "@/api/query"
import type { Denied } from "@/insight/identity/answers"
import { By } from "@/insight/by"
import { useFormat, useMay } from "@/shell/session"
import { useTable } from "@/state/table"
import { Badge } from "@/ui/badge"
import { Button } from "@/ui/button"
import { Input, Select } from "@/ui/controls"
import { Confirm } from "@/ui/dialog"
import { Empty } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { toast } from "@/ui/toast"

const LISTS: GetPath[] = ["/identity/denylist"]
const KINDS = [{ value: "email", label: "An address" }, { value: "person", label: "A customer" }]

export default function Denylist() {
  const format = useFormat()
  const personal = useMay("adplanning:pii")
  const may = useMay("adplanning:manage") && personal
  const table = useTable("-created_at")
  const [adding, setAdding] = useState(false)
  const [allowing, setAllowing] = useState<Denied | null>(null)
  const query = useApi("/identity/denylist", { query: table.query, keep: true })
  const allow = useSend("delete", "/identity/denylist/{denied_id}", LISTS)
  const columns: Column<Denied>[] = [
    { key: "identifier", title: "Identifier", heading: true, cell: (row) => <span className="flex flex-wrap items-center gap-2"><Badge colour="grey">{row.kind === "person" ? "Customer" : "Address"}</Badge><code className="font-mono text-xs break-all">{row.identifier ?? "hidden"}</code></span> },
    { key: "reason", title: "Why", sort: "reason", cell: (row) => row.reason },
    { key: "by", title: "By", cell: (row) => (row.created_by ? <By id={row.created_by} /> : "A cap") },
    { key: "created_at", title: "Since", sort: "created_at", cell: (row) => <time dateTime={row.created_at} className="figure">{format.dateTime(row.created_at)}</time> },
    ...(may ? [{ key: "do", title: "Actions", cell: (row: Denied) => <Button small variant="ghost" onClick={() => setAllowing(row)}>Allow</Button> }] : []),
  ]
  return (
    <section aria-labelledby="denylist">
      <div className="mt-2 mb-3 flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0 flex-1 basis-60">
          <h2 id="denylist" className="text-base">Link nobody</h2>
          <p className="text-sm text-muted">Shared mailboxes, tills and test addresses. Their visits are nobody's but their own, and whoever they joined is apart.</p>
        </div>
        {may ? <Button onClick={() => setAdding(true)}><Plus className="size-4" aria-hidden="true" />Add</Button> : null}
      </div>
      <DataTable
        name="denylist"
        columns={columns}
        query={query}
        rows={(data) => data.denied}
        rowKey={(row) => row.id}
        table={table}
        empty={<Empty title="Everything links that may">An address that is seen with too many browsers is put here by itself.</Empty>}
      />
      <Add open={adding} onClose={() => setAdding(false)} />
      <Confirm
        open={allowing !== null}
        onOpenChange={(open) => open || setAllowing(null)}
        title="Let it link again?"
        action="Allow"
        danger={false}
        onConfirm={async () => {
          if (!allowing) return
          await allow.mutateAsync({ path: { denied_id: allowing.id }, query: { version: allowing.version } })
          toast("It links again. Credit follows within minutes.")
        }}
      >
        Browsers that were seen with it are one again, whatever their number: the cap passes it over from now on.
      </Confirm>
    </section>
  )
}

function Add({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [kind, setKind] = useState<"email" | "person">("email")
  const [value, setValue] = useState("")
  const [reason, setReason] = useState("")
  const deny = useSend("post", "/identity/denylist", LISTS)
  const close = () => {
    setValue("")
    setReason("")
    onClose()
  }
  return (
    <Confirm
      open={open}
      onOpenChange={(next) => next || close()}
      title="What is to link nobody?"
      action="Add to the list"
      onConfirm={async () => {
        await deny.mutateAsync({ body: { kind, value: value.trim(), reason: reason.trim() || "No reason given." } })
        toast("It links nobody from now on. Credit follows within minutes.")
      }}
    >
      <div className="flex flex-col gap-3">
        <Labelled label="Kind">{(id) => <Select id={id} value={kind} options={KINDS} onChange={(event) => setKind(event.target.value as "email")} />}</Labelled>
        <Labelled label={kind === "email" ? "Address" : "Customer's id"} hint={kind === "email" ? "Only a hash of it is kept." : undefined}>
          {(id, hint) => <Input id={id} aria-describedby={hint} value={value} onChange={(event) => setValue(event.target.value)} />}
        </Labelled>
        <Labelled label="Why">{(id) => <Input id={id} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />}</Labelled>
      </div>
    </Confirm>
  )
}

function Labelled({ label, hint, children }: { label: string; hint?: string; children: (id: string, hint?: string) => ReactNode }) {
  const id = useId()
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">{label}</label>
      {children(id, hint ? `${id}-hint` : undefined)}
      {hint ? <span id={`${id}-hint`} className="text-xs text-muted">{hint}</span> : null}
    </div>
  )
}
