// The browsers of a customer: what links each of them, what only claims to be theirs, and what somebody here took back.
import { useId, useState } from "react"
import { isProblem } from "@/api/problem"
import { type GetPath, useApi, useSend } from "@/api/query"
import { By } from "@/insight/by"
import { useFormat, useMay } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { Button } from "@/ui/button"
import { TextArea } from "@/ui/controls"
import { Confirm } from "@/ui/dialog"
import { Card } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { toast } from "@/ui/toast"
import { Explain } from "@/ui/tooltip"
import type { Browser, Edge, PersonIdentity } from "./answers"
import { kindWords, revoked, why } from "./reasons"

const AGAIN: GetPath[] = ["/identity/people/{person_id}", "/customers/{person_id}/profile", "/customers/{person_id}/interactions"]

export function IdentityPanel({ personId }: { personId: string }) {
  const query = useApi("/identity/people/{person_id}", { path: { person_id: personId } })
  return (
    <Card
      title="Browsers"
      description={<>Whose visits count as this customer's. <Explain what="a browser">A browser that agreed to be known by a cookie. The same person has one on each device, and a new one after the cookie ends.</Explain></>}
    >
      <Async query={query} skeleton={<Skeleton className="h-40 w-full rounded-lg" />}>
        {({ identity }) => <Browsers of={identity} />}
      </Async>
    </Card>
  )
}

function Browsers({ of }: { of: PersonIdentity }) {
  const [parting, setParting] = useState<Browser | null>(null)
  const taken = revoked(of)
  return (
    <>
      {of.visitors.length === 0 ? (
        <Empty title="No browser is known to be theirs">A login, an order or a link in a message links one.</Empty>
      ) : (
        <ul className="flex flex-col divide-y divide-line" aria-label="Browsers">
          {of.visitors.map((each) => <BrowserRow key={each.id} browser={each} of={of} onPart={() => setParting(each)} />)}
        </ul>
      )}
      {taken.length > 0 ? (
        <section className="mt-4 border-t border-line pt-3">
          <h3 className="text-sm font-medium">Taken back</h3>
          <ul className="mt-1 flex flex-col divide-y divide-line" aria-label="Taken back">
            {taken.map((each) => <RevokedRow key={each[0]?.visitor_id} edges={each} personId={of.person_id} />)}
          </ul>
        </section>
      ) : null}
      <Part browser={parting} personId={of.person_id} onClose={() => setParting(null)} />
    </>
  )
}

function BrowserRow({ browser, of, onPart }: { browser: Browser; of: PersonIdentity; onPart: () => void }) {
  const format = useFormat()
  const may = useMay("adplanning:manage")
  const confirm = useSend("post", "/identity/people/{person_id}/visitors/{visitor_id}/confirm", AGAIN)
  const take = () =>
    void confirm.mutateAsync({ path: { person_id: of.person_id, visitor_id: browser.id } })
      .then(() => toast("Its visits are theirs now. Credit follows within a minute."))
      .catch(failed)
  return (
    <li className="flex flex-wrap items-start justify-between gap-2 py-2.5 first:pt-0">
      <div className="min-w-0 text-sm">
        <p className="flex flex-wrap items-center gap-2">
          <code className="font-mono text-xs break-all">{browser.id}</code>
          {browser.claimed ? <Badge colour="orange">Claimed</Badge> : <Badge colour="green">Linked</Badge>}
        </p>
        <p className="text-muted">{why(browser, of.edges)}</p>
        {browser.first_seen_at && browser.last_seen_at ? (
          <p className="text-xs text-muted">Seen <time dateTime={browser.first_seen_at}>{format.date(browser.first_seen_at)}</time> to <time dateTime={browser.last_seen_at}>{format.date(browser.last_seen_at)}</time></p>
        ) : null}
      </div>
      {may ? (
        <div className="flex flex-wrap gap-2">
          {browser.claimed ? <Button small busy={confirm.isPending} onClick={take}>Confirm</Button> : null}
          <Button small variant="ghost" aria-label={`Not theirs: ${browser.id}`} onClick={onPart}>Not theirs</Button>
        </div>
      ) : null}
    </li>
  )
}

function RevokedRow({ edges, personId }: { edges: Edge[]; personId: string }) {
  const format = useFormat()
  const may = useMay("adplanning:manage")
  const restore = useSend("post", "/identity/people/{person_id}/visitors/{visitor_id}/restore", AGAIN)
  const latest = edges[0]
  if (!latest?.revoked_at) return null
  const back = () =>
    void restore.mutateAsync({ path: { person_id: personId, visitor_id: latest.visitor_id } })
      .then(() => toast("Restored. Credit follows within a minute."))
      .catch(failed)
  return (
    <li className="flex flex-wrap items-start justify-between gap-2 py-2.5 text-sm">
      <div className="min-w-0">
        <p><code className="font-mono text-xs break-all">{latest.visitor_id}</code> <span className="text-muted">by {[...new Set(edges.map((each) => kindWords(each.kind)))].join(" and ")}</span></p>
        <p className="text-muted">{latest.revoked_reason}</p>
        <p className="text-xs text-muted">{format.dateTime(latest.revoked_at)}{latest.revoked_by ? <> by <By id={latest.revoked_by} /></> : null}</p>
      </div>
      {may ? <Button small busy={restore.isPending} onClick={back}>Restore</Button> : null}
    </li>
  )
}

function Part({ browser, personId, onClose }: { browser: Browser | null; personId: string; onClose: () => void }) {
  const id = useId()
  const [reason, setReason] = useState("")
  const part = useSend("post", "/identity/people/{person_id}/visitors/{visitor_id}/revoke", AGAIN)
  const close = () => {
    setReason("")
    onClose()
  }
  return (
    <Confirm
      open={browser !== null}
      onOpenChange={(open) => open || close()}
      title="Is this browser not this customer's?"
      action="Take it back"
      onConfirm={async () => {
        if (!browser) return
        await part.mutateAsync({ path: { person_id: personId, visitor_id: browser.id }, body: { reason: reason.trim() || "No reason given." } })
        toast("Taken back. Credit follows within a minute.")
      }}
    >
      <p>
        {browser?.claimed
          ? "Its visits are no longer shown with this customer. They count for nothing as it is."
          : "Its visits no longer count as this customer's: campaigns lose the credit for their orders that came from it, and get back exactly what they had before it was linked."}
        {" "}It can be restored here. What was tracked stays; a later login or order there links it again.
      </p>
      <div className="mt-3 flex flex-col gap-1">
        <label htmlFor={id} className="font-medium">Why</label>
        <TextArea id={id} aria-describedby={`${id}-hint`} rows={2} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
        <span id={`${id}-hint`} className="text-xs text-muted">Kept with your name.</span>
      </div>
    </Confirm>
  )
}

function failed(problem: unknown) {
  toast(isProblem(problem) ? problem.message : "That did not work.", { tone: "error" })
}
