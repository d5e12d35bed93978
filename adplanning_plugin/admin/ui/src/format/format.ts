// Figures as the store writes them: its currency, its country's grouping, its zone. Pure; what is null is a dash.

export const DASH = "–"

type Figure = number | string | null | undefined
const cache = new Map<string, Intl.NumberFormat>()

function numbers(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale + JSON.stringify(options)
  let found = cache.get(key)
  if (!found) cache.set(key, (found = new Intl.NumberFormat(locale, options)))
  return found
}

const absent = (value: Figure): value is null | undefined | "" => value === null || value === undefined || value === ""
/** A decimal string goes to the formatter as it is: it is exact where a float is not. */
const exact = (value: number | string) => value as unknown as number

/** What does not reach 1 is not written as 1.00: it did not pay back. */
const short = (value: number | string) => (Number(value) < 1 && Number(value) > 0.99 ? 0.99 : value)

export interface Formats {
  locale: string
  zone: string
  /** IST, CET: what stands beside a time. */
  zoneShort: string
  currency: string
  /** "4999.00" → ₹4,999.00. */
  money(value: Figure, currency?: string): string
  /** For axes and tiles: ₹1.2L, €12.3K; `fixed` where they stand below one another: ₹3.0L. */
  moneyShort(value: Figure, currency?: string, fixed?: boolean): string
  /** 12,345; at most two decimals, `fixed`: as many always. */
  number(value: Figure, decimals?: number, fixed?: boolean): string
  numberShort(value: Figure): string
  /** 0.1234 → 12.3 %. */
  percent(value: Figure, decimals?: number): string
  /** +12.3 % or −4.0 %: how much a figure moved. */
  change(value: Figure): string
  /** 1.5977 → 1.60×: ROAS and its kin. */
  times(value: Figure): string
  /** 20 Nov 2026 */
  date(value: string | null | undefined): string
  /** 20 Nov */
  dateShort(value: string | null | undefined): string
  /** 20 Nov 2026, 21:34 */
  dateTime(value: string | null | undefined): string
  /** 21:34 */
  time(value: string | null | undefined): string
  /** Pune, India */
  place(city: string | null | undefined, country: string | null | undefined): string | null
  /** 3 minutes ago */
  ago(value: string | null | undefined, now?: number): string
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

export function formats({ currency, zone, locale }: { currency: string; zone: string; locale: string }): Formats {
  // A day is a day everywhere; an instant is a day in the store's zone.
  const dates = (options: Intl.DateTimeFormatOptions, value: string) =>
    new Intl.DateTimeFormat(locale, { ...options, timeZone: DAY.test(value) ? "UTC" : zone }).format(new Date(value))
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" }
  const show = (value: Figure, options: Intl.NumberFormatOptions) =>
    absent(value) ? DASH : numbers(locale, options).format(exact(value))
  return {
    locale,
    zone,
    zoneShort: zoneName(locale, zone),
    currency,
    money: (value, other) => show(value, { style: "currency", currency: other ?? currency, currencyDisplay: "narrowSymbol" }),
    moneyShort: (value, other, fixed = false) =>
      show(value, {
        style: "currency", currency: other ?? currency, currencyDisplay: "narrowSymbol", notation: "compact",
        maximumFractionDigits: 1, minimumFractionDigits: fixed ? 1 : 0,
      }),
    number: (value, decimals = 2, fixed = false) => show(value, { maximumFractionDigits: decimals, minimumFractionDigits: fixed ? decimals : 0 }),
    numberShort: (value) => show(value, { notation: "compact", maximumFractionDigits: 1 }),
    percent: (value, decimals = 1) =>
      show(value, { style: "percent", maximumFractionDigits: decimals, minimumFractionDigits: decimals }),
    change: (value) =>
      show(value, { style: "percent", maximumFractionDigits: 1, minimumFractionDigits: 1, signDisplay: "exceptZero" }),
    times: (value) => (absent(value) ? DASH : `${show(short(value), { maximumFractionDigits: 2, minimumFractionDigits: 2 })}×`),
    date: (value) => (value ? dates(day, value) : DASH),
    dateShort: (value) => (value ? dates({ day: "numeric", month: "short" }, value) : DASH),
    dateTime: (value) => (value ? dates({ ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, value) : DASH),
    time: (value) => (value ? dates({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, value) : DASH),
    place: (city, country) => [city, country && countryName(locale, country)].filter(Boolean).join(", ") || null,
    ago: (value, now = Date.now()) => (value ? ago(locale, now - Date.parse(value)) : DASH),
  }
}

function zoneName(locale: string, timeZone: string): string {
  const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "short" }).formatToParts(new Date())
  return parts.find((part) => part.type === "timeZoneName")?.value ?? timeZone
}

/** What is no country's code stands as it is. */
function countryName(locale: string, code: string): string {
  return /^[A-Z]{2}$/i.test(code) ? (new Intl.DisplayNames(locale, { type: "region", fallback: "code" }).of(code.toUpperCase()) ?? code) : code
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
]

function ago(locale: string, milliseconds: number): string {
  const words = new Intl.RelativeTimeFormat(locale, { numeric: "always" })
  for (const [unit, size] of STEPS) {
    if (milliseconds >= size) return words.format(-Math.floor(milliseconds / size), unit)
  }
  return "just now"
}

/** `lead_form_submission` → `Lead form submission`, `last_non_direct` → `Last non-direct`. */
export function words(code: string | null | undefined): string {
  if (!code) return DASH
  const text = code.replaceAll(/[_-]+/g, " ").replace("non direct", "non-direct").replace("data driven", "data-driven").trim()
  return text.charAt(0).toUpperCase() + text.slice(1)
}
