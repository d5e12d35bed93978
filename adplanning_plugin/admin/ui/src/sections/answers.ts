// What the sections of the metrics view answer. Other domains and plugins register more: those are read by their shape.
export type Data = Record<string, unknown>

export interface Section {
  key: string
  title: string
  /** The key of the page that shows more of it; "" for none. */
  page: string
  data: Data
}

export interface Metrics {
  period: { from_date: string; to_date: string; zone: string }
  sections: Section[]
  not_available: string[]
  failed: { key: string; title: string; page: string; message: string }[]
}

declare module "@/api/answers" {
  interface Answers {
    "/metrics": { metrics: Metrics }
  }
}
