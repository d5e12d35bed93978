// The touches of a journey side by side in time, with the time between them; a press on one shows what is known of it.
import { CircleCheck } from "lucide-react"
import { useState } from "react"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { TextLink } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Facts } from "@/ui/page"
import { Empty } from "@/ui/states"
import type { JourneyDetail, Touchpoint } from "../shared/answers"
import { ChannelIcon } from "../shared/channel"
import { lasting, lastingShort } from "../shared/lasting"

export function Timeline({ of }: { of: JourneyDetail }) {
  const format = useFormat()
  const [open, setOpen] = useState<string | null>(null)
  const chosen = of.touchpoints.find((touch) => touch.id === open)
  if (of.touchpoints.length === 0) {
    return <Empty title="No touch before it">{of.window_days ? `No visit of the ${of.window_days} days before is known: it came without consent, or from outside the storefront.` : "No visit is known."}</Empty>
  }
  const last = of.touchpoints[of.touchpoints.length - 1]!
  return (
    <section aria-labelledby="journey-touches">
      <h2 id="journey-touches" className="mb-2 text-base">Touches</h2>
      <div className="overflow-x-auto pb-2" tabIndex={0} role="group" aria-label="Touches in time">
        <ol className="flex w-max items-start">
          {of.touchpoints.map((touch, index) => (
            <li key={touch.id} className="flex items-start">
              {index ? <Between seconds={touch.seconds_since_previous} /> : null}
              <button
                type="button" aria-expanded={open === touch.id} aria-controls="journey-touch"
                onClick={() => setOpen(open === touch.id ? null : touch.id)}
                className={cn("flex w-24 flex-col items-center gap-1 rounded-md px-1 py-2 text-center hover:bg-hover", open === touch.id && "bg-press")}
              >
                <span className="flex size-8 items-center justify-center rounded-full bg-raised shadow-card"><ChannelIcon channel={touch.channel} /></span>
                <span className="text-xs font-medium">{touch.channel}</span>
                <time dateTime={touch.touched_at} className="text-xs text-muted">{format.dateShort(touch.touched_at)}</time>
              </button>
            </li>
          ))}
          <li className="flex items-start">
            <Between seconds={last.seconds_to_conversion} />
            <span className="flex w-24 flex-col items-center gap-1 px-1 py-2 text-center">
              <span className="flex size-8 items-center justify-center rounded-full border border-green-line bg-green-bg text-green-fg"><CircleCheck className="size-4" aria-hidden="true" /></span>
              <span className="text-xs font-medium">{words(of.conversion_type)}</span>
              <time dateTime={of.occurred_at} className="text-xs text-muted">{format.dateShort(of.occurred_at)}</time>
            </span>
          </li>
        </ol>
      </div>
      <div id="journey-touch" role="region" aria-label="The chosen touch">
        {chosen ? <Details of={chosen} /> : <p className="text-xs text-muted">Choose a touch to see where it came from.</p>}
      </div>
    </section>
  )
}

const Between = ({ seconds }: { seconds: number | null }) => (
  <span className="flex w-12 flex-col items-center pt-3 text-xs text-muted">
    <span className="sr-only">{lasting(seconds)} later</span>
    <span aria-hidden="true" className="whitespace-nowrap">{lastingShort(seconds)}</span>
    <span aria-hidden="true" className="mt-1 h-px w-full bg-line-strong" />
  </span>
)

function Details({ of }: { of: Touchpoint }) {
  const format = useFormat()
  const campaign = of.ad_campaign_id ? <TextLink to={`/campaigns/${of.ad_campaign_id}`}>{of.campaign ?? of.ad_campaign_id}</TextLink> : of.campaign
  const device = [of.device ? words(of.device) : null, of.browser].filter(Boolean).join(", ") || "Unknown"
  return (
    <Facts
      of={[
        ["When", `${format.dateTime(of.touched_at)} ${format.zoneShort}`], ["Channel", of.channel], ["Platform", words(of.platform)], ["Source", [of.source, of.medium].filter(Boolean).join(" / ")],
        ["Campaign", campaign], ["Ad set", of.ad_set], ["Ad", of.ad], ["Device", device], ["Landed on", of.landing_path], ["Came from", of.referrer_host],
        ["To the conversion", lasting(of.seconds_to_conversion)],
      ]}
    />
  )
}
