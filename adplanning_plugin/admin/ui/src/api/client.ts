// The typed client of the admin API: adds the session's CSRF token or the host's bearer token, and throws Problems.
import createClient, { type Middleware } from "openapi-fetch"
import { apiBase, goToLogin } from "@/config"
import { problemOf, unreachable } from "./problem"
import type { paths } from "./schema"

/** Kept in memory only; `GET /me` hands it out. */
let csrf: string | null = null

export const setCsrfToken = (token: string | null) => {
  csrf = token
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"])

export async function authorised(headers: Headers, method: string): Promise<void> {
  const token = await window.adplanning?.token?.()
  if (token) headers.set("authorization", `Bearer ${token}`)
  else if (csrf && !SAFE.has(method)) headers.set("x-csrf-token", csrf)
}

const rules: Middleware = {
  async onRequest({ request }) {
    await authorised(request.headers, request.method)
    return request
  },
  async onResponse({ response }) {
    if (response.ok) return response
    if (response.status === 401) goToLogin()
    throw await problemOf(response)
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return error
    return unreachable()
  },
}

export const api = createClient<paths>({
  baseUrl: new URL(apiBase, location.origin).href,
  credentials: "same-origin",
  querySerializer: { array: { style: "form", explode: true } },
})
api.use(rules)

/** Query parameters without those that are empty: an empty filter is no filter. */
export function filled<T extends object>(query: T): T {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "")
  return Object.fromEntries(kept) as T
}
