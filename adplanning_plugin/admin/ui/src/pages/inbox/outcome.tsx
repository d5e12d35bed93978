// What a decision did: how far it is, then how many visits found their campaign and the revenue that moved.
import { useQueryClient } from "@tanstack/react-query"
import { X } from "lucide-react"
import { useEffect } from "react"
import { useApi } from "@/api/query"
import { useCarried } from "@/insight/credit"
import { Explains, figure } from "@/insight/explain"
import { useFormat, useMay } from "@/shell/session"
import { Button, IconButton, TextLink } from "@/ui/button"
import type { Decision, Outcome } from "./answers"
import { CHANGED, type Deciding } from "./deciding"

const isRunning = (decision: Decision | undefined) => decision?.state === "applying" || decision?.state === "reverting"
export const namesOf = (decision: Pick<Decision, "names">) => (decision.names.length > 1 ? `${decision.names[0]} and ${decision.names.length - 1} more` : (decision.names[0] ?? ""))

/** The decision that the address names: its progress, its effect, and the way back. */
export function Applied({ id, deciding, onClose }: { id: string; deciding: Deciding; onClose: () => void }) {
  const format = useFormat()
  const client = useQueryClient()
  const may = useMay("adplanning:write")
  const query = useApi("/attribution/aliases/{alias_id}", {
    path: { alias_id: id }, enabled: id !== "", refetchInterval: (data) => (isRunning(data?.alias) ? 1000 : false),
  })
  const decision = query.data?.alias
  const state = decision?.state
  useEffect(() => {
    if (state === "active" || state === "reverted") for (const path of CHANGED) void client.invalidateQueries({ queryKey: [path] })
  }, [state, client])
  if (id === "") return null
  const progress = decision?.work?.progress
  const outcome = state === "reverted" ? decision?.revert_outcome : decision?.outcome
  const about = decision ? <span className="font-medium break-words">{namesOf(decision)}</span> : null
  return (
    <div role="status" className="sticky top-2 z-20 mb-4 flex flex-wrap items-start gap-x-4 gap-y-2 rounded-lg border border-line bg-card px-4 py-3 text-sm shadow-pop">
      <div className="min-w-0 flex-1 basis-64">
        {query.error ? <span className="text-bad">{query.error.message}</span> : null}
        {isRunning(decision) || !decision ? (
          <>
            <p className="mb-1.5">{state === "reverting" ? "Taking back what was decided about " : "Resolving all visits named "}{about}{progress?.total ? `: ${format.number(progress.done)} of ${format.number(progress.total)}` : "…"}</p>
            {query.error ? null : <progress aria-label="Resolving visits" className="h-1.5 w-full max-w-96 accent-link" {...(progress?.total ? { value: progress.done, max: progress.total } : {})} />}
          </>
        ) : (
          <>
            <p>
              {state === "reverted" ? "Taken back: " : decision.kind === "ignored" ? "Ignored: " : "Done: "}{about}{" "}
              {decision.kind === "campaign" ? <>{state === "reverted" ? "no longer means" : "means"} <span className="font-medium">{decision.campaign ?? decision.ad_campaign_id}</span>. </> : <>{state === "reverted" ? "is back in the inbox" : "means no campaign"}. </>}
              {format.number(outcome?.touches ?? 0)} {outcome?.touches === 1 ? "visit" : "visits"} changed.
            </p>
            <Moved of={outcome ?? null} />
          </>
        )}
      </div>
      <div className="flex items-center gap-2">
        {may && state === "active" ? <Button small busy={deciding.busy} onClick={() => void deciding.revert(id)}>Undo</Button> : null}
        <IconButton small label="Hide the decision" onClick={onClose}><X className="size-3.5" aria-hidden="true" /></IconButton>
      </div>
    </div>
  )
}

/** The revenue that moved, campaign by campaign: before, after. */
export function Moved({ of }: { of: Outcome | null }) {
  const format = useFormat()
  const carried = useCarried()
  if (of === null) return null
  const named = of.changes.filter((line) => line.ad_campaign_id !== null)
  if (named.length === 0) return <p className="text-muted">No revenue moved: these visits hold no credit by the default model.</p>
  return (
    <ul className="mt-1 flex flex-col gap-0.5">
      {named.map((line) => (
        <li key={`${line.ad_campaign_id} ${line.currency}`} className="flex flex-wrap gap-x-2">
          <TextLink to={`/campaigns/${line.ad_campaign_id}`} search={carried}>{line.campaign ?? line.ad_campaign_id}</TextLink>
          <Explains of={figure({ key: line.ad_campaign_id, kind: "touch", currency: line.currency, flags: "revenue,ever" })} about={`What ${line.campaign ?? "the campaign"} holds now`} className={Number(line.change) < 0 ? "figure text-bad" : "figure text-good"}>{Number(line.change) < 0 ? "−" : "+"}{format.money(Math.abs(Number(line.change)), line.currency)}</Explains>
          {line.before !== null && line.after !== null ? <span className="figure text-muted">{format.money(line.before, line.currency)} → {format.money(line.after, line.currency)}</span> : null}
        </li>
      ))}
    </ul>
  )
}
