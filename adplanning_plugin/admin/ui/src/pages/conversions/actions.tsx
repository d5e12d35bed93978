// What can be done with one conversion: change it, delete it; and why not, where its facts belong to the store.
import { Pencil, Trash2 } from "lucide-react"
import { lazy, Suspense, useState } from "react"
import { useSend } from "@/api/query"
import { words } from "@/format/format"
import { useFormat, useMay } from "@/shell/session"
import { Button } from "@/ui/button"
import { Confirm } from "@/ui/dialog"
import { toast } from "@/ui/toast"
import type { ConversionDetail } from "./answers"
import { mirrors } from "./vocabulary"

export const ConversionForm = lazy(() => import("./form"))

export function Actions({ of, onDeleted }: { of: ConversionDetail; onDeleted: () => void }) {
  const may = useMay("adplanning:write")
  const format = useFormat()
  const [doing, setDoing] = useState<"edit" | "delete" | null>(null)
  const remove = useSend("delete", "/conversions/{conversion_id}", ["/conversions", "/conversions/stats", "/conversions/funnel", "/goals"])
  if (!may) return null
  const fixed = mirrors(of.origin)
  const close = () => setDoing(null)
  return (
    <>
      <Button small onClick={() => setDoing("edit")}><Pencil className="size-3.5" aria-hidden="true" />{fixed ? "Add notes" : "Edit"}</Button>
      {fixed ? null : <Button small variant="danger" onClick={() => setDoing("delete")}><Trash2 className="size-3.5" aria-hidden="true" />Delete</Button>}
      {doing === "edit" ? <Suspense><ConversionForm open conversion={of} onClose={close} /></Suspense> : null}
      <Confirm
        open={doing === "delete"}
        onOpenChange={(open) => open || close()}
        title="Delete this conversion?"
        action="Delete the conversion"
        onConfirm={async () => {
          await remove.mutateAsync({ path: { conversion_id: of.id } })
          toast("Conversion deleted")
          onDeleted()
        }}
      >
        {words(of.conversion_type)} of {format.dateTime(of.occurred_at)}, worth {format.money(of.value, of.currency)}. It will count nowhere any more, its credit goes too, and it cannot be brought back.
      </Confirm>
    </>
  )
}

/** Why most of it cannot be changed here. */
export const Mirrored = ({ of }: { of: ConversionDetail }) =>
  mirrors(of.origin) ? (
    <p className="rounded-md border border-blue-line bg-blue-bg px-3 py-2 text-sm text-blue-fg">
      This mirrors {of.origin} {of.origin === "order" ? of.order_id : of.lead_id}: change it in the store, and it follows.
    </p>
  ) : null
