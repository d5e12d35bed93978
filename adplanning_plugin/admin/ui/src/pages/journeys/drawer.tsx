// One event beside the list: what it was, whose it is, and the ways to what stands behind it.
import type { JourneyEvent } from "@/insight/timeline/event"
import { about, channelName, EventBadge, StageBadge } from "@/insight/timeline/words"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { Button, TextLink } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { Facts } from "@/ui/page"
import { Person } from "./events"

const ORIGINS: Record<string, string> = {
  event: "Tracked on your pages", store_event: "Your store's own analytics", touch: "A visit that came from somewhere", journey: "Your store's records",
}
const SOURCES: Record<string, string> = { manual: "Entered by hand", person: "A customer account", conversion: "An order or a lead", refund: "A refund" }

const DETAILS: Record<string, string> = { nps: "NPS (0–10)", nps_class: "NPS class" }

interface Props {
  of: JourneyEvent | undefined
  onClose: () => void
  /** Shows the events of this person or visitor alone. */
  onOnly: (patch: { person?: string; visitor?: string }) => void
}

export function EventDrawer({ of, onClose, onOnly }: Props) {
  const format = useFormat()
  const person = of?.person_id ?? null
  const visitor = of?.visitor_id ?? null
  return (
    <Drawer
      open={of !== undefined}
      onOpenChange={(open) => open || onClose()}
      title={of?.label ?? "Event"}
      description={of ? `${format.dateTime(of.occurred_at)} ${format.zoneShort}` : undefined}
      footer={
        person !== null ? <Button small onClick={() => onOnly({ person })}>Everything this person did</Button>
          : visitor !== null ? <Button small onClick={() => onOnly({ visitor })}>Everything this visitor did</Button> : null
      }
    >
      {of ? (
        <div className="flex flex-col gap-6">
          <Facts
            of={[
              ["Event", <EventBadge key="type" type={of.event_type} />],
              ["Stage", <StageBadge key="stage" stage={of.stage} />],
              ["About", about(of) || null],
              ["Date", `${format.dateTime(of.occurred_at)} (${format.zone})`],
              ["Value", of.value === null ? null : <span key="value" className="figure font-medium">{format.money(of.value, of.currency ?? undefined)}</span>],
              ["Channel", channelName(of.channel)],
              ["Campaign", of.ad_campaign_id ? <TextLink key="campaign" to={`/campaigns/${of.ad_campaign_id}`}>{of.campaign ?? of.ad_campaign_id}</TextLink> : of.campaign],
              ["Source", of.source],
              ["Page", of.path ? <span key="path" className="break-all">{of.path}</span> : null],
              ["Person", <Person key="person" of={of} />],
              ["Visitor", visitor ? <code key="visitor" className="font-mono text-xs break-all">{visitor}</code> : null],
              ["Order", of.order_id],
              ["Conversion", of.conversion_id ? <TextLink key="conversion" to={`/conversions/${of.conversion_id}`}>Open the conversion</TextLink> : null],
              ["Comes from", SOURCES[of.source_kind ?? ""] ?? ORIGINS[of.origin] ?? words(of.origin)],
            ]}
          />
          {of.event_data && Object.keys(of.event_data).length > 0 ? (
            <section aria-label="Details">
              <h2 className="mb-1 text-base">Details</h2>
              <Facts of={Object.entries(of.event_data).map(([name, value]) => [DETAILS[name] ?? words(name), typeof value === "object" ? JSON.stringify(value) : String(value)])} />
            </section>
          ) : null}
          {of.event_type === "purchase" && of.stage === "retention" ? <p className="text-sm text-muted">Not the first purchase of this person: it counts as retention.</p> : null}
        </div>
      ) : null}
    </Drawer>
  )
}
