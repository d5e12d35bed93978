// <adplanning-person-journey person-id="7">: what a customer bought, how they came, and what they did last, for the host's
// own page of a person. Signs in as the host's page does: by the session's cookie, or by `window.adplanning.token`.
import { element, type Store, Widget, words } from "./widget"

interface Section {
  key: string
  data: Record<string, unknown> | null
}
interface Event {
  event_type: string
  occurred_at: string
  order_id: string | null
  campaign: string | null
  path: string | null
  value: string | null
  currency: string | null
  claimed: boolean
}
interface Orders {
  orders: number
  totals: { currency: string; value: string }[]
}
interface Touch {
  campaign: string | null
  channel: string
}

const LATEST = 8

export class PersonJourney extends Widget {
  static observedAttributes = ["person-id", "api-base", "app-base"]

  constructor() {
    super("Journey")
  }

  protected async load(): Promise<() => void> {
    const person = encodeURIComponent(this.getAttribute("person-id") ?? "")
    const [me, profile, events] = await Promise.all([this.get("/me"), this.get(`/customers/${person}/profile`), this.get(`/customers/${person}/interactions?limit=${LATEST}`)])
    const sections = (profile.customer as { sections: Section[] }).sections
    return () => this.#draw(person, me.store as Store, sections, events.interactions as Event[], events.count as number)
  }

  protected refusal(status: number | undefined): string | undefined {
    if (status === 404) return "Nothing is known of this customer yet."
    return status === 401 || status === 403 ? "Your account may not see what customers did." : undefined
  }

  #draw(person: string, store: Store, sections: Section[], events: Event[], count: number) {
    const data = <T,>(key: string) => sections.find((each) => each.key === key)?.data as T | null | undefined
    const when = new Intl.DateTimeFormat(store.locale, { timeZone: store.zone, dateStyle: "medium", timeStyle: "short" })
    const money = (value: string, currency: string) => new Intl.NumberFormat(store.locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(value as unknown as number)
    const orders = data<Orders>("orders")
    const touches = data<{ first: Touch; last: Touch }>("touches")
    const stage = data<{ furthest_stage: string | null }>("journey")?.furthest_stage
    const said = (touch: Touch) => touch.campaign ?? touch.channel
    const facts: string[] = []
    if (orders?.orders) facts.push(`${orders.orders === 1 ? "One order" : `${orders.orders} orders`}, ${orders.totals.map((each) => money(each.value, each.currency)).join(" and ")}`)
    if (stage) facts.push(`stage ${words(stage).toLowerCase()}`)
    if (touches) facts.push(said(touches.first) === said(touches.last) ? `came by ${said(touches.first)}` : `came by ${said(touches.first)}, last by ${said(touches.last)}`)
    const rows = events.map((event) => {
      const about = event.order_id ? `Order ${event.order_id}` : (event.campaign ?? event.path ?? "")
      const sum = event.value === null || event.currency === null ? "" : (event.event_type === "refund" ? "−" : "") + money(event.value, event.currency)
      return element("li", "", {},
        element("span", words(event.event_type) + (event.claimed ? " (claimed)" : ""), {}, element("br"), element("small", [about, when.format(new Date(event.occurred_at))].filter(Boolean).join(" · "))),
        element("span", sum, { class: "figure" }))
    })
    const app = (this.getAttribute("app-base") ?? "/app/ad-planning").replace(/\/+$/, "")
    const more = count > rows.length ? `All ${count} events in ad planning` : "Open in ad planning"
    this.show(
      element("p", facts.length ? `${facts.join("; ")}.` : "Nothing was ordered yet."),
      element("ol", "", {}, ...rows),
      element("p", `Times in ${store.zone}. `, {}, element("a", more, { href: `${app}/customers/${person}` })))
  }
}
