// Rule versions: how far the one being built is, what held when and by whom, and taking an earlier one again.
import { useQueryClient } from "@tanstack/react-query"
import { useEffect, useRef, useState } from "react"
import { useApi, useSend } from "@/api/query"
import { By } from "@/insight/by"
import { useFormat, useMay } from "@/shell/session"
import { Badge, type Colour } from "@/ui/badge"
import { Button } from "@/ui/button"
import { Confirm } from "@/ui/dialog"
import { Card } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { toast } from "@/ui/toast"
import type { Building, RuleVersion } from "../answers"

const STATES: Record<RuleVersion["state"], [string, Colour]> = { active: ["Counts now", "green"], building: ["Being built", "blue"], superseded: ["Earlier", "grey"] }
const SHOWN = 5

export function Versions({ label, onRestored }: { label: (setting: string) => string; onRestored: () => void }) {
  const format = useFormat()
  const may = useMay("adplanning:manage")
  const client = useQueryClient()
  const [limit, setLimit] = useState(SHOWN)
  const [wanted, setWanted] = useState<RuleVersion | null>(null)
  const query = useApi("/attribution/rules", { query: { limit }, keep: true, refetchInterval: (data) => (data?.building ? 2000 : false) })
  const restore = useSend("post", "/attribution/rules/{version}/restore", ["/attribution/rules", "/settings", "/attribution/models"])
  const building = query.data?.building?.version
  const before = useRef(building)
  useEffect(() => {
    if (before.current !== undefined && building === undefined && query.data) {
      toast("Reports now show credit by the new settings")
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "/attribution/rules" })
    }
    before.current = building
  }, [building, client, query.data])
  const again = async (version: number) => {
    await restore.mutateAsync({ path: { version: String(version) } })
    onRestored()
    toast(`The settings of version ${version} are saved again`)
  }
  return (
    <Card title="Versions" description="Each change of these settings is a version of its own. Reports go over to a new one when its credit is complete, and an earlier one can be taken again.">
      <Async query={query} skeleton={<Skeleton className="h-40 w-full" />}>
        {({ rules, building: progress, count }) => (
          <div className="flex flex-col gap-4">
            {progress ? <Progress building={progress} active={rules.find((each) => each.state === "active")?.version} /> : null}
            {rules.length === 0 ? <p className="text-sm text-muted">No credit was computed yet: the first version is made with the first conversion.</p> : (
              <PlainTable
                caption="Versions of the attribution settings"
                head={[{ title: "Version" }, { title: "State" }, { title: "Made" }, { title: "What changed", wide: true }, ...(may ? [{ title: "Action" }] : [])]}
                rows={rules.map((each) => [
                  <span key="version" className="font-medium">{each.version}</span>,
                  <Badge key="state" colour={STATES[each.state][1]}>{STATES[each.state][0]}</Badge>,
                  <span key="made">{format.dateTime(each.created_at)}<span className="block text-xs text-muted">{each.created_by ? <>by <By id={each.created_by} /></> : "by the plugin"}</span></span>,
                  <span key="changes" className="break-words">{said(each, label)}</span>,
                  ...(may ? [each.state === "superseded" ? <Button key="again" small onClick={() => setWanted(each)}>Take again<span className="sr-only"> version {each.version}</span></Button> : null] : []),
                ])}
              />
            )}
            {count > rules.length ? <div><Button small variant="ghost" onClick={() => setLimit(100)}>Show earlier versions</Button></div> : null}
          </div>
        )}
      </Async>
      <Confirm
        open={wanted !== null}
        onOpenChange={(open) => open || setWanted(null)}
        title={`Take version ${wanted?.version ?? ""} again?`}
        action="Take it again"
        danger={false}
        onConfirm={() => wanted && again(wanted.version)}
      >
        Its settings become a new version. Reports stay as they are until its credit is complete.
      </Confirm>
    </Card>
  )
}

const said = (each: RuleVersion, label: (setting: string) => string) => {
  const changes = each.changes.map((name) => (name === "fit" ? "Data-driven fit" : label(name))).join(", ")
  if (each.restored_from !== null) return `Version ${each.restored_from} again${changes ? `: ${changes}` : ""}`
  return changes || (each.version === 1 ? "The first" : "Models of other plugins")
}

function Progress({ building, active }: { building: Building; active: number | undefined }) {
  const format = useFormat()
  const percent = Math.round(building.share * 100)
  return (
    <div className="rounded-lg border border-blue-line bg-blue-bg p-3 text-sm text-blue-fg">
      <p className="mb-2" role="status">
        Version {building.version} is being built: {building.step === "reading touches" ? "visits are read anew" : `${format.number(building.done)} of ${format.number(building.total)} conversions`}.
        {active === undefined ? "" : ` Until it is complete, reports show version ${active}.`}
      </p>
      <progress aria-label={`Version ${building.version} being built`} value={percent} max={100} className="h-2 w-full" />
    </div>
  )
}
