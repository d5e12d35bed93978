// Tabs; keep the open one in the address: `<Tabs label="Credit by model" value={state.tab} onChange={…} tabs={[…]} />`.
import { Tabs as Primitive } from "radix-ui"
import type { ReactNode } from "react"

export interface Tab {
  key: string
  label: ReactNode
  content: ReactNode
}

interface TabsProps {
  label: string
  tabs: Tab[]
  value: string
  onChange: (key: string) => void
  /** Opened by Enter, not by being reached: where leaving a tab may be asked about. */
  manual?: boolean
}

export function Tabs({ label, tabs, value, onChange, manual = false }: TabsProps) {
  const open = tabs.some((tab) => tab.key === value) ? value : (tabs[0]?.key ?? "")
  return (
    <Primitive.Root value={open} onValueChange={onChange} activationMode={manual ? "manual" : "automatic"}>
      <Primitive.List aria-label={label} className="no-print flex flex-wrap gap-1">
        {tabs.map((tab) => (
          <Primitive.Trigger
            key={tab.key}
            value={tab.key}
            className="h-7 rounded-full px-2.5 text-sm font-medium text-muted hover:bg-hover data-[state=active]:bg-press data-[state=active]:text-fg"
          >
            {tab.label}
          </Primitive.Trigger>
        ))}
      </Primitive.List>
      {tabs.map((tab) => (
        <Primitive.Content key={tab.key} value={tab.key} className="mt-3 outline-offset-4">{tab.content}</Primitive.Content>
      ))}
    </Primitive.Root>
  )
}
