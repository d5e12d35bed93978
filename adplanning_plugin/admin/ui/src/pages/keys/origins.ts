// Origins as they are typed, one a line, and what is wrong with one. The server decides; this says it earlier. Pure.

export const linesOf = (value: string): string[] => value.split(/[\s,]+/).filter(Boolean)

/** The first line that is no origin, in a sentence; null where all are. */
export function originProblem(origins: string[]): string | null {
  if (origins.length > 100) return "Name at most 100 origins."
  for (const origin of origins) {
    const found = /^(https?):\/\/([^/?#@]+)\/?$/i.exec(origin)
    if (!found) return `“${origin}” is no origin: write it like https://shop.example, without a path.`
    const host = found[2]!.replace(/:\d+$/, "")
    if (host.includes("*") && !/^\*\.[^*]+$/.test(host)) return `“${origin}”: a star may only stand for subdomains, as in https://*.shop.example.`
  }
  return null
}
