// CSV both ways: everything that is filtered, by the same request with Accept: text/csv; and a file of rows to take in.
import { apiBase, goToLogin } from "@/config"
import { authorised, filled } from "./client"
import { problemOf, unreachable } from "./problem"

export const downloadCsv = (path: string, query: object, name: string): Promise<void> => download(path, query, name, "text/csv", "csv")

/** A file that the API writes: the request with the Accept of its kind. */
export async function download(path: string, query: object, name: string, kind: string, ending: string): Promise<void> {
  const url = new URL(apiBase + path, location.origin)
  for (const [key, value] of Object.entries(filled(query))) url.searchParams.set(key, String(value))
  const headers = new Headers({ accept: kind })
  await authorised(headers, "GET")
  const response = await fetch(url, { headers, credentials: "same-origin" }).catch(() => {
    throw unreachable()
  })
  if (!response.ok) {
    if (response.status === 401) goToLogin()
    throw await problemOf(response)
  }
  const link = document.createElement("a")
  link.href = URL.createObjectURL(await response.blob())
  link.download = `${name}-${new Date().toISOString().slice(0, 10)}.${ending}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** Rows of a file, all or none; a refusal names each wrong row by its field, `rates[3].day`. */
export async function uploadCsv<T>(path: string, content: string): Promise<T> {
  const headers = new Headers({ "content-type": "text/csv; charset=utf-8" })
  await authorised(headers, "PUT")
  const response = await fetch(new URL(apiBase + path, location.origin), { method: "PUT", headers, body: content, credentials: "same-origin" }).catch(() => {
    throw unreachable()
  })
  if (!response.ok) {
    if (response.status === 401) goToLogin()
    throw await problemOf(response)
  }
  return (await response.json()) as T
}
