// One visit: where it came from, which campaign it belongs to and how that is known, and every conversion it led to.
import { useState } from "react"
import { isProblem } from "@/api/problem"
import { ask, useApi, useSend } from "@/api/query"
import { words } from "@/format/format"
import { type Credit, useCarried, windowLabel } from "@/insight/credit"
import { conversion, EXPLAIN, EXPLAINED } from "@/insight/explain"
import { useFormat, useMay } from "@/shell/session"
import { text, useUrlState } from "@/state/url"
import { ConversionTypeBadge, SourceBadge } from "@/ui/badge"
import { Button, TextLink } from "@/ui/button"
import { Combobox } from "@/ui/combobox"
import { Drawer, StaleDialog } from "@/ui/dialog"
import { Facts } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { toast } from "@/ui/toast"
import type { TouchDetail } from "./answers"
import { MethodBadge, methodMeans } from "./words"

interface Props {
  /** Empty: closed. */
  id: string
  credit: Credit
  model: string
  onClose: () => void
  onVisitor: (visitor: string) => void
}

export function TouchDrawer({ id, credit, model, onClose, onVisitor }: Props) {
  const query = useApi("/attribution/{touch_id}", { path: { touch_id: id }, enabled: id !== "" })
  return (
    <Drawer open={id !== ""} onOpenChange={(open) => open || onClose()} title="Visit" description={id}>
      <Async query={query} skeleton={<Skeleton className="h-[34rem] w-full" />}>
        {({ attribution: touch }) => (
          <div className="flex flex-col gap-6">
            <Campaign key={touch.id} of={touch} />
            <Brought of={touch} credit={credit} model={model} />
            <From of={touch} onVisitor={onVisitor} />
          </div>
        )}
      </Async>
    </Drawer>
  )
}

function From({ of, onVisitor }: { of: TouchDetail; onVisitor: (visitor: string) => void }) {
  const format = useFormat()
  const mono = (value: string | null) => (value ? <code className="font-mono text-xs break-all">{value}</code> : null)
  return (
    <section aria-labelledby="from">
      <h3 id="from" className="text-base">Where it came from</h3>
      <Facts
        of={[
          ["Date", `${format.dateTime(of.occurred_at)} (${format.zone})`],
          ["Source", <SourceBadge key="source" source={of.source} />],
          ["Medium", of.medium === "(none)" ? null : of.medium],
          ["Channel", of.channel],
          ["Tagged campaign", of.campaign],
          ["Tagged term", of.term],
          ["Tagged content", of.content],
          ["Landing page", mono(of.landing_path)],
          ["Came from", of.referrer_host],
          ["Visitor", <span key="visitor">{mono(of.visitor_id)} <button type="button" className="text-link underline-offset-2 hover:underline" onClick={() => onVisitor(of.visitor_id)}>All their visits</button></span>],
          ["Session", mono(of.session_id)],
          ["Told by", of.origin === "host" ? "The store's own sessions" : of.origin === "manual" ? "Written down by hand" : "The tracker"],
        ]}
      />
    </section>
  )
}

interface Found {
  ad_campaigns: { id: string; name: string | null; platform: string | null }[]
}

