// <adplanning-order-attribution order-id="52700">: who is credited for an order, by model. Signs in as the host's page does:
// by the session's cookie, or by the token of `window.adplanning.token`.
interface Touch {
  id: string
  touched_at: string
  source: string | null
  medium: string | null
  campaign: string | null
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
interface Store {
  zone: string
  locale: string
}

const STYLE = `
:host { display: block; color-scheme: light dark; font: 14px/1.45 system-ui, sans-serif; --fg: light-dark(#18181b, #fafafa); --muted: light-dark(#52525b, #a9a9b2);
  --card: light-dark(#fff, #212124); --line: light-dark(#e4e4e7, #35353a); --bar: light-dark(#2563eb, #6aa2ff); --link: light-dark(#1d4ed8, #93b4fd); }
section { background: var(--card); color: var(--fg); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px }
header { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; justify-content: space-between; margin-bottom: 8px }
h2 { font: inherit; font-weight: 600; margin: 0 }
p { margin: 0; color: var(--muted) }
select { font: inherit; color: inherit; background: var(--card); border: 1px solid light-dark(#8e8e98, #7a7a84); border-radius: 6px; padding: 4px 8px }
ol { list-style: none; margin: 0; padding: 0 }
li { display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; padding: 8px 0; border-top: 1px solid var(--line) }
small { color: var(--muted); font-size: 12px }
.figure { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap }
progress { grid-column: 1 / -1; width: 100%; height: 6px; appearance: none; border: 0; border-radius: 3px; overflow: hidden; background: var(--line) }
progress::-webkit-progress-bar { background: var(--line) } progress::-webkit-progress-value { background: var(--bar) } progress::-moz-progress-bar { background: var(--bar) }
a { color: var(--link) } button { font: inherit; color: var(--link); background: none; border: 0; padding: 0; cursor: pointer; text-decoration: underline }
:focus-visible { outline: 2px solid light-dark(#2563eb, #60a5fa); outline-offset: 2px }
:host([theme="light"]) { color-scheme: light } :host([theme="dark"]) { color-scheme: dark }`

/** Made by the DOM alone: whatever a campaign is called is text. */
function element(tag: string, text = "", attributes: Record<string, string> = {}, ...children: Node[]): HTMLElement {
  const made = document.createElement(tag)
  if (text) made.textContent = text
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

const words = (code: string) => {
  const text = code.replaceAll("_", " ")
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export class OrderAttribution extends HTMLElement {
  static observedAttributes = ["order-id", "api-base", "app-base"]
  #asked = 0
  #root = this.attachShadow({ mode: "open" })

  connectedCallback() {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
    this.#root.adoptedStyleSheets = [sheet]
    void this.#load()
  }

  attributeChangedCallback() {
    if (this.isConnected) void this.#load()
  }

  async #get(path: string): Promise<Record<string, unknown>> {
    const base = (this.getAttribute("api-base") ?? "/admin/ad-planning").replace(/\/+$/, "")
    const token = await (window as { adplanning?: { token?: () => unknown } }).adplanning?.token?.()
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
    const response = await fetch(base + path, { headers, credentials: "same-origin" })
    if (!response.ok) throw Object.assign(new Error(), { status: response.status })
    return (await response.json()) as Record<string, unknown>
  }

  async #load() {
    const asked = ++this.#asked
    const order = this.getAttribute("order-id") ?? ""
    this.#show(element("p", "Loading…", { role: "status" }))
    try {
      const [me, list] = await Promise.all([this.#get("/me"), this.#get(`/conversions?order_id=${encodeURIComponent(order)}&conversion_type=purchase&limit=1`)])
      const found = (list.conversions as { id: string }[])[0]
      const detail = found && ((await this.#get(`/conversions/${found.id}`)).conversion as { id: string; attribution?: Attribution })
      if (asked !== this.#asked) return
      if (!detail) return this.#show(element("p", "This order is not counted: it is not paid, a test, or came in a moment ago."))
      if (!detail.attribution?.models.length) return this.#show(element("p", "Credit is worked out shortly after an order is paid."))
      this.#draw(detail.id, detail.attribution, me.store as Store, detail.attribution.default_model)
    } catch (problem) {
      if (asked !== this.#asked) return
      const status = (problem as { status?: number }).status
      if (status === 401 || status === 403) return this.#show(element("p", "Your account may not see where orders come from."))
      const again = element("button", "Try again", { type: "button" })
      again.addEventListener("click", () => void this.#load())
      this.#show(element("p", "Where this order came from could not be read. ", { role: "alert" }, again))
    }
  }

  #show(...content: Node[]) {
    const section = element("section", "", { "aria-label": "Attribution" }, element("header", "", {}, element("h2", "Attribution")), ...content)
    this.#root.replaceChildren(section)
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
      row(touch.campaign ?? touch.channel ?? "Direct", `${[touch.source, touch.medium].filter(Boolean).join(" / ") || "no source"} · ${when.format(new Date(touch.touched_at))}`, credit.find((each) => each.touch_id === touch.id)))
    const none = credit.find((each) => each.unattributed)
    if (none) rows.push(row("Not attributed", "No touch is known", none))

    const select = element("select", "", { "aria-label": "Attribution model" }) as HTMLSelectElement
    for (const { model } of found.models) select.append(element("option", words(model), model === chosen ? { value: model, selected: "" } : { value: model }))
    select.addEventListener("change", () => {
      this.#draw(id, found, store, select.value)
      this.#root.querySelector("select")?.focus()
    })
    const app = (this.getAttribute("app-base") ?? "/app/ad-planning").replace(/\/+$/, "")
    const window = found.window_days === 0 ? "Touches of the whole past" : `Touches of the ${found.window_days} days before it`
    this.#show(element("p", `${window}; times in ${store.zone}.`), element("ol", "", {}, ...rows), element("p", "", {}, element("a", "Open in ad planning", { href: `${app}/conversions?open=${encodeURIComponent(id)}` })))
    this.#root.querySelector("header")?.append(select)
  }
}
