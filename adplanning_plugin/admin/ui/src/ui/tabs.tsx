// Tabs; keep the open one in the address: `<Tabs label="Credit by model" value={state.tab} onChange={…} tabs={[…]} />`.
import { Tabs as Primitive } from "radix-ui"
import type { ReactNode } from "react"

export interface Tab {
  key: string
  label: ReactNode
  content: ReactNode
}

export function Tabs({ label, tabs, value, onChange }: { label: string; tabs: Tab[]; value: string; onChange: (key: string) => void }) {
  const open = tabs.some((tab) => tab.key === value) ? value : (tabs[0]?.key ?? "")
  return (
    <Primitive.Root value={open} onValueChange={onChange}>
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
