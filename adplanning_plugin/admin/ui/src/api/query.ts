// Reading and changing: every page asks through `useApi` and changes through `useSend`.
import { keepPreviousData, QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import type { Answers } from "./answers"
import { api, filled } from "./client"
import { isProblem, type Problem } from "./problem"
import type { paths } from "./schema"

declare module "@tanstack/react-query" {
  interface Register {
    defaultError: Problem
  }
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // What a person can act on is shown at once; what passes by itself is tried again.
      retry: (count, error) => count < 2 && isProblem(error) && (error.status === 0 || error.status === 503),
      retryDelay: (count, error) => Math.min((error.retryAfter ?? 2 ** count) * 1000, 8000),
    },
  },
})

type Verb = "get" | "post" | "put" | "delete"
type Operation<P extends keyof paths, M extends Verb> = paths[P] extends Record<M, infer O> ? O : never
type Parameters<O> = O extends { parameters: infer Q } ? Q : never
type Part<O, K extends string> = K extends keyof Parameters<O> ? NonNullable<Parameters<O>[K]> : never
type BodyOf<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : never

export type GetPath = { [P in keyof paths]: Operation<P, "get"> extends never ? never : P }[keyof paths]
export type Query<P extends keyof paths> = Partial<Part<Operation<P, "get">, "query">>
export type Answer<P> = P extends keyof Answers ? Answers[P] : unknown

interface Asked<P extends keyof paths> {
  query?: Query<P>
  path?: Part<Operation<P, "get">, "path">
  enabled?: boolean
  /** Show the answer before while the next one is on its way: paging, sorting, filters. */
  keep?: boolean
  staleTime?: number
  refetchInterval?: number | false | ((data: Answer<P> | undefined) => number | false)
}

export async function ask<P extends GetPath>(path: P, given: Asked<P> = {}, signal?: AbortSignal): Promise<Answer<P>> {
  const { data } = await api.GET(
    path as never,
    { params: { query: filled(given.query ?? {}), path: given.path }, signal } as never,
  )
  return data as Answer<P>
}

/** `useApi("/conversions", { query: { limit: 50 } })`: typed in both directions, cached by path and parameters. */
export function useApi<P extends GetPath>(path: P, given: Asked<P> = {}) {
  const interval = given.refetchInterval
  return useQuery<Answer<P>, Problem>({
    queryKey: [path, given.path ?? {}, filled(given.query ?? {})],
    queryFn: ({ signal }) => ask(path, given, signal),
    enabled: given.enabled ?? true,
    placeholderData: given.keep ? keepPreviousData : undefined,
    staleTime: given.staleTime ?? 30_000,
    refetchInterval: typeof interval === "function" ? (query) => interval(query.state.data) : interval,
  })
}

type ChangePath<M extends Verb> = { [P in keyof paths]: Operation<P, M> extends never ? never : P }[keyof paths]

interface Change<P extends keyof paths, M extends Verb> {
  path?: Part<Operation<P, M>, "path">
  query?: Part<Operation<P, M>, "query">
  body?: BodyOf<Operation<P, M>>
  /** Repeats are answered as the first one was. */
  idempotencyKey?: string
}

export async function send<M extends "post" | "put" | "delete", P extends ChangePath<M>, T = unknown>(
  method: M,
  path: P,
  given: Change<P, M> = {},
): Promise<T> {
  const header = given.idempotencyKey ? { "Idempotency-Key": given.idempotencyKey } : undefined
  const call = api[method.toUpperCase() as "POST"] as (path: never, init: never) => Promise<{ data?: unknown }>
  const { data } = await call(path as never, { params: { path: given.path, query: filled(given.query ?? {}), header }, body: given.body } as never)
  return data as T
}

/** `const save = useSend("put", "/goals/{goal_id}", ["/goals"])`; after it, the lists named are read anew. */
export function useSend<M extends "post" | "put" | "delete", P extends ChangePath<M>, T = unknown>(
  method: M,
  path: P,
  stale: GetPath[] = [],
) {
  const client = useQueryClient()
  return useMutation<T, Problem, Change<P, M>>({
    mutationFn: (given) => send<M, P, T>(method, path, given),
    onSuccess: () => Promise.all(stale.map((each) => client.invalidateQueries({ queryKey: [each] }))),
  })
}
