// How long something lasted, in the two units that matter. Pure.
const UNITS: [size: number, one: string][] = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]]

const counted = (count: number, unit: string) => `${count} ${unit}${count === 1 ? "" : "s"}`

/** 93_600 → "1 day 2 hours"; null → a dash. */
export function lasting(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–"
  const whole = Math.max(0, Math.round(seconds))
  const first = UNITS.findIndex(([size]) => whole >= size)
  if (first < 0) return "at once"
  const [size, unit] = UNITS[first]!
  const next = UNITS[first + 1]
  const rest = next ? Math.floor((whole % size) / next[0]) : 0
  // Of many days nobody wants the hours.
  const main = Math.floor(whole / size)
  return next && rest > 0 && main < 7 && unit !== "minute" ? `${counted(main, unit)} ${counted(rest, next[1])}` : counted(main, unit)
}

const SHORT: [size: number, unit: string][] = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]]

/** 93_600 → "1 d": for narrow places. */
export function lastingShort(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–"
  const whole = Math.max(0, Math.round(seconds))
  const [size, unit] = SHORT.find(([each]) => whole >= each) ?? [1, "s"]
  return `${Math.floor(whole / size)} ${unit}`
}
