// A list's sorting, page and hidden columns, in the address; and what the API is asked for them.
import { integer, list, text, useUrlState } from "./url"

export interface TableState {
  order: string
  page: number
  hidden: string[]
  size: number
  /** `{ limit, offset, order }` for the query. */
  query: { limit: number; offset: number; order: string }
  sort: (order: string) => void
  turn: (page: number) => void
  hide: (hidden: string[]) => void
}

const schemas = new Map<string, ReturnType<typeof schema>>()
const schema = (order: string) => ({ order: text(order), page: integer(1), hidden: list() })

/** `useTable("-occurred_at")`: the order that the list has by default, as the API names it. */
export function useTable(order: string, size = 25): TableState {
  let known = schemas.get(order)
  if (!known) schemas.set(order, (known = schema(order)))
  const [state, set] = useUrlState(known)
  return {
    ...state,
    size,
    query: { limit: size, offset: (state.page - 1) * size, order: state.order },
    sort: (next) => set({ order: next }),
    turn: (page) => set({ page }),
    hide: (hidden) => set({ hidden }, { replace: true }),
  }
}
