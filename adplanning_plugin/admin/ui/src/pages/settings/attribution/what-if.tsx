// What would change: the credit of a past period by the settings as they stand in the form, before they are saved.
import { useState } from "react"
import { useSend } from "@/api/query"
import { words } from "@/format/format"
import { useFormat, useStore } from "@/shell/session"
import { addDays, todayIn } from "@/state/days"
import { Button } from "@/ui/button"
import { Select } from "@/ui/controls"
import { FormError } from "@/ui/form"
import { PlainTable } from "@/ui/table"
import type { Value, WhatIf, WhatIfLine } from "../answers"

const PERIODS = [30, 90, 365].map((days) => ({ value: String(days), label: `Last ${days} days` }))
const SHOWN = 10

export function WhatIfPanel({ values, isValid }: { values: Record<string, Value>; isValid: boolean }) {
  const { zone } = useStore()
  const [days, setDays] = useState("30")
  const [asked, setAsked] = useState("")
  const send = useSend<"post", "/attribution/what-if", { what_if: WhatIf }>("post", "/attribution/what-if")
  const now = JSON.stringify([values, days])
  const ask = () => {
    setAsked(now)
    const today = todayIn(zone)
    send.mutate({ body: { settings: values, from_date: addDays(today, 1 - Number(days)), to_date: today } as never })
  }
  const answer = asked === now ? send.data?.what_if : undefined
  return (
    <section aria-label="What would change" className="mt-5 rounded-lg border border-line p-3">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="mr-auto text-sm font-medium">What would change</h3>
        <Select className="w-40" aria-label="Conversions of" value={days} options={PERIODS} onChange={(event) => setDays(event.target.value)} />
        <Button onClick={ask} busy={send.isPending} disabled={!isValid}>Work it out</Button>
      </div>
      <div aria-live="polite">
        {send.error && asked === now ? <div className="mt-3"><FormError problem={send.error} /></div> : null}
        {answer ? <Found answer={answer} /> : <p className="mt-2 text-sm text-muted">{asked && !send.isPending && asked !== now ? "The settings are others now: work it out again." : send.isPending ? "Working it out. A busy year takes some seconds." : "Tries these settings on past conversions. Nothing is saved."}</p>}
      </div>
    </section>
  )
}

function Found({ answer }: { answer: WhatIf }) {
  const format = useFormat()
  const [by, setBy] = useState<"campaigns" | "channels">("campaigns")
  const [all, setAll] = useState(false)
  const lines = answer[by].filter((line) => line.change.net_minor !== 0 || Math.abs(line.change.conversions) > 0.000001)
  const shown = all ? lines : lines.slice(0, SHOWN)
  const sides = answer.model.before === answer.model.after && answer.window_days.before === answer.window_days.after
    ? `${words(answer.model.after)}, ${span(answer.window_days.after)}`
    : `${words(answer.model.before)}, ${span(answer.window_days.before)} → ${words(answer.model.after)}, ${span(answer.window_days.after)}`
  return (
    <div className="mt-2 flex flex-col gap-3">
      <p className="text-sm text-muted">
        {format.number(answer.conversions)} conversions. {sides}.{" "}
        {answer.covers_from ? `The period has ${format.number(answer.conversions_of_period)}: these are the latest, from ${format.date(answer.covers_from)} on. ` : ""}
        {answer.touches_read_otherwise ? `${format.number(answer.touches_read_otherwise)} visits would be read otherwise${answer.touches_excluded ? `, ${format.number(answer.touches_excluded)} of them count no more` : ""}. ` : ""}
      </p>
      {answer.warnings.length ? <ul className="flex flex-col gap-1 rounded-md border border-orange-line bg-orange-bg px-3 py-2 text-sm text-orange-fg">{answer.warnings.map((each) => <li key={each}>{each}</li>)}</ul> : null}
      {lines.length === 0 && answer.campaigns.every((line) => line.change.net_minor === 0) && answer.channels.every((line) => line.change.net_minor === 0) ? (
        <p className="text-sm">Nothing would change for {by === "campaigns" ? "any campaign" : "any channel"} of the period.</p>
      ) : (
        <>
          <Select className="w-44" aria-label="Change by" value={by} options={[{ value: "campaigns", label: "By campaign" }, { value: "channels", label: "By channel" }]} onChange={(event) => setBy(event.target.value as "campaigns")} />
          {lines.length ? (
            <PlainTable
              caption="What would change"
              head={[{ title: by === "campaigns" ? "Campaign" : "Channel" }, { title: "Now", right: true }, { title: "Then", right: true }, { title: "Change", right: true }, { title: "Conversions", right: true }]}
              rows={shown.map((line) => [
                <span key="name" className="break-words">{named(line)}</span>,
                format.money(line.before.net, line.currency),
                format.money(line.after.net, line.currency),
                <span key="change" className="font-medium">{line.change.net_minor > 0 ? "+" : ""}{format.money(line.change.net, line.currency)}</span>,
                <span key="conversions" className="text-muted">{line.change.conversions > 0 ? "+" : ""}{format.number(line.change.conversions, 1)}</span>,
              ])}
            />
          ) : <p className="text-sm">No {by === "campaigns" ? "campaign" : "channel"} gains or loses.</p>}
          {lines.length > SHOWN ? <div><Button small variant="ghost" onClick={() => setAll(!all)}>{all ? "Show the greatest only" : `Show all ${lines.length}`}</Button></div> : null}
        </>
      )}
    </div>
  )
}

const KINDS: Record<string, string> = { unattributed: "No visit to credit", renewal: "Renewals", offline: "Offline orders" }
const named = (line: WhatIfLine) => line.name ?? KINDS[line.kind] ?? "No campaign"
const span = (days: number) => (days === 0 ? "lifetime" : days === 1 ? "1 day" : `${days} days`)
