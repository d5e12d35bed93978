// A text field that finds one of many: campaigns, events. Options are given, or asked for as one types (`onSearch`).
import { type KeyboardEvent, useEffect, useId, useMemo, useState } from "react"
import { cn } from "./cn"
import { Input, type Option } from "./controls"

interface ComboboxProps {
  id?: string
  label: string
  value: string
  options: readonly Option[]
  onChange: (value: string) => void
  /** Asked 250 ms after the last letter; the options then come from outside. */
  onSearch?: (text: string) => void
  /** Take what was typed although no option has it. */
  free?: boolean
  placeholder?: string
  className?: string
}

export function Combobox({ id, label, value, options, onChange, onSearch, free = false, placeholder, className }: ComboboxProps) {
  const list = useId()
  const chosen = options.find((option) => option.value === value)?.label ?? value
  const [typed, setTyped] = useState<string | null>(null)
  const [active, setActive] = useState(0)
  const open = typed !== null
  const shown = useMemo(() => {
    const wanted = (typed ?? "").trim().toLowerCase()
    return onSearch || !wanted ? options.slice(0, 50) : options.filter((option) => option.label.toLowerCase().includes(wanted)).slice(0, 50)
  }, [options, typed, onSearch])
  useEffect(() => {
    if (typed === null || !onSearch) return
    const timer = setTimeout(() => onSearch(typed), 250)
    return () => clearTimeout(timer)
  }, [typed, onSearch])

  const take = (option: Option | undefined) => {
    if (option) onChange(option.value)
    else if (free && typed !== null) onChange(typed.trim())
    setTyped(null)
  }
  const keys = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault()
      if (!open) return setTyped("")
      const step = event.key === "ArrowDown" ? 1 : -1
      setActive((now) => (now + step + shown.length) % Math.max(shown.length, 1))
    } else if (event.key === "Enter" && open) {
      event.preventDefault()
      take(shown[active])
    } else if (event.key === "Escape" && open) {
      event.stopPropagation()
      setTyped(null)
    }
  }
  // An emptied field chooses nothing; a half-typed one keeps what was chosen, unless any text will do.
  const leave = () => {
    if (typed === "" && value) onChange("")
    else if (free && typed) onChange(typed.trim())
    setTyped(null)
  }
  return (
    <div className={cn("relative", className)}>
      <Input
        id={id}
        role="combobox"
        aria-label={id ? undefined : label}
        aria-expanded={open}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={open && shown[active] ? `${list}-${active}` : undefined}
        autoComplete="off"
        placeholder={placeholder}
        value={typed ?? chosen}
        onChange={(event) => { setTyped(event.target.value); setActive(0) }}
        onKeyDown={keys}
        onBlur={leave}
      />
      <ul
        id={list}
        role="listbox"
        aria-label={label}
        hidden={!open}
        className="anim-rise absolute z-50 mt-1 max-h-60 w-full overflow-y-auto rounded-lg bg-raised p-1 text-sm shadow-pop"
      >
        {shown.map((option, index) => (
          <li
            key={option.value}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            onPointerDown={(event) => { event.preventDefault(); take(option) }}
            onPointerMove={() => setActive(index)}
            className={cn("cursor-pointer truncate rounded-md px-2 py-1.5", index === active && "bg-hover")}
          >
            {option.label}
          </li>
        ))}
        {shown.length === 0 ? <li role="option" aria-selected="false" aria-disabled="true" className="px-2 py-1.5 text-muted">{free ? "Press Enter to use what you typed" : "Nothing found"}</li> : null}
      </ul>
    </div>
  )
}
