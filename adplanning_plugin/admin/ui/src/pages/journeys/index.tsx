// Journeys: everything that people did, event by event; the second tab has the way to each conversion.
import { Plus } from "lucide-react"
import { lazy, Suspense, useState } from "react"
import { useMay } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { choice, text, useUrlState } from "@/state/url"
import { Button } from "@/ui/button"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Skeleton } from "@/ui/states"
import { Tabs } from "@/ui/tabs"
import { Events } from "./events"

const Conversions = lazy(() => import("./conversions").then((found) => ({ default: found.ConversionJourneys })))
const Enter = lazy(() => import("./form"))
const SCHEMA = { tab: choice(["events", "conversions"]), q: text(), order: text(), page: text(), open: text(), channel: text() }
/** What one list was asked for means nothing to the other. */
const AFRESH = { q: "", order: "", page: "", open: "", channel: "" }

export default function Journeys() {
  const dates = usePeriod()
  const may = useMay("adplanning:write")
  const [state, set] = useUrlState(SCHEMA)
  const [entering, setEntering] = useState(false)
  return (
    <>
      <PageHeader
        title="Journeys"
        description="What people did on their way to you, in the order in which they did it."
        actions={
          <>
            <PeriodPicker {...dates} compare={undefined} />
            {may ? <Button variant="primary" onClick={() => setEntering(true)}><Plus className="size-4" aria-hidden="true" />Enter an event</Button> : null}
          </>
        }
      />
      <Tabs
        label="Journeys"
        value={state.tab}
        onChange={(tab) => set({ ...AFRESH, tab: tab as typeof state.tab })}
        tabs={[
          { key: "events", label: "Events", content: <Events /> },
          { key: "conversions", label: "Conversions", content: <Suspense fallback={<Skeleton className="h-96 w-full rounded-lg" />}><Conversions /></Suspense> },
        ]}
      />
      {entering ? <Suspense><Enter onClose={() => setEntering(false)} /></Suspense> : null}
    </>
  )
}
