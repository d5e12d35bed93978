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

/** Asked 300 ms after the last letter; typing makes no steps for Back. */
export function SearchBox({ label, value, onChange }: { label: string; value: string; onChange: (text: string, options: { replace: true }) => void }) {
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
  return (
    <span className="relative w-full sm:w-56">
      <Search className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted" aria-hidden="true" />
      <Input type="search" aria-label={label} placeholder={label} value={typed} maxLength={200} onChange={(event) => setTyped(event.target.value)} className="pl-8" />
    </span>
  )
}

export const ClearFilters = ({ onClear }: { onClear: () => void }) => (
  <Button variant="ghost" onClick={onClear}><X className="size-3.5" aria-hidden="true" />Clear</Button>
)
