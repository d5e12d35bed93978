// A button that opens a list of actions. `<Menu trigger={<IconButton …/>}><MenuItem onSelect={…}>Edit</MenuItem></Menu>`
import { Check } from "lucide-react"
import { DropdownMenu } from "radix-ui"
import type { ReactNode } from "react"
import { cn } from "./cn"

export const POP = "anim-rise z-50 rounded-lg bg-raised p-1 text-sm text-fg shadow-pop"
const ITEM = "flex h-8 cursor-pointer items-center gap-2 rounded-md px-2 outline-none select-none data-[highlighted]:bg-hover data-[disabled]:opacity-50"

export function Menu({ trigger, children, align = "end" }: { trigger: ReactNode; children: ReactNode; align?: "start" | "end" }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align={align} sideOffset={4} collisionPadding={8} className={cn(POP, "max-h-[70vh] min-w-44 overflow-y-auto")}>
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

interface ItemProps {
  onSelect: () => void
  danger?: boolean
  disabled?: boolean
  children: ReactNode
}

export const MenuItem = ({ onSelect, danger = false, disabled = false, children }: ItemProps) => (
  <DropdownMenu.Item onSelect={onSelect} disabled={disabled} className={cn(ITEM, danger && "text-bad")}>{children}</DropdownMenu.Item>
)

/** Stays open: several are chosen one after the other. */
export function MenuCheck({ checked, onChange, children }: { checked: boolean; onChange: (on: boolean) => void; children: ReactNode }) {
  return (
    <DropdownMenu.CheckboxItem checked={checked} onCheckedChange={onChange} onSelect={(event) => event.preventDefault()} className={cn(ITEM, "pl-7 relative")}>
      <DropdownMenu.ItemIndicator className="absolute left-2"><Check className="size-3.5" aria-hidden="true" /></DropdownMenu.ItemIndicator>
      {children}
    </DropdownMenu.CheckboxItem>
  )
}

export const MenuLabel = ({ children }: { children: ReactNode }) => (
  <DropdownMenu.Label className="px-2 py-1 text-xs font-medium text-muted">{children}</DropdownMenu.Label>
)
