// <adplanning-order-attribution order-id="52700">: who is credited for an order, by model. Signs in as the host's page does:
// by the session's cookie, or by the token of `window.adplanning.token`.
import { element, type Store, Widget, words } from "./widget"

interface Touch {
  id: string
  touched_at: string
  source: string | null
  medium: string | null
  campaign: string | null
  campaign_name?: string | null
  channel: string | null
}
interface Credit {
  touch_id: string
  unattributed: boolean
  weight: number
  value: string
}
interface Attribution {
  window_days: number
  default_model: string
  currency: string
  touches: Touch[]
  models: { model: string; credit: Credit[] }[]
}
export class OrderAttribution extends Widget {
  static observedAttributes = ["order-id", "api-base", "app-base"]

  constructor() {
    super("Attribution")
  }

  protected async load(): Promise<() => void> {
    const order = encodeURIComponent(this.getAttribute("order-id") ?? "")
    const [me, list] = await Promise.all([this.get("/me"), this.get(`/conversions?order_id=${order}&conversion_type=purchase&limit=1`)])
    const found = (list.conversions as { id: string }[])[0]
    const detail = found && ((await this.get(`/conversions/${found.id}`)).conversion as { id: string; attribution?: Attribution })
    if (!detail) return () => this.show(element("p", "This order is not counted: it is not paid, a test, or came in a moment ago."))
    const credit = detail.attribution
    if (!credit?.models.length) return () => this.show(element("p", "Credit is worked out shortly after an order is paid."))
    return () => this.#draw(detail.id, credit, me.store as Store, credit.default_model)
  }

  protected refusal(status: number | undefined): string | undefined {
    return status === 401 || status === 403 ? "Your account may not see where orders come from." : undefined
  }

  #draw(id: string, found: Attribution, store: Store, chosen: string) {
    const money = new Intl.NumberFormat(store.locale, { style: "currency", currency: found.currency, currencyDisplay: "narrowSymbol" })
    const when = new Intl.DateTimeFormat(store.locale, { timeZone: store.zone, dateStyle: "medium", timeStyle: "short" })
    const percent = new Intl.NumberFormat(store.locale, { style: "percent", maximumFractionDigits: 1 })
    const credit = found.models.find((each) => each.model === chosen)?.credit ?? []
    const row = (name: string, about: string, share: Credit | undefined) => {
      const weight = share?.weight ?? 0
      return element("li", "", {},
        element("span", name, {}, element("br"), element("small", about)),
        element("span", money.format((share?.value ?? "0") as unknown as number), { class: "figure" }, element("br"), element("small", percent.format(weight))),
        element("progress", "", { max: "1", value: String(weight), "aria-label": `Share of ${name}` }))
    }
    const rows = found.touches.map((touch) =>
      row(touch.campaign_name ?? touch.campaign ?? touch.channel ?? "Direct", `${[touch.channel, touch.source].filter(Boolean).join(", ") || "no source"} · ${when.format(new Date(touch.touched_at))}`, credit.find((each) => each.touch_id === touch.id)))
    const none = credit.find((each) => each.unattributed)
    if (none) rows.push(row("Not attributed", "No touch is known", none))

    const select = element("select", "", { "aria-label": "Attribution model" }) as HTMLSelectElement
    for (const { model } of found.models) select.append(element("option", words(model), model === chosen ? { value: model, selected: "" } : { value: model }))
    select.addEventListener("change", () => {
      this.#draw(id, found, store, select.value)
      this.root.querySelector("select")?.focus()
    })
    const app = (this.getAttribute("app-base") ?? "/app/ad-planning").replace(/\/+$/, "")
    const window = found.window_days === 0 ? "Touches of the whole past" : `Touches of the ${found.window_days} days before it`
    this.show(element("p", `${window}; times in ${store.zone}.`), element("ol", "", {}, ...rows), element("p", "", {}, element("a", "Open in ad planning", { href: `${app}/conversions?open=${encodeURIComponent(id)}` })))
    this.root.querySelector("header")?.append(select)
  }
}
