// Buttons, and links that look like them. `variant`: primary (one a view), secondary, ghost, danger.
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react"
import { Link } from "@tanstack/react-router"
import { cn } from "./cn"

type Variant = "primary" | "secondary" | "ghost" | "danger"

const VARIANTS: Record<Variant, string> = {
  primary: "bg-primary text-primary-fg shadow-card hover:opacity-90",
  secondary: "bg-raised text-fg shadow-card hover:bg-hover active:bg-press",
  ghost: "text-fg hover:bg-hover active:bg-press",
  danger: "bg-red-bg text-red-fg shadow-card hover:opacity-90",
}

const shape = (variant: Variant, small: boolean, icon: boolean) =>
  cn(
    "inline-flex items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap select-none",
    "transition-colors disabled:opacity-50 aria-disabled:opacity-50",
    small ? "h-7 text-xs" : "h-8 text-sm",
    icon ? (small ? "w-7" : "w-8") : small ? "px-2" : "px-3",
    VARIANTS[variant],
  )

interface Look {
  variant?: Variant
  small?: boolean
}

export interface ButtonProps extends Look, ButtonHTMLAttributes<HTMLButtonElement> {
  /** Shows that it is working and takes no second press. */
  busy?: boolean
  ref?: Ref<HTMLButtonElement>
}

export function Button({ variant = "secondary", small = false, busy = false, className, children, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      className={cn(shape(variant, small, false), className)}
    >
      {busy ? <Spinner /> : null}
      {children}
    </button>
  )
}

/** A button with an icon alone: `label` is what it is called. */
export function IconButton({ label, variant = "ghost", small = false, className, children, ...rest }: ButtonProps & { label: string }) {
  return (
    <button type="button" {...rest} aria-label={label} title={label} className={cn(shape(variant, small, true), className)}>
      {children}
    </button>
  )
}

interface ButtonLinkProps extends Look {
  id?: string
  to: string
  search?: Record<string, unknown>
  className?: string
  children: ReactNode
}

export function ButtonLink({ variant = "secondary", small = false, id, to, search, className, children }: ButtonLinkProps) {
  return (
    <Link id={id} to={to as never} search={search as never} className={cn(shape(variant, small, false), className)}>
      {children}
    </Link>
  )
}

/** A link in text. Keeps nothing of the present address but what `search` says. `within` a sentence it is underlined. */
export function TextLink({ to, search, within = false, children }: { to: string; search?: Record<string, unknown>; within?: boolean; children: ReactNode }) {
  return (
    <Link to={to as never} search={search as never} className={cn("text-link underline-offset-2", within ? "underline" : "hover:underline")}>
      {children}
    </Link>
  )
}

export function Spinner() {
  return (
    <svg viewBox="0 0 16 16" className="size-3.5 animate-spin" aria-hidden="true">
      <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="26 12" />
    </svg>
  )
}
