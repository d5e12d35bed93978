// Erasing a person: what will be gone and what stays, the id typed once more, then the receipt as it fills.
import { useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { useState } from "react"
import { isProblem } from "@/api/problem"
import { useSend } from "@/api/query"
import type { Erasure, Profile } from "@/pages/customers/answers"
import { Receipt } from "@/pages/customers/erasures"
import { Button } from "@/ui/button"
import { Input } from "@/ui/controls"
import { Dialog } from "@/ui/dialog"
import { toast } from "@/ui/toast"

export function EraseDialog({ of, open, onClose }: { of: Profile; open: boolean; onClose: () => void }) {
  const navigate = useNavigate()
  const client = useQueryClient()
  const [typed, setTyped] = useState("")
  const [begun, setBegun] = useState("")
  const erase = useSend<"post", "/customers/{person_id}/erase", { erasure: Erasure }>("post", "/customers/{person_id}/erase", ["/customers", "/customers/erasures"])
  const close = () => {
    onClose()
    setTyped("")
    if (!begun) return
    setBegun("")
    client.removeQueries({ queryKey: ["/customers/{person_id}/profile"] })
    void client.invalidateQueries()
    void navigate({ to: "/customers" as never })
  }
  const act = async () => {
    try {
      const answer = await erase.mutateAsync({ path: { person_id: of.id }, body: { confirm: typed.trim() } })
      setBegun(answer.erasure.id)
    } catch (problem) {
      toast(isProblem(problem) ? problem.message : "That did not work.", { tone: "error" })
    }
  }
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => next || close()}
      size="medium"
      title={begun ? "Erasure" : "Erase this customer?"}
      footer={
        begun ? <Button variant="primary" onClick={close}>Close</Button> : (
          <>
            <Button onClick={close}>Cancel</Button>
            <Button variant="danger" busy={erase.isPending} disabled={typed.trim() !== of.id} onClick={() => void act()}>Erase for good</Button>
          </>
        )
      }
    >
      {begun ? <Receipt id={begun} /> : (
        <form className="flex flex-col gap-3 text-sm" onSubmit={(event) => { event.preventDefault(); if (typed.trim() === of.id) void act() }}>
          <p>Everything held here about {of.name ?? `customer ${of.id}`} is deleted: visits, pages, touches, journeys, who they are known as. <strong>It cannot be undone.</strong></p>
          <p className="text-muted">Orders and what campaigns earned with them stay, without a name: no sum changes. Your store&apos;s own tables are not touched; the receipt lists them.</p>
          <label className="flex flex-col gap-1">
            <span>Type the customer&apos;s id, <code className="font-mono">{of.id}</code>, to confirm</span>
            <Input value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" spellCheck={false} />
          </label>
        </form>
      )}
    </Dialog>
  )
}
