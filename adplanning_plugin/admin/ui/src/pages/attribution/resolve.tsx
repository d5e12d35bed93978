// Matching visits to campaigns: what is pending now, or everything in the background with its progress.
import { ChevronDown, X } from "lucide-react"
import { useEffect, useState } from "react"
import { useQueryClient } from "@tanstack/react-query"
import { isProblem } from "@/api/problem"
import { useApi, useSend } from "@/api/query"
import { useFormat, useMay } from "@/shell/session"
import { Button, IconButton, TextLink } from "@/ui/button"
import { Checkbox } from "@/ui/controls"
import { Dialog } from "@/ui/dialog"
import { Menu, MenuItem } from "@/ui/menu"
import { toast } from "@/ui/toast"
import type { Resolution } from "./answers"

const LISTS = ["/attribution", "/attribution/stats", "/attribution/comparison"] as const

export function ResolveMenu({ onWork }: { onWork: (id: string) => void }) {
  const format = useFormat()
  const may = useMay("adplanning:write")
  const [asking, setAsking] = useState(false)
  const [again, setAgain] = useState(false)
  const now = useSend<"post", "/attribution/resolve", Resolution>("post", "/attribution/resolve", [...LISTS])
  const bulk = useSend<"post", "/attribution/bulk-resolve", { work: { id: string } }>("post", "/attribution/bulk-resolve")
  if (!may) return null
  const failed = (problem: unknown) => toast(isProblem(problem) ? problem.message : "That did not work.", { tone: "error" })
  const resolve = () =>
    now.mutateAsync({})
      .then(({ resolution }) => {
        if (resolution.seen === 0) return toast("Every visit with tags has been looked up already")
        const rest = resolution.seen - resolution.resolved
        const more = resolution.more_pending ? "; more are left, match everything in the background" : ""
        toast(`${format.number(resolution.resolved)} of ${format.number(resolution.seen)} visits matched${rest > 0 ? `; ${format.number(rest)} have no known campaign` : ""}${more}`)
      })
      .catch(failed)
  const start = () =>
    bulk.mutateAsync({ body: { include_resolved: again } })
      .then(({ work }) => {
        setAsking(false)
        onWork(work.id)
      })
      .catch(failed)
  return (
    <>
      <span className="inline-flex">
        <Button variant="primary" busy={now.isPending} onClick={() => void resolve()} className="rounded-r-none">Match visits</Button>
        <Menu trigger={<Button variant="primary" aria-label="More ways to match visits" className="rounded-l-none border-l border-primary-fg/25 px-1.5"><ChevronDown className="size-4" aria-hidden="true" /></Button>}>
          <MenuItem onSelect={() => void resolve()}>Match what is pending, now</MenuItem>
          <MenuItem onSelect={() => setAsking(true)}>Match everything in the background…</MenuItem>
        </Menu>
      </span>
      <Dialog
        size="small"
        open={asking}
        onOpenChange={setAsking}
        title="Match everything in the background"
        footer={
          <>
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button variant="primary" busy={bulk.isPending} onClick={() => void start()}>Start</Button>
          </>
        }
      >
        <div className="flex flex-col gap-4 text-sm">
          <p>The tags of every visit that has no campaign yet are compared with the campaigns that are known now. It runs in the background; the page shows how far it is, and may be left.</p>
          <Checkbox
            label="Also those that were matched before"
            hint="For when campaigns were renamed or tags corrected. What was assigned by hand stays."
            checked={again}
            onChange={(event) => setAgain(event.target.checked)}
          />
        </div>
      </Dialog>
    </>
  )
}

/** How far a bulk run is; the address names it, so that it is still there after loading anew. */
export function Progress({ id, onClose }: { id: string; onClose: () => void }) {
  const format = useFormat()
  const client = useQueryClient()
  const manages = useMay("adplanning:manage")
  const query = useApi("/operations/work/{item_id}", {
    path: { item_id: id },
    enabled: id !== "",
    refetchInterval: (data) => ((data as { work_item: { status: string } } | undefined)?.work_item.status === "pending" ? 1000 : false),
  })
  const item = (query.data as { work_item: { status: "pending" | "done" | "dead"; progress: { done: number; total: number | null } | null; last_error: string | null } } | undefined)?.work_item
  const status = item?.status
  useEffect(() => {
    if (status === "done") for (const path of LISTS) void client.invalidateQueries({ queryKey: [path] })
  }, [status, client])
  if (id === "") return null
  const done = item?.progress?.done ?? 0
  const total = item?.progress?.total ?? null
  const says =
    query.error ? query.error.message
    : status === "done" ? `Done: ${format.number(done)} visits were looked up.`
    : status === "dead" ? `It failed: ${item?.last_error ?? "no reason was given"}`
    : total ? `Matching visits: ${format.number(done)} of ${format.number(total)}` : "Matching visits: about to begin"
  return (
    <div role="status" className="mb-4 flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg bg-card px-4 py-2.5 text-sm shadow-card">
      <span className={status === "dead" || query.error ? "text-bad" : undefined}>{says}</span>
      {status === "done" ? <TextLink to="/attribution" search={{ view: "touches", method: "unresolved" }}>Those without a match</TextLink> : null}
      {status === "pending" || status === undefined ? (
        <progress aria-label="Matching visits" className="h-1.5 min-w-32 flex-1 accent-link" {...(total ? { value: done, max: total } : {})} />
      ) : <span className="flex-1" />}
      {manages && status === "dead" ? <TextLink to="/operations" search={{ tab: "dead" }}>Failed work</TextLink> : null}
      <IconButton small label="Hide the progress" onClick={onClose}><X className="size-3.5" aria-hidden="true" /></IconButton>
    </div>
  )
}
