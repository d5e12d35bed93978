// What opens over the page: Dialog (centred or full screen), Drawer (slides in from the right), Confirm, StaleDialog.
import { X } from "lucide-react"
import { Dialog as Primitive } from "radix-ui"
import { type ReactNode, useRef, useState } from "react"
import { Button, IconButton } from "./button"
import { cn } from "./cn"
import { toast } from "./toast"
import { isProblem } from "@/api/problem"

interface OverProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  description?: ReactNode
  /** Buttons at the foot: the one that acts last. */
  footer?: ReactNode
  /** Beside the title: what changes or prints what is shown. */
  actions?: ReactNode
  children?: ReactNode
}

const SIZES = {
  small: "inset-x-4 top-[12vh] mx-auto max-w-md rounded-xl max-h-[76vh]",
  medium: "inset-x-4 top-[8vh] mx-auto max-w-2xl rounded-xl max-h-[84vh]",
  full: "inset-2 sm:inset-3 rounded-xl",
  drawer: "inset-y-2 right-2 left-2 sm:left-auto sm:w-[34rem] rounded-xl",
}

function Over({ open, onOpenChange, title, description, footer, actions, children, size }: OverProps & { size: keyof typeof SIZES }) {
  // There is no trigger that Radix knows: what had the focus gets it back.
  const opener = useRef<Element | null>(null)
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="anim-fade fixed inset-0 z-40 bg-[rgb(0_0_0/0.45)]" />
        <Primitive.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          onOpenAutoFocus={() => { opener.current = document.activeElement }}
          onInteractOutside={(event) => {
            // A message's Undo is no step away from what is open; by now the message may be gone from the page.
            if (event.detail.originalEvent.target instanceof Element && event.detail.originalEvent.target.closest("[data-toast]")) event.preventDefault()
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault()
            if (opener.current instanceof HTMLElement) opener.current.focus()
          }}
          className={cn("prints-alone fixed z-50 flex flex-col bg-card text-fg shadow-pop outline-none", SIZES[size], size === "drawer" ? "anim-slide" : "anim-rise")}
        >
          <div className={cn("flex items-start gap-3 border-b border-line px-5 py-3", Boolean(actions) && "flex-wrap sm:flex-nowrap")}>
            <div className="min-w-0 flex-1">
              <Primitive.Title className="text-lg">{title}</Primitive.Title>
              {description ? <Primitive.Description className="text-sm text-muted">{description}</Primitive.Description> : null}
            </div>
            {actions ? <div className="no-print order-1 flex basis-full flex-wrap items-center gap-2 sm:order-none sm:basis-auto">{actions}</div> : null}
            <Primitive.Close asChild>
              <IconButton label="Close" small className="no-print"><X className="size-4" aria-hidden="true" /></IconButton>
            </Primitive.Close>
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4" tabIndex={0} role="group" aria-label={title}>{children}</div>
          {footer ? <div className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{footer}</div> : null}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  )
}

export const Dialog = ({ size = "medium", ...rest }: OverProps & { size?: "small" | "medium" | "full" }) => <Over size={size} {...rest} />

/** Details of a row, or a form, with the list still in sight. Keep what is open in the address: `open`. */
export const Drawer = (props: OverProps) => <Over size="drawer" {...props} />

interface ConfirmProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  /** What will be gone, and whether it can be brought back. */
  children: ReactNode
  /** The verb: "Delete the goal". */
  action: string
  danger?: boolean
  onConfirm: () => Promise<unknown> | unknown
}

/** Asks before what cannot be undone; what can be is done at once and undone by its toast. */
export function Confirm({ open, onOpenChange, title, children, action, danger = true, onConfirm }: ConfirmProps) {
  const [busy, setBusy] = useState(false)
  const act = async () => {
    setBusy(true)
    try {
      await onConfirm()
      onOpenChange(false)
    } catch (error) {
      toast(isProblem(error) ? error.message : "That did not work.", { tone: "error" })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Over
      size="small"
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button variant={danger ? "danger" : "primary"} busy={busy} onClick={() => void act()}>{action}</Button>
        </>
      }
    >
      <div className="text-sm">{children}</div>
    </Over>
  )
}

interface StaleProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  /** Each field that differs: what you wrote, and what somebody else has saved since. */
  fields: { label: string; mine: ReactNode; theirs: ReactNode }[]
  /** Take the saved version into the form. */
  onTakeTheirs: () => void
  /** Save mine over it, with the version that is there now. */
  onKeepMine: () => void
}

/** After a 409 `stale_version`: somebody saved in between. Both versions, side by side, and a choice. */
export function StaleDialog({ open, onOpenChange, fields, onTakeTheirs, onKeepMine }: StaleProps) {
  return (
    <Over
      size="medium"
      open={open}
      onOpenChange={onOpenChange}
      title="Somebody changed this while you were editing"
      description="Nothing is saved yet. Choose which version to go on with."
      footer={
        <>
          <Button onClick={() => { onTakeTheirs(); onOpenChange(false) }}>Use the saved version</Button>
          <Button variant="primary" onClick={() => { onKeepMine(); onOpenChange(false) }}>Save mine over it</Button>
        </>
      }
    >
      <table className="w-full text-left text-sm">
        <thead>
          <tr className="text-xs text-muted"><th className="py-1 pr-3 font-medium">Field</th><th className="py-1 pr-3 font-medium">Yours</th><th className="py-1 font-medium">Saved</th></tr>
        </thead>
        <tbody>
          {fields.map(({ label, mine, theirs }) => (
            <tr key={label} className="border-t border-line align-top">
              <th scope="row" className="py-2 pr-3 font-medium">{label}</th><td className="py-2 pr-3">{mine}</td><td className="py-2">{theirs}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Over>
  )
}
