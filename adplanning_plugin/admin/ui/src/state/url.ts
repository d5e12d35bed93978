// State that lives in the address: filters, dates, sorting, paging. It survives Back and reload, and can be sent to others.
import { useNavigate, useSearch } from "@tanstack/react-router"
import { useCallback, useMemo } from "react"

export interface Field<T> {
  read(text: string | undefined): T
  /** undefined: as by default, so the address does not name it. */
  write(value: T): string | undefined
}

export const text = (fallback = ""): Field<string> => ({
  read: (given) => given ?? fallback,
  write: (value) => (value === fallback ? undefined : value),
})

export const integer = (fallback: number, min = 1, max = 1_000_000): Field<number> => ({
  read: (given) => {
    const value = Number(given)
    return given !== undefined && Number.isInteger(value) && value >= min && value <= max ? value : fallback
  },
  write: (value) => (value === fallback ? undefined : String(value)),
})

export const flag = (fallback = false): Field<boolean> => ({
  read: (given) => (given === undefined ? fallback : given === "1"),
  write: (value) => (value === fallback ? undefined : value ? "1" : "0"),
})

/** One of a few values; anything else in the address counts as the first. */
export const choice = <const T extends readonly string[]>(values: T, fallback: T[number] = values[0]!): Field<T[number]> => ({
  read: (given) => (given !== undefined && values.includes(given) ? given : fallback),
  write: (value) => (value === fallback ? undefined : value),
})

export const list = (): Field<string[]> => ({
  read: (given) => (given ? given.split(",").filter(Boolean) : []),
  write: (value) => (value.length ? value.join(",") : undefined),
})

export type Schema = Record<string, Field<never> | Field<any>>
export type Values<S extends Schema> = { [K in keyof S]: S[K] extends Field<infer T> ? T : never }

/** The address's part as a record of strings; TanStack's own would turn "12" into a number and quote texts. */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search))
}

export function stringifySearch(search: Record<string, unknown>): string {
  const kept = Object.entries(search).filter(([, value]) => value !== undefined && value !== "")
  const query = new URLSearchParams(kept.map(([key, value]) => [key, String(value)])).toString()
  return query ? `?${query}` : ""
}

export const readState = <S extends Schema>(schema: S, search: Record<string, unknown>): Values<S> =>
  Object.fromEntries(
    Object.entries(schema).map(([key, field]) => [key, field.read(search[key] as string | undefined)]),
  ) as Values<S>

/** What is shown beside the list, not which list: these leave the page that is being looked at. */
const BESIDE = new Set([
  "page", "open", "tab", "view", "hidden", "compare", "why", "why_in", "why_window", "lookback", "more", "figures", "chart", "measure",
  "explain", "because", "explain_model", "explain_window",
])

/** What the address becomes: a change of filters, dates or sorting leads back to the first page of the list. */
export function changed<S extends Schema>(
  schema: S,
  search: Record<string, unknown>,
  patch: Partial<Values<S>>,
): Record<string, unknown> {
  const next = { ...search }
  for (const [key, value] of Object.entries(patch)) next[key] = schema[key]?.write(value as never)
  if (Object.keys(patch).some((key) => !BESIDE.has(key))) delete next.page
  return next
}

/**
 * `const [state, set] = useUrlState(SCHEMA)`. `set({ type: "purchase" })` makes a step that Back undoes; what is typed
 * letter by letter passes `{ replace: true }`. Declare the schema outside the component.
 */
export function useUrlState<const S extends Schema>(schema: S) {
  const search = useSearch({ strict: false }) as Record<string, unknown>
  const navigate = useNavigate()
  const state = useMemo(() => readState(schema, search), [schema, search])
  const set = useCallback(
    (patch: Partial<Values<S>>, options: { replace?: boolean } = {}) =>
      void navigate({
        to: ".",
        search: ((now: Record<string, unknown>) => changed(schema, now, patch)) as never,
        replace: options.replace ?? false,
        resetScroll: false,
      }),
    [navigate, schema],
  )
  return [state, set] as const
}
