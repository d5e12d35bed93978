// What the widgets share: a shadow root with a sheet that no CSP refuses, signing in as the host's page does, and states.
export interface Store {
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
ol { list-style: none; margin: 8px 0; padding: 0 }
li { display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; padding: 8px 0; border-top: 1px solid var(--line) }
small { color: var(--muted); font-size: 12px }
.figure { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap }
progress { grid-column: 1 / -1; width: 100%; height: 6px; appearance: none; border: 0; border-radius: 3px; overflow: hidden; background: var(--line) }
progress::-webkit-progress-bar { background: var(--line) } progress::-webkit-progress-value { background: var(--bar) } progress::-moz-progress-bar { background: var(--bar) }
a { color: var(--link) } button { font: inherit; color: var(--link); background: none; border: 0; padding: 0; cursor: pointer; text-decoration: underline }
:focus-visible { outline: 2px solid light-dark(#2563eb, #60a5fa); outline-offset: 2px }
:host([theme="light"]) { color-scheme: light } :host([theme="dark"]) { color-scheme: dark }`

/** Made by the DOM alone: whatever a campaign is called is text. */
export function element(tag: string, text = "", attributes: Record<string, string> = {}, ...children: Node[]): HTMLElement {
  const made = document.createElement(tag)
  if (text) made.textContent = text
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

export const words = (code: string) => {
  const text = code.replaceAll("_", " ").replace("non direct", "non-direct").replace("data driven", "data-driven")
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** A box with a title: it loads, and says so where it cannot. */
export abstract class Widget extends HTMLElement {
  #asked = 0
  #title: string
  protected readonly root = this.attachShadow({ mode: "open" })

  constructor(title: string) {
    super()
    this.#title = title
  }

  /** Ask for what is to be shown; drawing it is what it returns. */
  protected abstract load(): Promise<() => void>

  /** The sentence for a status that is no failure. */
  protected abstract refusal(status: number | undefined): string | undefined

  connectedCallback() {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
    this.root.adoptedStyleSheets = [sheet]
    void this.#begin()
  }

  attributeChangedCallback() {
    if (this.isConnected) void this.#begin()
  }

  protected async get(path: string): Promise<Record<string, unknown>> {
    const base = (this.getAttribute("api-base") ?? "/admin/ad-planning").replace(/\/+$/, "")
    const token = await (window as { adplanning?: { token?: () => unknown } }).adplanning?.token?.()
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
    const response = await fetch(base + path, { headers, credentials: "same-origin" })
    if (!response.ok) throw Object.assign(new Error(), { status: response.status })
    return (await response.json()) as Record<string, unknown>
  }

  async #begin() {
    const asked = ++this.#asked
    this.show(element("p", "Loading…", { role: "status" }))
    try {
      const draw = await this.load()
      if (asked === this.#asked) draw()
    } catch (problem) {
      if (asked !== this.#asked) return
      const sentence = this.refusal((problem as { status?: number }).status)
      if (sentence) return this.show(element("p", sentence))
      const again = element("button", "Try again", { type: "button" })
      again.addEventListener("click", () => void this.#begin())
      this.show(element("p", `${this.#title} could not be read. `, { role: "alert" }, again))
    }
  }

  protected show(...content: Node[]) {
    this.root.replaceChildren(element("section", "", { "aria-label": this.#title }, element("header", "", {}, element("h2", this.#title)), ...content))
  }
}
