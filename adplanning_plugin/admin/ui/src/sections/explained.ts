// Which figures of a section are credit, or what credit is of, and what is behind each. Pure.
import { figure, report } from "@/insight/explain"

const STORE = { kind: "store" } as const
const SUBJECTS: Record<string, Record<string, string>> = {
  kpis: {
    revenue: report({ ...STORE, measure: "revenue" }),
    orders: report({ ...STORE, measure: "orders" }),
    roas: report({ only: "paying", measure: "roas" }),
    mer: report({ ...STORE, measure: "roas" }),
    new_customers: report({ ...STORE, only: "new" }),
    cac: report({ ...STORE, only: "new", measure: "cac" }),
  },
  attribution: {
    converted: figure({ flags: "click" }),
    conversions: figure({ flags: "click" }),
    conversion_rate: figure({ flags: "click" }),
  },
}

/** The figures of a section that open what is behind them, by their keys. */
export const subjectsOf = (section: string): Record<string, string> => SUBJECTS[section] ?? {}
