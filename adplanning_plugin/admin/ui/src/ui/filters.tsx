// Filters of a list: a choice, a search, and a way to clear them all. Each writes into the address.
import { Search, X } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import { Button } from "./button"
import { Input, type Option, Select } from "./controls"

/** One of a few, or all. */
export function FilterSelect({ label, value, options, onChange }: { label: string; value: string; options: readonly Option[]; onChange: (value: string) => void }) {
  return (
    <Select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      options={[{ value: "", label: `${label}: all` }, ...options]}
      className="w-full sm:w-40"
    />
  )
}

type Typed = (text: string, options: { replace: true }) => void

/** What is being typed; told 300 ms after the last letter, without steps for Back. */
function useTyped(value: string, onChange: Typed): [string, (text: string) => void] {
  const [typed, setTyped] = useState(value)
  const asked = useRef(value)
  useEffect(() => {
    if (value !== asked.current) {
      asked.current = value
      setTyped(value)
    }
  }, [value])
  useEffect(() => {
    if (typed === asked.current) return
    const timer = setTimeout(() => {
      asked.current = typed
      onChange(typed.trim(), { replace: true })
    }, 300)
    return () => clearTimeout(timer)
  }, [typed, onChange])
  return [typed, setTyped]
}

/** Asked 300 ms after the last letter; typing makes no steps for Back. */
export function SearchBox({ label, value, onChange }: { label: string; value: string; onChange: Typed }) {
  const [typed, setTyped] = useTyped(value, onChange)
  return (
    <span className="relative w-full sm:w-56">
      <Search className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted" aria-hidden="true" />
      <Input type="search" aria-label={label} placeholder={label} value={typed} maxLength={200} onChange={(event) => setTyped(event.target.value)} className="pl-8" />
    </span>
  )
}

/** A filter that is typed: a source, an amount. `valid` keeps what cannot be asked for in the field, marked. */
export function FilterText({ label, value, onChange, valid, inputMode }: { label: string; value: string; onChange: Typed; valid?: (text: string) => boolean; inputMode?: "decimal" | "text" }) {
  const wrong = (text: string) => text.trim() !== "" && valid !== undefined && !valid(text.trim())
  const [typed, setTyped] = useTyped(value, (text, options) => wrong(text) || onChange(text, options))
  return (
    <Input
      aria-label={label} placeholder={label} value={typed} maxLength={200} inputMode={inputMode} aria-invalid={wrong(typed) || undefined}
      onChange={(event) => setTyped(event.target.value)} className="sm:w-36"
    />
  )
}

export const ClearFilters = ({ onClear }: { onClear: () => void }) => (
  <Button variant="ghost" onClick={onClear}><X className="size-3.5" aria-hidden="true" />Clear</Button>
)
