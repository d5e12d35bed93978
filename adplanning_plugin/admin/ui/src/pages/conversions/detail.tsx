// One conversion beside the list.
import { useApi } from "@/api/query"
import { useMay } from "@/shell/session"
import { ButtonLink } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { Async } from "@/ui/states"
import { Actions, Mirrored } from "./actions"
import { Adjustments, Behind, BodySkeleton, EXPAND, What } from "./body"
import { CreditSection } from "./credit"

interface Props {
  /** Empty: closed. */
  id: string
  tab: string
  lookback: string
  onChange: (patch: { tab?: string; lookback?: string }) => void
  onClose: () => void
}

export function ConversionDrawer({ id, tab, lookback, onChange, onClose }: Props) {
  const query = useApi("/conversions/{conversion_id}", { path: { conversion_id: id }, query: { expand: EXPAND }, enabled: id !== "" })
  const may = useMay("adplanning:write")
  return (
    <Drawer
      open={id !== ""}
      onOpenChange={(open) => open || onClose()}
      title="Conversion"
      description={<span className="font-mono text-xs">{id}</span>}
      footer={
        <>
          {may && query.data ? <Actions of={query.data.conversion} onDeleted={onClose} /> : null}
          {id ? <ButtonLink small to={`/conversions/${id}`} search={{ tab, lookback }}>Open as a page</ButtonLink> : null}
        </>
      }
    >
      <Async query={query} skeleton={<BodySkeleton />}>
        {({ conversion }) => (
          <div className="flex flex-col gap-6">
            <What of={conversion} />
            <CreditSection of={conversion} model={tab} lookback={lookback} onChange={onChange} />
            <Adjustments of={conversion} />
            <Behind of={conversion} />
            <Mirrored of={conversion} />
          </div>
        )}
      </Async>
    </Drawer>
  )
}
