// Between an instant and what <input type="datetime-local"> holds, read as a time of the store's zone. Pure.

function partsIn(zone: string, instant: number): Record<string, string> {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  })
  return Object.fromEntries(format.formatToParts(instant).map((part) => [part.type, part.value]))
}

/** "2026-11-20T16:04:46Z" → "2026-11-20T21:34" in India. */
export function localIn(zone: string, instant: string | number): string {
  const at = partsIn(zone, new Date(instant).getTime())
  return `${at.year}-${at.month}-${at.day}T${at.hour}:${at.minute}`
}

/** Minutes that the zone is ahead of UTC at an instant. */
function ahead(zone: string, instant: number): number {
  const at = partsIn(zone, instant)
  return Math.round((Date.parse(`${at.year}-${at.month}-${at.day}T${at.hour}:${at.minute}:${at.second}Z`) - instant) / 60_000)
}

/** The other way round; a time that the clock skips in spring is taken as the one an hour later. */
export function instantIn(zone: string, local: string): string {
  const asUtc = Date.parse(`${local}:00Z`)
  const first = asUtc - ahead(zone, asUtc) * 60_000
  return new Date(asUtc - ahead(zone, first) * 60_000).toISOString()
}
