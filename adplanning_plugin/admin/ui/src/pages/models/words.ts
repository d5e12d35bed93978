// The words of the models' pages. Pure.
import type { Decision, Fit, FitChannel } from "./answers"

export const DECISIONS: Record<Decision, { label: string; colour: "green" | "grey" | "red" }> = {
  increase: { label: "Increase", colour: "green" },
  keep: { label: "Keep", colour: "grey" },
  cut: { label: "Cut", colour: "red" },
}

/** "Increase or cut": what the models would do, the best news first. */
export const eitherOr = (decisions: Decision[]) => {
  const named = (["increase", "keep", "cut"] as const).filter((each) => decisions.includes(each)).map((each) => DECISIONS[each].label.toLowerCase())
  const text = named.length < 2 ? (named[0] ?? "") : `${named.slice(0, -1).join(", ")} or ${named.at(-1)}`
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export const ALGORITHMS: Record<Fit["algorithm"], { label: string; effect: string; means: string }> = {
  markov: {
    label: "Markov chain",
    effect: "Removal effect",
    means: "The share of conversions that would be lost if every journey that meets the channel ended there without one.",
  },
  shapley: {
    label: "Shapley value",
    effect: "Shapley value",
    means: "What the channel adds to the conversion rate, averaged over every order in which the channels may come.",
  },
  leave_one_out: {
    label: "Leave one out",
    effect: "Difference",
    means: "The conversion rate of each path less that of the same path without the touch, over all touches. Some tools call this Shapley; it is not.",
  },
}

export const named = (fit: Pick<Fit, "algorithm" | "order">) =>
  fit.algorithm === "markov" ? `${ALGORITHMS.markov.label} of order ${fit.order ?? 1}` : ALGORITHMS[fit.algorithm].label

/** What the interval says of a channel, in a sentence; nothing where there is no interval. */
export const zero = (channel: FitChannel) =>
  channel.includes_zero === null ? "" : channel.includes_zero ? "Its interval includes zero: these journeys do not tell it from a channel that does nothing." : ""

/** How much two orders of campaigns agree, for people. */
export const agreement = (rho: number | null) =>
  rho === null ? "too few to say" : rho >= 0.9 ? "nearly the same order" : rho >= 0.7 ? "much the same order" : rho >= 0.4 ? "a different order" : rho >= 0 ? "hardly alike" : "the opposite"
