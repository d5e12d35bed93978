// The flow of paths, drawn: columns of steps, ribbons as thick as the journeys that took them, their ends in two colours.
import { useState } from "react"
import { ChartFrame, useWidth } from "@/charts/frame"
import type { PathLine } from "@/pages/journeys/shared/answers"
import { useFormat } from "@/shell/session"
import { flow, type Node } from "./flow"

const BAR = 12
const HEIGHT = 400
/** Above the columns: their names. */
const TOP = 22

export function Sankey({ lines, open, summary }: { lines: PathLine[]; open: boolean; summary: string }) {
  const format = useFormat()
  const [box, width] = useWidth<HTMLDivElement>()
  const [over, setOver] = useState("")
  const { nodes, ribbons, columns, total } = flow(lines, width < 480 ? 2 : width < 760 ? 3 : 4, HEIGHT)
  const room = Math.max(80, (width - BAR) / Math.max(1, columns - 1))
  const x = (node: Node) => Math.min(width - BAR, node.column * room)
  const at = new Map(nodes.map((node) => [node.key, node]))
  const tall = Math.max(HEIGHT, ...nodes.map((node) => node.y + node.height)) + 4
  const colour = (node: Node) => (node.outcome === "won" ? "var(--chart-2)" : node.outcome === "lost" ? "var(--line-strong)" : "var(--chart-1)")
  const letters = Math.floor((room - BAR - 12) / 7)
  const short = (text: string) => (text.length > letters ? `${text.slice(0, Math.max(3, letters - 1))}…` : text)
  return (
    <ChartFrame
      label="Flow of paths"
      summary={summary}
      legend={[{ label: "Touch", colour: "var(--chart-1)" }, { label: "Converted", colour: "var(--chart-2)" }, ...(open ? [{ label: "No conversion", colour: "var(--line-strong)" }] : [])]}
      table={{
        head: [{ title: "From" }, { title: "To" }, { title: "Journeys", right: true }, { title: "Share", right: true }],
        rows: ribbons.map((ribbon) => [`${at.get(ribbon.from)!.column + 1}. ${at.get(ribbon.from)!.label}`, at.get(ribbon.to)!.label, format.number(ribbon.weight), format.percent(total ? ribbon.weight / total : null)]),
      }}
    >
      <div ref={box}>
        <svg width={width} height={tall + TOP} role="img" aria-label={summary} className="block max-w-full">
          {Array.from({ length: columns }, (_, column) => (
            <text key={column} x={column === columns - 1 ? width : column * room} y="12" textAnchor={column === columns - 1 ? "end" : "start"} className="fill-muted text-xs">
              {column === columns - 1 ? "Outcome" : `Touch ${column + 1}`}
            </text>
          ))}
          <g transform={`translate(0,${TOP})`}>
          {ribbons.map((ribbon) => {
            const from = at.get(ribbon.from)!
            const to = at.get(ribbon.to)!
            const x0 = x(from) + BAR
            const x1 = x(to)
            const y0 = from.y + ribbon.y0 + ribbon.thickness / 2
            const y1 = to.y + ribbon.y1 + ribbon.thickness / 2
            const middle = (x0 + x1) / 2
            const on = over === "" || over === ribbon.from || over === ribbon.to
            return (
              <path key={ribbon.key} d={`M${x0},${y0} C${middle},${y0} ${middle},${y1} ${x1},${y1}`} fill="none" stroke={colour(to)} strokeWidth={ribbon.thickness} strokeOpacity={on ? 0.35 : 0.08}>
                <title>{`${from.label} → ${to.label}: ${format.number(ribbon.weight)} journeys`}</title>
              </path>
            )
          })}
          {nodes.map((node) => (
            <g key={node.key} onMouseEnter={() => setOver(node.key)} onMouseLeave={() => setOver("")}>
              <rect x={x(node)} y={node.y} width={BAR} height={node.height} rx="2" fill={colour(node)}>
                <title>{`${node.label}: ${format.number(node.weight)} journeys`}</title>
              </rect>
              {/* Where it is narrow the legend names the ends: their names would lie on those of the touches. */}
              {node.outcome && width < 480 ? null : <text
                x={node.column === columns - 1 ? x(node) - 6 : x(node) + BAR + 6} y={node.y + node.height / 2} dy="0.34em"
                textAnchor={node.column === columns - 1 ? "end" : "start"} className="pointer-events-none fill-fg text-xs" stroke="var(--card)" strokeWidth="3" strokeOpacity="0.85" paintOrder="stroke"
              >
                {short(node.label)}
              </text>}
            </g>
          ))}
          </g>
        </svg>
      </div>
    </ChartFrame>
  )
}
