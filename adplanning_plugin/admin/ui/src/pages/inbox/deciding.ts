// Sending decisions about names, and reading anew what they change.
import { useSend } from "@/api/query"
import { isProblem } from "@/api/problem"
import { toast } from "@/ui/toast"
import type { Decision } from "./answers"

/** What shows credit or campaigns of visits. */
export const CHANGED = [
  "/attribution/inbox", "/attribution/aliases", "/attribution/aliases/{alias_id}", "/attribution", "/attribution/stats", "/attribution/comparison",
] as const

type Answer = { alias: Decision }

/** Approve, ignore and take back; each returns the decision, or null where it was refused and said so. */
export function useDeciding(onDecided: (id: string) => void) {
  const approve = useSend<"post", "/attribution/inbox/{key}/approve", Answer>("post", "/attribution/inbox/{key}/approve", [...CHANGED])
  const ignore = useSend<"post", "/attribution/inbox/{key}/ignore", Answer>("post", "/attribution/inbox/{key}/ignore", [...CHANGED])
  const revert = useSend<"post", "/attribution/aliases/{alias_id}/revert", Answer>("post", "/attribution/aliases/{alias_id}/revert", [...CHANGED])
  const told = async (answer: Promise<Answer>) => {
    try {
      const { alias } = await answer
      onDecided(alias.id)
      return alias
    } catch (problem) {
      toast(isProblem(problem) ? (problem.errors[0]?.message ?? problem.message) : "That did not work.", { tone: "error" })
      return null
    }
  }
  return {
    busy: approve.isPending || ignore.isPending || revert.isPending,
    approve: (key: string, ad_campaign_id: string, names?: string[]) => told(approve.mutateAsync({ path: { key }, body: { ad_campaign_id, names } })),
    ignore: (key: string, names?: string[]) => told(ignore.mutateAsync({ path: { key }, body: { names } })),
    revert: (alias_id: string) => told(revert.mutateAsync({ path: { alias_id } })),
  }
}

export type Deciding = ReturnType<typeof useDeciding>
