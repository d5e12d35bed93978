// The conditions of a goal, one row each; all of them hold for a hit.
import { Plus, X } from "lucide-react"
import { useApi } from "@/api/query"
import { useStore } from "@/shell/session"
import { words } from "@/format/format"
import { Button, IconButton } from "@/ui/button"
import { Combobox } from "@/ui/combobox"
import { Input, Select } from "@/ui/controls"
import { Menu, MenuItem } from "@/ui/menu"
import type { FieldOffer } from "./answers"
import { asksLedger, type Draft, type Kind, kindsFor, newRow, type Row, takesValue } from "./draft"
import { fieldLabel, OPERATORS } from "./words"

const KINDS: Record<Kind, { title: string; hint?: string }> = {
  event_name: { title: "Event name" },
  pathname_pattern: { title: "Page", hint: "A path: * stands for anything, ? for one character. /products/* is every product." },
  min_seconds: { title: "Seconds, at least" },
  min_scroll: { title: "Scrolled, at least (%)" },
  min_value: { title: "Value, at least" },
  custom: { title: "Another condition" },
}

interface Props {
  draft: Draft
  errors: Map<number, string>
  onChange: (rows: Row[]) => void
}

export function Rows({ draft, errors, onChange }: Props) {
  const offers = useApi("/goals/vocabulary", { staleTime: 300_000 })
  const { rows } = draft
  const allowed = kindsFor(draft.goal_type)
  const left = allowed.filter((kind) => kind === "custom" || !rows.some((row) => row.kind === kind))
  const fields = (asksLedger(draft) ? offers.data?.fields.orders : offers.data?.fields.events) ?? []
  const put = (id: number, patch: Partial<Row>) => onChange(rows.map((row) => (row.id === id ? { ...row, ...patch } : row)))
  return (
    <div role="group" aria-label="Conditions" className="flex flex-col gap-3">
      {rows.length > 1 ? <p className="text-xs text-muted">All of these hold:</p> : null}
      {rows.map((row) => (
        <RowField
          key={row.id} row={row} fields={fields} events={offers.data?.event_names ?? []} applies={allowed.includes(row.kind)}
          error={errors.get(row.id)} onChange={(patch) => put(row.id, patch)} onRemove={() => onChange(rows.filter((each) => each.id !== row.id))}
        />
      ))}
      <div>
        <Menu align="start" trigger={<Button small><Plus className="size-3.5" aria-hidden="true" />Add a condition</Button>}>
          {left.map((kind) => <MenuItem key={kind} onSelect={() => onChange([...rows, newRow(kind)])}>{KINDS[kind].title}</MenuItem>)}
        </Menu>
      </div>
    </div>
  )
}

interface RowProps {
  row: Row
  fields: FieldOffer[]
  events: string[]
  /** Whether the goal's type can have it. */
  applies: boolean
  error: string | undefined
  onChange: (patch: Partial<Row>) => void
  onRemove: () => void
}

function RowField({ row, fields, events, applies, error, onChange, onRemove }: RowProps) {
  const { currency } = useStore()
  const { title, hint } = KINDS[row.kind]
  const id = `condition-${row.id}`
  const wrong = error ?? (applies ? undefined : "Orders have no such thing: take this condition away.")
  const wiring = { id, "aria-describedby": [wrong && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ") || undefined, "aria-invalid": wrong ? (true as const) : undefined }
  return (
    <div className="rounded-md border border-line p-3">
      <div className="mb-1 flex items-center justify-between gap-2">
        <label htmlFor={id} className="text-sm font-medium">{row.kind === "min_value" ? `${title} (${currency})` : title}</label>
        <IconButton small label={`Take away: ${title}`} onClick={onRemove}><X className="size-3.5" aria-hidden="true" /></IconButton>
      </div>
      {row.kind === "custom" ? <CustomField row={row} fields={fields} wiring={wiring} onChange={onChange} />
        : row.kind === "event_name" ? <Combobox id={id} label={title} free value={row.value} options={events.map((value) => ({ value, label: value }))} onChange={(value) => onChange({ value })} placeholder="page_view, signup, …" />
        : row.kind === "pathname_pattern" ? <Input {...wiring} value={row.value} placeholder="/products/*" onChange={(event) => onChange({ value: event.target.value })} />
        : <Input {...wiring} value={row.value} inputMode="decimal" onChange={(event) => onChange({ value: event.target.value })} className="sm:w-40" />}
      {wrong ? <p id={`${id}-error`} className="mt-1 text-xs text-bad">{wrong}</p> : null}
      {hint ? <p id={`${id}-hint`} className="mt-1 text-xs text-muted">{hint}</p> : null}
    </div>
  )
}

function CustomField({ row, fields, wiring, onChange }: { row: Row; fields: FieldOffer[]; wiring: { id: string; "aria-describedby": string | undefined; "aria-invalid": true | undefined }; onChange: (patch: Partial<Row>) => void }) {
  const offer = fields.find((each) => each.field === row.field)
  const operators = offer?.operators ?? [row.operator]
  const known = offer ? fields : [{ field: row.field, kind: "text" as const, operators }, ...fields]
  const { id: _, ...wrong } = wiring
  const named = row.field === "properties.<name>"
  const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
  return (
    <div className="grid gap-2 sm:grid-cols-3">
      <Select
        id={wiring.id} value={row.field}
        options={known.map((each) => ({ value: each.field, label: each.field === "properties.<name>" ? "A property of the event" : capital(fieldLabel(each.field)) }))}
        onChange={(event) => {
          const next = fields.find((each) => each.field === event.target.value)
          onChange({ field: event.target.value, operator: next && !next.operators.includes(row.operator) ? next.operators[0]! : row.operator })
        }}
      />
      {named ? <Input {...(row.property ? {} : wrong)} aria-label="Property's name" placeholder="plan" value={row.property} onChange={(event) => onChange({ property: event.target.value.trim() })} /> : null}
      <Select aria-label="Comparison" value={row.operator} options={operators.map((value) => ({ value, label: OPERATORS[value] ?? words(value) }))} onChange={(event) => onChange({ operator: event.target.value })} />
      {takesValue(row) ? (
        <Input
          {...(named && !row.property ? {} : wrong)} aria-label="Compared with" value={row.value} placeholder={row.operator === "in" || row.operator === "not_in" ? "one, another, a third" : offer?.kind === "money" ? "500" : ""}
          onChange={(event) => onChange({ value: event.target.value })}
        />
      ) : null}
    </div>
  )
}
