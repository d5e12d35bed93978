// Which figure or conversion is being explained, as it stands in the address.
export interface Figure {
  by: string
  kind: string
  currency: string
  /** A model other than the page's, where several stand side by side. */
  model: string
  type: string
  /** null: of visits that name nothing of the group; "": no single line, but all of the kind. */
  key: string | null
}

const NO_KEY = "-"

/** figure:by:kind:currency:model:type:=key; the key comes last, since it may hold anything. */
export const figure = (of: Partial<Figure>) =>
  `figure:${of.by ?? "campaign"}:${of.kind ?? ""}:${of.currency ?? ""}:${of.model ?? ""}:${of.type ?? ""}:${of.key === null ? NO_KEY : `=${of.key ?? ""}`}`

export const conversion = (id: string) => `conversion:${id}`

export type Subject = { conversion: string } | { figure: Figure } | null

export function read(text: string): Subject {
  const [what, rest] = text.split(/:(.*)/s)
  if (what === "conversion" && rest) return { conversion: rest }
  const parts = /^([^:]*):([^:]*):([^:]*):([^:]*):([^:]*):(.*)$/s.exec(rest ?? "")
  if (what !== "figure" || !parts) return null
  const [, by, kind, currency, model, type, key] = parts as unknown as string[]
  return { figure: { by: by!, kind: kind!, currency: currency!, model: model!, type: type!, key: key === NO_KEY ? null : key!.slice(1) } }
}

/** The figure as the request for its conversions. */
export const asked = (of: Figure) => ({
  group_by: of.by as "campaign",
  kind: of.kind as "touch",
  currency: of.currency,
  model: of.model,
  conversion_type: of.type as "purchase",
  key: of.key ?? "",
  no_key: of.key === null ? true : undefined,
})
