// Paths as columns of steps with ribbons between them: where each stands and how thick it is. Pure.
import type { PathLine } from "@/pages/journeys/shared/answers"

export interface Node {
  key: string
  label: string
  column: number
  weight: number
  y: number
  height: number
  outcome?: "won" | "lost"
}

export interface Ribbon {
  key: string
  from: string
  to: string
  weight: number
  /** Where it leaves and arrives, from the node's top. */
  y0: number
  y1: number
  thickness: number
}

export interface Flow {
  nodes: Node[]
  ribbons: Ribbon[]
  columns: number
  total: number
}

/** Between nodes: a line of text has room beside the thinnest of them. */
const GAP = 14
export const WON = "Converted"
export const LOST = "No conversion"

/** The first `steps` steps of each path, then what became of it. */
export function flow(lines: PathLine[], steps: number, height: number): Flow {
  const weights = new Map<string, { label: string; column: number; weight: number; outcome?: "won" | "lost" }>()
  const links = new Map<string, { from: string; to: string; weight: number }>()
  const shown = Math.min(steps, Math.max(1, ...lines.map((line) => line.path.length)))
  const meet = (key: string, label: string, column: number, weight: number, outcome?: "won" | "lost") => {
    const known = weights.get(key)
    if (known) known.weight += weight
    else weights.set(key, { label, column, weight, ...(outcome ? { outcome } : {}) })
  }
  const join = (from: string, to: string, weight: number) => {
    const key = `${from}→${to}`
    const known = links.get(key)
    if (known) known.weight += weight
    else links.set(key, { from, to, weight })
  }
  let total = 0
  for (const line of lines) {
    const won = line.conversions
    const lost = line.unconverted ?? 0
    if (line.path.length === 0 || won + lost === 0) continue
    total += won + lost
    const path = line.path.length > shown ? [...line.path.slice(0, shown - 1), `${line.path.length - shown + 1} more`] : line.path
    path.forEach((label, index) => {
      const named = index === shown - 1 && line.path.length > shown ? "More steps" : label
      meet(`${index}:${named}`, named, index, won + lost)
      if (index) join(`${index - 1}:${path[index - 1]}`, `${index}:${named}`, won + lost)
    })
    const last = path.length - 1
    const end = `${last}:${line.path.length > shown ? "More steps" : path[last]}`
    if (won) { meet("won", WON, shown, won, "won"); join(end, "won", won) }
    if (lost) { meet("lost", LOST, shown, lost, "lost"); join(end, "lost", lost) }
  }
  const columns = shown + 1
  const inColumn = (column: number) => [...weights].filter(([, each]) => each.column === column).sort(([, a], [, b]) => (a.outcome === "lost" ? 1 : b.outcome === "lost" ? -1 : b.weight - a.weight) || a.label.localeCompare(b.label))
  const most = Math.max(0, ...Array.from({ length: columns }, (_, column) => inColumn(column).length))
  const scale = total ? (height - Math.max(0, most - 1) * GAP) / total : 0
  const nodes: Node[] = []
  for (let column = 0; column < columns; column++) {
    let y = 0
    for (const [key, each] of inColumn(column)) {
      const tall = Math.max(2, each.weight * scale)
      nodes.push({ key, label: each.label, column, weight: each.weight, y, height: tall, ...(each.outcome ? { outcome: each.outcome } : {}) })
      y += tall + GAP
    }
  }
  const place = new Map(nodes.map((node) => [node.key, node]))
  const left = new Map<string, number>()
  const right = new Map<string, number>()
  const order = [...links.entries()].sort(([, a], [, b]) => (place.get(a.from)!.y - place.get(b.from)!.y) || (place.get(a.to)!.y - place.get(b.to)!.y))
  const ribbons = order.map(([key, link]) => {
    const thickness = Math.max(1, link.weight * scale)
    const y0 = left.get(link.from) ?? 0
    left.set(link.from, y0 + thickness)
    return { key, ...link, y0, y1: 0, thickness }
  })
  for (const ribbon of [...ribbons].sort((a, b) => (place.get(a.to)!.y - place.get(b.to)!.y) || (place.get(a.from)!.column - place.get(b.from)!.column) || (place.get(a.from)!.y - place.get(b.from)!.y))) {
    ribbon.y1 = right.get(ribbon.to) ?? 0
    right.set(ribbon.to, ribbon.y1 + ribbon.thickness)
  }
  return { nodes, ribbons, columns, total }
}
