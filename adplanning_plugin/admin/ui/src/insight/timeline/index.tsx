// A person's events down the page, by day: what it was, the stage that it shows, its value; what is only claimed is marked.
import { useMemo } from "react"
import { useFormat } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { cn } from "@/ui/cn"
import type { JourneyEvent } from "./event"
import { about, channelName, EventIcon, StageBadge, typeName } from "./words"

export type { JourneyEvent } from "./event"

interface Props {
  /** In the order in which they are to stand, newest or oldest first. */
  events: readonly JourneyEvent[]
  label: string
  onOpen?: (event: JourneyEvent) => void
}

/** `<Timeline label="Journey of Asha" events={data.events} />` */
export function Timeline({ events, label, onOpen }: Props) {
  const format = useFormat()
  const days = useMemo(() => {
    const found: { day: string; events: JourneyEvent[] }[] = []
    for (const event of events) {
      const day = format.date(event.occurred_at)
      const last = found[found.length - 1]
      if (last?.day === day) last.events.push(event)
      else found.push({ day, events: [event] })
    }
    return found
  }, [events, format])
  return (
    <div aria-label={label} role="group" className="flex flex-col gap-5">
      {days.map(({ day, events: those }) => (
        <section key={`${day}-${those[0]!.id}`} aria-label={day}>
          <h3 className="mb-2 text-xs font-medium text-muted">{day}</h3>
          <ol className="flex flex-col">
            {those.map((event, index) => (
              <Step key={`${event.origin}-${event.id}`} of={event} last={index === those.length - 1} {...(onOpen ? { onOpen } : {})} />
            ))}
          </ol>
        </section>
      ))}
    </div>
  )
}

function Step({ of, last, onOpen }: { of: JourneyEvent; last: boolean; onOpen?: (event: JourneyEvent) => void }) {
  const format = useFormat()
  const title = typeName(of.event_type)
  const text = about(of)
  return (
    <li className={cn("relative grid grid-cols-[2rem_minmax(0,1fr)_auto] gap-x-3", last ? "" : "pb-3", of.claimed && "text-muted")}>
      {last ? null : <span className="absolute top-8 bottom-0 left-4 w-px bg-line-strong" aria-hidden="true" />}
      <span className={cn("flex size-8 items-center justify-center rounded-full bg-raised shadow-card", of.claimed && "border border-dashed border-line-strong")}><EventIcon type={of.event_type} /></span>
      <div className="min-w-0 pt-1">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
          {onOpen ? (
            <button type="button" className="font-medium underline-offset-2 hover:underline" onClick={() => onOpen(of)}>{title}</button>
          ) : (
            <span className="font-medium">{title}</span>
          )}
          {of.stage ? <StageBadge stage={of.stage} /> : null}
          {of.claimed ? <Badge colour="orange">Claimed</Badge> : null}
        </div>
        <p className="truncate text-xs text-muted">{[text, channelName(of.channel)].filter(Boolean).join(" · ")}</p>
      </div>
      <div className="figure pt-1 text-right text-sm">
        <time dateTime={of.occurred_at} className="text-xs text-muted">{format.time(of.occurred_at)}</time>
        {of.value !== null ? <span className="block font-medium">{of.event_type === "refund" ? "−" : ""}{format.money(of.value, of.currency ?? undefined)}</span> : null}
      </div>
    </li>
  )
}
