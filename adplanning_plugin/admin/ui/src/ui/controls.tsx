// Controls: text, numbers, dates, a choice, a tick. In a form they stand inside `Field` or `FormField` (form.tsx).
import { ChevronDown } from "lucide-react"
import { type InputHTMLAttributes, type Ref, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from "react"
import { cn } from "./cn"

const BOX = cn(
  "w-full rounded-md border border-line-strong bg-raised px-2.5 text-sm text-fg transition-colors",
  "hover:border-fg/60 aria-invalid:border-bad disabled:opacity-60",
)

export const Input = ({ className, ...rest }: InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> }) => (
  <input {...rest} className={cn(BOX, "h-8", className)} />
)

export const TextArea = ({ className, ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement> & { ref?: Ref<HTMLTextAreaElement> }) => (
  <textarea rows={3} {...rest} className={cn(BOX, "py-1.5", className)} />
)

export interface Option {
  value: string
  label: string
}

type SelectProps = SelectHTMLAttributes<HTMLSelectElement> & { options: readonly Option[]; ref?: Ref<HTMLSelectElement> }

/** The system's own list: it works with every keyboard, on every phone. */
export const Select = ({ options, className, ...rest }: SelectProps) => (
  <span className={cn("relative inline-block", className ?? "w-full")}>
    <select {...rest} className={cn(BOX, "h-8 appearance-none truncate pr-7")}>
      {options.map((option) => <option key={option.value} value={option.value}>{option.label}</option>)}
    </select>
    <ChevronDown className="pointer-events-none absolute top-2 right-2 size-4 text-muted" aria-hidden="true" />
  </span>
)

export function Checkbox({ label, hint, ...rest }: InputHTMLAttributes<HTMLInputElement> & { label: string; hint?: string; ref?: Ref<HTMLInputElement> }) {
  const id = useId()
  return (
    <div className="flex items-start gap-2">
      <input type="checkbox" id={id} aria-describedby={hint ? `${id}-hint` : undefined} {...rest} className="mt-0.5 size-4 accent-link" />
      <label htmlFor={id} className="text-sm">
        {label}
        {hint ? <span id={`${id}-hint`} className="block text-xs text-muted">{hint}</span> : null}
      </label>
    </div>
  )
}

/** On or off at once, without a form around it. */
export const Switch = ({ label, checked, busy = false, disabled = false, onChange }: { label: string; checked: boolean; busy?: boolean; disabled?: boolean; onChange: (on: boolean) => void }) => (
  <button
    type="button" role="switch" aria-checked={checked} aria-label={label} aria-busy={busy || undefined} disabled={disabled}
    onClick={() => busy || onChange(!checked)}
    className={cn("relative inline-block h-6 w-10 rounded-full border align-middle transition-colors disabled:opacity-60", checked ? "border-transparent bg-link" : "border-line-strong bg-hover")}
  >
    <span className={cn("absolute top-[3px] left-[3px] block size-4 rounded-full transition-transform", checked ? "translate-x-4 bg-card" : "bg-line-strong")} />
  </button>
)
