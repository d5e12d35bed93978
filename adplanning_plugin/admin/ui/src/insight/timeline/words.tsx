// How events of journeys are called, coloured and drawn: the same in the list, in the drawer and on a timeline.
import {
  Ban, CircleUserRound, CreditCard, FileText, Footprints, Heart, type LucideIcon, Mail, MessageSquare, MousePointerClick, PackageCheck,
  Search, Share2, ShoppingBag, ShoppingCart, Smartphone, Sparkles, Star, Undo2, UserPlus, Users,
} from "lucide-react"
import { words } from "@/format/format"
import { Badge, type Colour } from "@/ui/badge"
import type { JourneyEvent } from "./event"

const KINDS: Record<string, [colour: Colour, icon: LucideIcon]> = {
  page_view: ["grey", FileText], visit: ["grey", Footprints], scroll: ["grey", FileText], time_on_page: ["grey", FileText], click: ["grey", MousePointerClick],
  ad_click: ["purple", MousePointerClick], email_click: ["purple", Mail], sms_click: ["purple", Smartphone], push_click: ["purple", Smartphone],
  social_engage: ["grey", Share2], search: ["grey", Search], product_view: ["blue", ShoppingBag], add_to_wishlist: ["blue", Heart],
  form_submit: ["blue", FileText], sign_up: ["blue", UserPlus], lead_capture: ["orange", CircleUserRound], add_to_cart: ["orange", ShoppingCart],
  begin_checkout: ["orange", CreditCard], add_payment_info: ["orange", CreditCard], order_placed: ["orange", PackageCheck], purchase: ["green", PackageCheck],
  order_cancelled: ["red", Ban], refund: ["red", Undo2], feedback: ["blue", Star], referral: ["green", Users], custom: ["grey", Sparkles],
}
const STAGES: Record<string, Colour> = {
  awareness: "grey", interest: "purple", consideration: "blue", intent: "orange", conversion: "green", retention: "green", advocacy: "green",
}
const NAMES: Record<string, string> = { lead_capture: "Lead", form_submit: "Form", social_engage: "Social", begin_checkout: "Checkout", sms_click: "SMS click" }

export const typeName = (type: string) => NAMES[type] ?? words(type)

export const EventBadge = ({ type }: { type: string }) => <Badge colour={KINDS[type]?.[0] ?? "grey"}>{typeName(type)}</Badge>

export const StageBadge = ({ stage }: { stage: string | null }) =>
  stage ? <Badge colour={STAGES[stage] ?? "grey"}>{words(stage)}</Badge> : <span className="text-muted">–</span>

export function EventIcon({ type }: { type: string }) {
  const Icon = KINDS[type]?.[1] ?? MessageSquare
  return <Icon className="size-4" aria-hidden="true" />
}

/** A touch's channel is a name of its own; ours are words. */
export const channelName = (channel: string | null) => (channel === "sms" ? "SMS" : channel ? channel[0]!.toUpperCase() + channel.slice(1) : null)

/** What an event was about, in a few words. */
export function about(of: JourneyEvent): string {
  switch (of.event_type) {
    case "feedback": {
      const { rating, scale, nps_class: kind } = (of.event_data ?? {}) as { rating?: number; scale?: number; nps_class?: string }
      return rating === undefined ? "Without a rating" : `${rating} of ${scale ?? 5}${kind ? `, ${kind}` : ""}`
    }
    case "purchase": case "order_placed": case "order_cancelled": case "refund":
      return of.order_id ? `Order ${of.order_id}` : ""
    case "page_view": case "product_view":
      return of.path ?? ""
    case "custom":
      return of.event_name ? words(of.event_name) : ""
    default:
      return [of.campaign, of.source, of.event_name && of.event_name !== of.event_type ? words(of.event_name) : null, of.path].find(Boolean) ?? ""
  }
}
