// One conversion's explanation in a drawer of its own; which model and window are looked at is kept here.
import { useState } from "react"
import { Drawer } from "@/ui/dialog"
import { Body } from "./body"

interface Props {
  conversionId: string
  window?: string
  model?: string
  onClose: () => void
}

export default function ExplainDrawer({ conversionId, window = "", model = "", onClose }: Props) {
  const [state, set] = useState({ window, model })
  return (
    <Drawer open onOpenChange={(open) => open || onClose()} title="Why this credit?" description={conversionId}>
      <Body id={conversionId} {...state} onChange={(patch) => set({ ...state, ...patch })} />
    </Drawer>
  )
}
