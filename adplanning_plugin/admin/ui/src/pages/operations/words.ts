// Background work in words: what a job does, when it runs, what a kind of work is. Pure.
import { words } from "@/format/format"

const JOBS: Record<string, [title: string, does: string]> = {
  "compute-credit": ["Compute credit", "Shares each conversion out among the visits before it, wherever something has changed since."],
  "fit-data-driven": ["Fit the data-driven model", "Learns from the store's journeys what each channel's share should be. No credit changes until a fit is adopted."],
  "resolve-attributions": ["Match visits to campaigns", "Looks up the campaign of every visit whose tags were not matched yet."],
  "apply-campaign-aliases": ["Apply decisions about names", "Resolves all visits anew whose names somebody decided about in the inbox, and computes their credit."],
  "sweep-linked-entities": ["Read the store's data", "Finds orders, leads, refunds and sessions that no event told of, so that nothing is missed."],
  "fetch-exchange-rates": ["Fetch exchange rates", "Asks the store's source of rates for the days that are missing."],
  "expire-idempotency-keys": ["Forget old request keys", "Deletes the keys by which repeated requests are recognised, once they are a day old."],
}

export const jobTitle = (name: string) => JOBS[name]?.[0] ?? words(name)
export const jobDoes = (name: string) => JOBS[name]?.[1] ?? ""

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

/** `0 2 * * *` → "Every day at 02:00"; what is more intricate stays as it is written. */
export function scheduleWords(schedule: string): string {
  const every = /^every (\d+) seconds$/.exec(schedule)
  if (every) return everyWords(Number(every[1]))
  const [minute, hour, day, month, weekday, ...more] = schedule.trim().split(/\s+/)
  const at = (value: string | undefined) => value !== undefined && /^\d+$/.test(value)
  if (more.length > 0 || !at(minute) || month !== "*") return schedule
  if (hour === "*" && day === "*" && weekday === "*") return `Every hour at minute ${minute}`
  if (!at(hour)) return schedule
  const time = `${hour!.padStart(2, "0")}:${minute!.padStart(2, "0")}`
  if (day === "*" && weekday === "*") return `Every day at ${time}`
  if (day === "*" && at(weekday)) return `Every ${DAYS[Number(weekday)] ?? weekday} at ${time}`
  if (at(day) && weekday === "*") return `On day ${day} of each month at ${time}`
  return schedule
}

function everyWords(seconds: number): string {
  for (const [size, one] of [[86_400, "day"], [3_600, "hour"], [60, "minute"]] as const) {
    if (seconds % size === 0) return seconds === size ? `Every ${one}` : `Every ${seconds / size} ${one}s`
  }
  return `Every ${seconds} seconds`
}

const SUBSCRIBERS: Record<string, string> = {
  "tracking.linked": "take orders and leads in",
  "attribution.credit": "share the credit of a conversion",
  "attribution.linked": "read new visits and campaigns",
}

/** `job:compute-credit` → "Job: Compute credit"; `event:attribution.credit` → "Event: share the credit of a conversion". */
export function kindWords(kind: string): string {
  const cut = kind.indexOf(":")
  if (cut < 0) return words(kind)
  const [what, name] = [kind.slice(0, cut), kind.slice(cut + 1)]
  if (what === "job") return `Job: ${jobTitle(name)}`
  if (what === "event") return `Event: ${SUBSCRIBERS[name] ?? words(name.replaceAll(".", " ")).toLowerCase()}`
  return `${words(what)}: ${words(name).toLowerCase()}`
}

const CHECKS: Record<string, string> = {
  database: "Database",
  role: "Database role",
  migrations: "Tables up to date",
  wakeups: "Workers",
  streams: "Tracked events",
  partitions: "Room for next month's events",
  ingest: "Taking events in",
  orders: "Orders complete",
}

export const checkTitle = (name: string) => CHECKS[name] ?? words(name)

/** How long something took, for people: "340 ms", "12 s", "3 min". */
export function took(from: string | null, to: string | null): string | null {
  if (!from || !to) return null
  const milliseconds = Date.parse(to) - Date.parse(from)
  if (!Number.isFinite(milliseconds) || milliseconds < 0) return null
  if (milliseconds < 1000) return `${milliseconds} ms`
  if (milliseconds < 120_000) return `${Math.round(milliseconds / 1000)} s`
  return `${Math.round(milliseconds / 60_000)} min`
}
