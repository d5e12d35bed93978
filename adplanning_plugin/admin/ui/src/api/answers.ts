// What each GET answers. The OpenAPI document types the questions; a page adds its answers by declaration merging:
//   declare module "@/api/answers" { interface Answers { "/goals": List<"goals", Goal> } }

/** A list's envelope: its rows under their own name. */
export type List<Name extends string, Row> = { [key in Name]: Row[] } & {
  count: number
  count_estimated?: boolean
  offset: number
  limit: number
}

export interface Me {
  actor: { id: string; scopes: string[]; via: "session" | "bearer" }
  store: Store
  csrf_token: string | null
  paths: { admin: string; app: string; script?: string }
}

export interface Store {
  id: string
  name: string
  zone: string
  currency: string
  locale: string
}

export interface ManifestPage {
  key: string
  title: string
  path: string
  scope: string
  kind: "page" | "widget"
  group: string
  order: number
  description: string
  icon: string
  /** Another plugin's page: an ES module, or a document in an iframe; both empty for a page of ours. */
  module: string
  frame: string
}

export interface Manifest {
  groups: { key: string; title: string; pages: string[] }[]
  pages: ManifestPage[]
  widgets: ManifestPage[]
  scopes: string[]
}

export interface Answers {
  "/me": Me
  "/ui/manifest": Manifest
}
