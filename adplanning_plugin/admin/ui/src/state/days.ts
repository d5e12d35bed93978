// Days and ranges of days as ISO strings, in the store's zone. Pure: "today" is given, never taken from a clock.

export type Day = string
export interface Range {
  from: Day
  to: Day
}

export const PRESETS = [
  { key: "today", label: "Today", shortcut: "t" },
  { key: "yesterday", label: "Yesterday", shortcut: "y" },
  { key: "last_7_days", label: "Last 7 days", shortcut: "7" },
  { key: "last_30_days", label: "Last 30 days", shortcut: "3" },
  { key: "last_90_days", label: "Last 90 days", shortcut: "9" },
  { key: "this_month", label: "This month", shortcut: "m" },
  { key: "last_month", label: "Last month", shortcut: "l" },
  { key: "this_year", label: "This year", shortcut: "j" },
] as const

export type Preset = (typeof PRESETS)[number]["key"]
const SHAPE = /^\d{4}-\d{2}-\d{2}$/

export const isDay = (text: string | undefined): text is Day =>
  !!text && SHAPE.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text)

export const isPreset = (text: string | undefined): text is Preset => PRESETS.some((each) => each.key === text)

export function addDays(day: Day, count: number): Day {
  const date = new Date(`${day}T00:00:00Z`)
  date.setUTCDate(date.getUTCDate() + count)
  return date.toISOString().slice(0, 10)
}

export const daysBetween = (from: Day, to: Day): number => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000)

/** The day it is now in a zone. */
export function todayIn(zone: string, now: Date = new Date()): Day {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" })
  return parts.format(now)
}

export function rangeOf(preset: Preset, today: Day): Range {
  const month = `${today.slice(0, 8)}01`
  switch (preset) {
    case "today":
      return { from: today, to: today }
    case "yesterday":
      return { from: addDays(today, -1), to: addDays(today, -1) }
    case "last_7_days":
      return { from: addDays(today, -6), to: today }
    case "last_30_days":
      return { from: addDays(today, -29), to: today }
    case "last_90_days":
      return { from: addDays(today, -89), to: today }
    case "this_month":
      return { from: month, to: today }
    case "last_month": {
      const last = addDays(month, -1)
      return { from: `${last.slice(0, 8)}01`, to: last }
    }
    case "this_year":
      return { from: `${today.slice(0, 4)}-01-01`, to: today }
  }
}

/** The equal number of days that ends the day before. */
export function before(range: Range): Range {
  const length = daysBetween(range.from, range.to) + 1
  return { from: addDays(range.from, -length), to: addDays(range.from, -1) }
}
