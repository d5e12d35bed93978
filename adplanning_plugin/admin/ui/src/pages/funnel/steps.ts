// The steps of a funnel as the address writes them, and what may be one. Pure.
export const STAGES = ["awareness", "interest", "consideration", "intent", "conversion", "retention", "advocacy"] as const
export const DEFAULT = ["awareness", "consideration", "intent", "conversion"]
export const FEWEST = 2
export const MOST = 10

const KINDS: [code: string, label: string][] = [
  ["page_view", "Viewed a page"], ["ad_click", "Clicked an ad"], ["email_click", "Clicked in an email"], ["search", "Searched"], ["product_view", "Viewed a product"],
  ["sign_up", "Signed up"], ["lead_capture", "Left their details"], ["form_submit", "Sent a form"], ["add_to_cart", "Added to cart"], ["begin_checkout", "Began checkout"],
  ["purchase", "Purchased"], ["feedback", "Gave feedback"], ["referral", "Referred somebody"],
]

/** What a step is chosen from; a page and an event are then named in a field of their own. */
export const CHOICES: { value: string; label: string }[] = [
  ...STAGES.map((stage) => ({ value: stage, label: `Stage: ${stage}` })),
  ...KINDS.map(([value, label]) => ({ value, label })),
  { value: "page:", label: "A page…" },
  { value: "event:", label: "An event by its name…" },
]

export const isStage = (step: string): boolean => (STAGES as readonly string[]).includes(step)
/** What of it stands in the list: `page:/cart` is "A page…". */
export const choiceOf = (step: string): string => (step.startsWith("page:") ? "page:" : step.startsWith("event:") ? "event:" : step)
export const nameOf = (step: string): string => step.replace(/^(page|event|goal):/, "")
/** Ready to be asked for: a page and an event have their name. No comma: it parts the steps. */
export const isWhole = (step: string): boolean => nameOf(step).trim() !== "" && !step.includes(",")

const moved = (steps: string[], from: number, to: number): string[] => {
  const next = [...steps]
  next.splice(to, 0, ...next.splice(from, 1))
  return next
}
export const up = (steps: string[], index: number): string[] => (index > 0 ? moved(steps, index, index - 1) : steps)
export const down = (steps: string[], index: number): string[] => (index < steps.length - 1 ? moved(steps, index, index + 1) : steps)
export const without = (steps: string[], index: number): string[] => (steps.length > FEWEST ? steps.filter((_, place) => place !== index) : steps)
export const changed = (steps: string[], index: number, step: string): string[] => steps.map((each, place) => (place === index ? step : each))
/** A stage that is not in it yet, else a purchase. */
export const added = (steps: string[]): string[] =>
  steps.length >= MOST ? steps : [...steps, STAGES.slice(STAGES.indexOf((steps.findLast(isStage) ?? "awareness") as (typeof STAGES)[number])).find((stage) => !steps.includes(stage)) ?? "purchase"]

/** What is wrong with it, as a sentence; null where it can be asked for. */
export function problemOf(steps: string[]): string | null {
  if (!steps.every(isWhole)) return "Name the page or the event of each step, without commas."
  const stages = steps.filter(isStage)
  if (new Set(stages).size < stages.length) return "A stage counts from its first time: take each only once."
  return null
}
