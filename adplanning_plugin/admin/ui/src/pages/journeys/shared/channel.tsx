// A channel's picture: always beside its name, or with the name as its text.
import { Bot, CircleDot, Link2, Mail, MessageSquare, Monitor, MousePointerClick, Search, ShoppingBag, Users, Video } from "lucide-react"
import type { LucideIcon } from "lucide-react"
import { cn } from "@/ui/cn"

const BY_PART: [part: string, icon: LucideIcon][] = [
  ["search", Search], ["google", Search], ["social", Users], ["meta", Users], ["facebook", Users], ["instagram", Users], ["email", Mail], ["newsletter", Mail],
  ["direct", MousePointerClick], ["video", Video], ["shopping", ShoppingBag], ["display", Monitor], ["referral", Link2], ["affiliate", Link2], ["sms", MessageSquare], ["assistant", Bot],
]

export function ChannelIcon({ channel, className }: { channel: string; className?: string }) {
  const low = channel.toLowerCase()
  const Icon = BY_PART.find(([part]) => low.includes(part))?.[1] ?? CircleDot
  return <Icon className={cn("size-4 shrink-0", className)} aria-hidden="true" />
}

/** A path as steps with arrows between them; what is too long says how much is left out. */
export function PathSteps({ steps, most = 6 }: { steps: string[]; most?: number }) {
  if (steps.length === 0) return <span className="text-muted">No visit known</span>
  const shown = steps.length > most ? steps.slice(-most) : steps
  return (
    <span className="inline-flex flex-wrap items-center gap-x-1 gap-y-0.5 align-middle">
      {shown.length < steps.length ? <span className="text-xs text-muted">{steps.length - shown.length} earlier ›</span> : null}
      {shown.map((step, index) => (
        <span key={index} className="inline-flex items-center gap-1 whitespace-nowrap">
          {index ? <span className="text-muted" aria-hidden="true">›</span> : null}
          <ChannelIcon channel={step} className="text-muted" />
          <span>{step}</span>
        </span>
      ))}
    </span>
  )
}
