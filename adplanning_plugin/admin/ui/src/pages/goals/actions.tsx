// What can be done with a goal: switch it on and off, change it, delete it.
import { lazy, type ReactNode, Suspense, useState } from "react"
import { isProblem } from "@/api/problem"
import { useSend } from "@/api/query"
import { useFormat, useMay } from "@/shell/session"
import { Switch } from "@/ui/controls"
import { Confirm } from "@/ui/dialog"
import { toast } from "@/ui/toast"
import type { Goal } from "./answers"

export const GoalBuilder = lazy(() => import("./builder"))

export function ActiveSwitch({ goal }: { goal: Goal }) {
  const may = useMay("adplanning:write")
  const save = useSend("put", "/goals/{goal_id}", ["/goals", "/goals/{goal_id}"])
  const put = async (is_active: boolean) => {
    try {
      await save.mutateAsync({ path: { goal_id: goal.id }, body: { version: goal.version, is_active } })
      toast(is_active ? `${goal.name} counts from now on` : `${goal.name} counts nothing any more`)
    } catch (error) {
      toast(isProblem(error) ? error.message : "That did not work.", { tone: "error" })
    }
  }
  return (
    <span className="inline-flex items-center gap-2 align-middle">
      <Switch label={`${goal.name} is active`} checked={goal.is_active} busy={save.isPending} disabled={!may} onChange={(on) => void put(on)} />
      <span className={goal.is_active ? undefined : "text-muted"}>{goal.is_active ? "On" : "Off"}</span>
    </span>
  )
}

/** Editing and deleting, opened by whoever renders it: `children` gets the two. */
export function GoalActions({ goal, onDeleted, children }: { goal: Goal; onDeleted?: () => void; children: (edit: () => void, remove: () => void) => ReactNode }) {
  const format = useFormat()
  const [doing, setDoing] = useState<"edit" | "delete" | null>(null)
  const remove = useSend("delete", "/goals/{goal_id}", ["/goals"])
  return (
    <>
      {children(() => setDoing("edit"), () => setDoing("delete"))}
      {doing === "edit" ? <Suspense><GoalBuilder goal={goal} onClose={() => setDoing(null)} /></Suspense> : null}
      <Confirm
        open={doing === "delete"}
        onOpenChange={(open) => open || setDoing(null)}
        title={`Delete ${goal.name}?`}
        action="Delete the goal"
        onConfirm={async () => {
          await remove.mutateAsync({ path: { goal_id: goal.id } })
          toast("Goal deleted")
          onDeleted?.()
        }}
      >
        It counts nothing any more and cannot be brought back. What it has counted stays{goal.hits ? `: ${format.number(goal.hits)} conversions in this period` : ""}. To stop counting for a while, switch it off instead.
      </Confirm>
    </>
  )
}
