// A short explanation on hover and focus: `<Tooltip text="…"><button>…</button></Tooltip>`; `Explain` is the little question mark.
import { CircleHelp } from "lucide-react"
import { Popover, Tooltip as Primitive } from "radix-ui"
import type { ReactNode } from "react"
import { cn } from "./cn"
import { POP } from "./menu"

export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  return (
    <Primitive.Provider delayDuration={250}>
      <Primitive.Root>
        <Primitive.Trigger asChild>{children}</Primitive.Trigger>
        <Primitive.Portal>
          <Primitive.Content sideOffset={4} collisionPadding={8} className={cn(POP, "max-w-xs px-2.5 py-1.5 text-xs")}>{text}</Primitive.Content>
        </Primitive.Portal>
      </Primitive.Root>
    </Primitive.Provider>
  )
}

/** A question mark that explains a figure: opens by click and key, so that touch has it too. */
export function Explain({ what, children }: { what: string; children: ReactNode }) {
  return (
    <Popover.Root>
      <Popover.Trigger aria-label={`What is ${what}?`} className="no-print -m-0.5 inline-flex size-6 items-center justify-center rounded align-middle text-muted hover:text-fg">
        <CircleHelp className="size-3.5" aria-hidden="true" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content sideOffset={4} collisionPadding={8} aria-label={what} className={cn(POP, "max-w-xs px-3 py-2")}>{children}</Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}
