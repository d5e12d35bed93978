// A difference to a platform in a sentence: how much, and most of it why. Pure.
import type { Discrepancy } from "./answers"

type Figure = number | string | null

/** With a plus where it is more: a difference, or a part of one. */
export function signed<T extends Figure>(value: T, sign: boolean, write: (value: T) => string): string {
  return `${sign && value !== null && Number(value) > 0 ? "+" : ""}${write(value)}`
}

const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)

/** The two causes that weigh most, with their amounts; what has no figure weighs nothing. */
export function answer(line: Discrepancy, measure: "conversions" | "value", write: (value: Figure) => string): string {
  const difference = line.difference[measure]
  if (difference === null) return "How far the two are apart is not known, because one of them is not."
  if (Number(difference) === 0) return `Both say ${write(line.ours[measure])}.`
  const weight = (value: Figure) => Math.abs(Number(value ?? 0))
  const rest = line.parts.find((part) => part.cause === "not_explained")?.[measure] ?? null
  const causes = line.parts
    .filter((part) => part.cause !== "not_explained" && weight(part[measure]) > 0)
    .sort((one, other) => weight(other[measure]) - weight(one[measure]))
    .slice(0, 2)
    .map((part) => `${lower(part.title)} (${signed(part[measure], true, write)})`)
  const apart = Number(difference) > 0 ? "more" : "less"
  return [
    `The claim is ${write(Math.abs(Number(difference)))} ${apart} than what this store counts.`,
    causes.length > 0 ? ` What weighs most: ${causes.join(" and ")}.` : "",
    weight(rest) > 0 ? ` Not explained: ${signed(rest, true, write)}.` : "",
  ].join("")
}