function Campaign({ of }: { of: TouchDetail }) {
  const format = useFormat()
  const may = useMay("adplanning:write")
  const carried = useCarried()
  const [q, setQ] = useState("")
  const [choice, setChoice] = useState("")
  const [theirs, setTheirs] = useState<TouchDetail | null>(null)
  const [refused, setRefused] = useState("")
  const own = useApi("/ad-campaigns/{ad_campaign_id}", { path: { ad_campaign_id: of.ad_campaign_id ?? "" }, enabled: of.ad_campaign_id !== null, staleTime: 300_000 })
  const search = useApi("/ad-campaigns", { query: { q, limit: 20, show: "all" }, keep: true, enabled: may })
  const put = useSend<"put", "/attribution/{touch_id}", { attribution: TouchDetail }>("put", "/attribution/{touch_id}", [
    "/attribution", "/attribution/{touch_id}", "/attribution/{touch_id}/conversions", "/attribution/stats", "/attribution/comparison",
  ])
  const found = (search.data as Found | undefined)?.ad_campaigns ?? []
  const options = found.map((each) => ({ value: each.id, label: each.name ?? each.id }))
  const nameOf = (id: string | null) => (id === null ? "No campaign" : (options.find((each) => each.value === id)?.label ?? (id === of.ad_campaign_id ? name : null) ?? id))
  const name = (own.data as { ad_campaign: { name: string | null } } | undefined)?.ad_campaign.name ?? of.ad_campaign_id
  const before = of.resolution_method === "manual" ? of.ad_campaign_id : null

  const assign = async (id: string | null, version: number, undoTo: string | null) => {
    setRefused("")
    try {
      const { attribution } = await put.mutateAsync({ path: { touch_id: of.id }, body: { ad_campaign_id: id, version } })
      setChoice("")
      const undo = () =>
        void put.mutateAsync({ path: { touch_id: of.id }, body: { ad_campaign_id: undoTo, version: attribution.version } })
          .then(() => toast("As it was before"), () => toast("It could not be undone: it was changed since.", { tone: "error" }))
      toast(id === null ? "The assignment is taken back" : `Assigned to ${nameOf(id)}`, { undo })
    } catch (problem) {
      if (!isProblem(problem)) throw problem
      if (problem.code === "stale_version") {
        const answer = await ask("/attribution/{touch_id}", { path: { touch_id: of.id } })
        setChoice(id ?? "")
        setTheirs(answer.attribution)
      } else setRefused(problem.errors[0]?.message ?? problem.message)
    }
  }
  return (
    <section aria-labelledby="campaign">
      <h3 id="campaign" className="text-base">Campaign</h3>
      <Facts
        of={[
          ["Campaign", of.ad_campaign_id ? <TextLink key="campaign" to={`/campaigns/${of.ad_campaign_id}`} search={carried}>{name}</TextLink> : "None"],
          ["How it is known", <span key="how" className="inline-flex flex-col items-end gap-1 sm:items-start"><MethodBadge method={of.resolution_method} /><span className="text-muted">{methodMeans(of.resolution_method, of.resolution_reason)}</span></span>],
          ["Certainty", of.confidence === null || !of.is_resolved ? null : format.percent(of.confidence, 0)],
          ["Since", of.resolved_at ? format.dateTime(of.resolved_at) : null],
        ]}
      />
      {may ? (
        <div className="mt-3 rounded-lg border border-line p-3">
          <p className="mb-2 text-sm font-medium">{of.resolution_method === "manual" ? "Assign it to another campaign" : "Assign it by hand"}</p>
          <div className="flex flex-wrap items-start gap-2">
            <Combobox label="Campaign" value={choice} options={options} onChange={setChoice} onSearch={setQ} placeholder="Find a campaign" className="min-w-48 flex-1" />
            <Button variant="primary" busy={put.isPending} disabled={choice === "" || choice === of.ad_campaign_id} onClick={() => void assign(choice, of.version, before)}>Assign</Button>
            {of.resolution_method === "manual" ? <Button busy={put.isPending} onClick={() => void assign(null, of.version, of.ad_campaign_id)}>Take the assignment back</Button> : null}
          </div>
          {refused ? <p role="alert" className="mt-2 text-sm text-bad">{refused}</p> : null}
          <p className="mt-2 text-xs text-muted">Its credit moves to that campaign within a minute, and it stays there however often visits are matched anew.</p>
        </div>
      ) : null}
      <StaleDialog
        open={theirs !== null}
        onOpenChange={(open) => open || setTheirs(null)}
        fields={theirs ? [{ label: "Campaign", mine: nameOf(choice || null), theirs: nameOf(theirs.ad_campaign_id) }] : []}
        onTakeTheirs={() => setChoice("")}
        onKeepMine={() => theirs && void assign(choice || null, theirs.version, theirs.resolution_method === "manual" ? theirs.ad_campaign_id : null)}
      />
    </section>
  )
}

/** The visit gives way to the explanation of what it earned: Back brings it again. */
const INSTEAD = { ...EXPLAIN, open: text() }

function Brought({ of, credit, model }: { of: TouchDetail; credit: Credit; model: string }) {
  const format = useFormat()
  const [, set] = useUrlState(INSTEAD)
  const query = useApi("/attribution/{touch_id}/conversions", { path: { touch_id: of.id }, query: { window: credit.query.window } })
  return (
    <section aria-labelledby="brought">
      <h3 id="brought" className="text-base">What it led to</h3>
      <Async query={query} skeleton={<Skeleton className="h-40 w-full" />}>
        {({ conversions, window_days }) =>
          conversions.length === 0 ? <Empty title="Nothing yet">No conversion followed within {windowLabel(window_days)}.</Empty> : (
            <>
              <p className="mb-1 text-sm text-muted">By {credit.named(model).toLowerCase()}, within {windowLabel(window_days)}.</p>
              <PlainTable
                caption="Conversions that the visit led to"
                head={[{ title: "Conversion" }, { title: "Share", right: true }, { title: "Value", right: true }]}
                rows={conversions.map((each) => {
                  const mine = each.credit.find((one) => one.model === model)
                  return [
                    <span key="what" className="flex flex-col items-start gap-0.5 py-0.5">
                      <span className="flex flex-wrap items-center gap-2">
                        <ConversionTypeBadge type={each.conversion_type} />
                        <TextLink to={`/conversions/${each.conversion_id}`}>{each.order_id ? `Order ${each.order_id}` : format.dateTime(each.occurred_at)}</TextLink>
                      </span>
                      <span className="text-xs text-muted">{format.dateTime(each.occurred_at)} · visit {each.position} of {each.touches}{each.status === "confirmed" ? "" : ` · ${words(each.status).toLowerCase()}`}</span>
                    </span>,
                    format.percent(mine?.weight ?? 0, 0),
                    <button key="value" type="button" aria-haspopup="dialog" className="min-h-6 rounded underline decoration-line-strong decoration-dotted underline-offset-4" onClick={() => set({ ...EXPLAINED, open: "", explain: conversion(each.conversion_id) })}>
                      {format.money(mine?.value ?? "0", each.currency)}<span className="sr-only">: why?</span>
                    </button>,
                  ]
                })}
              />
            </>
          )
        }
      </Async>
    </section>
  )
}
