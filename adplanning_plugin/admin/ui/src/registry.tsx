// Every page: one line each. `key` is the manifest's, which decides who sees it in the sidebar; a page without a key of its
// own (a detail page) names its parent's. Each file exports `default` and becomes a chunk of its own.
import type { LucideIcon } from "lucide-react"
import { Activity, Cable, ChartNoAxesCombined, Filter, Gauge, GitCompareArrows, Inbox, KeyRound, LayoutDashboard, ListChecks, Megaphone, Route, Scale, ScanEye, Settings2, Split, Target, Users, Waypoints } from "lucide-react"
import type { ComponentType } from "react"

export interface PageEntry {
  path: string
  key: string
  load: () => Promise<{ default: ComponentType }>
  /** Shown in the sidebar, which takes its titles and groups from the manifest. */
  icon?: LucideIcon
}

export const PAGES: PageEntry[] = [
  { path: "/", key: "dashboard", icon: LayoutDashboard, load: () => import("@/pages/dashboard") },
  { path: "/attribution", key: "attribution", icon: Waypoints, load: () => import("@/pages/attribution") },
  { path: "/attribution/inbox", key: "inbox", icon: Inbox, load: () => import("@/pages/inbox") },
  { path: "/attribution/models", key: "models", icon: GitCompareArrows, load: () => import("@/pages/models") },
  { path: "/attribution/reconciliation", key: "reconciliation", icon: ListChecks, load: () => import("@/pages/reconciliation") },
  { path: "/campaigns", key: "campaigns", icon: Megaphone, load: () => import("@/pages/campaigns") },
  { path: "/campaigns/$id", key: "campaigns", load: () => import("@/pages/campaign") },
  { path: "/conversions", key: "conversions", icon: ChartNoAxesCombined, load: () => import("@/pages/conversions") },
  { path: "/conversions/$id", key: "conversions", load: () => import("@/pages/conversion") },
  { path: "/coverage", key: "coverage", icon: ScanEye, load: () => import("@/pages/coverage") },
  { path: "/customers", key: "customers", icon: Users, load: () => import("@/pages/customers") },
  { path: "/customers/$id", key: "customers", load: () => import("@/pages/customer") },
  { path: "/goals", key: "goals", icon: Target, load: () => import("@/pages/goals") },
  { path: "/goals/$id", key: "goals", load: () => import("@/pages/goal") },
  { path: "/journeys", key: "journeys", icon: Route, load: () => import("@/pages/journeys") },
  { path: "/journeys/funnel", key: "funnel", icon: Filter, load: () => import("@/pages/funnel") },
  { path: "/journeys/paths", key: "paths", icon: Split, load: () => import("@/pages/paths") },
  { path: "/metrics", key: "metrics", icon: Gauge, load: () => import("@/pages/metrics") },
  { path: "/operations", key: "operations", icon: Activity, load: () => import("@/pages/operations") },
  { path: "/roi", key: "roi", icon: Scale, load: () => import("@/pages/roi") },
  { path: "/settings", key: "settings", icon: Settings2, load: () => import("@/pages/settings") },
  { path: "/settings/keys", key: "keys", icon: KeyRound, load: () => import("@/pages/keys") },
  { path: "/settings/links", key: "links", icon: Cable, load: () => import("@/pages/links") },
]
