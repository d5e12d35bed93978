// The lists among the attribution settings: windows that are offered, excluded hosts, the store's own channels in order.
import { ArrowDown, ArrowUp, Plus, Trash2, X } from "lucide-react"
import { type ReactNode, useId, useState } from "react"
import { Button, IconButton } from "@/ui/button"
import { Checkbox, Input, Select } from "@/ui/controls"
import { type ChannelRule, type Condition, FIELDS, type Field, hostIn, listOf, moved, type Op, OPS, rulesEntry, WINDOWS, windowWords } from "./entries"

export interface ListProps {
  label: string
  help: string | undefined
  entry: string
  error: string | undefined
  onChange: (entry: string) => void
}

export function WindowList({ entry, onChange, ...rest }: ListProps) {
  const offered = listOf<number>(entry)
  return (
    <Group {...rest}>
      <div className="flex flex-wrap gap-x-5 gap-y-2">
        {WINDOWS.map((days) => (
          <Checkbox
            key={days}
            label={windowWords(days)}
            checked={offered.includes(days)}
            onChange={(event) => onChange(JSON.stringify(WINDOWS.filter((each) => (each === days ? event.target.checked : offered.includes(each)))))}
          />
        ))}
      </div>
    </Group>
  )
}

export function HostList({ entry, onChange, ...rest }: ListProps) {
  const hosts = listOf<string>(entry)
  const [typed, setTyped] = useState("")
  const add = () => {
    const host = hostIn(typed)
    if (host && !hosts.includes(host)) onChange(JSON.stringify([...hosts, host]))
    setTyped("")
  }
  return (
    <Group {...rest}>
      {hosts.length ? (
        <ul className="flex flex-wrap gap-1.5" aria-label={rest.label}>
          {hosts.map((host) => (
            <li key={host} className="inline-flex items-center gap-1 rounded border border-line bg-bg pl-2 text-sm">
              {host}
              <IconButton small label={`Take ${host} off the list`} onClick={() => onChange(JSON.stringify(hosts.filter((each) => each !== host)))}><X className="size-3.5" /></IconButton>
            </li>
          ))}
        </ul>
      ) : null}
      <span className="flex max-w-md items-center gap-2">
        <Input
          value={typed}
          aria-label="Another host"
          placeholder="pay.example.com"
          autoComplete="off"
          onChange={(event) => setTyped(event.target.value)}
          onBlur={() => typed && add()}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return
            event.preventDefault()
            add()
          }}
        />
        <Button onClick={add} disabled={!hostIn(typed)}>Add</Button>
      </span>
    </Group>
  )
}

const EMPTY: Condition = { field: "source", op: "equals", value: "" }

export function RuleList({ entry, onChange, ...rest }: ListProps) {
  const rules = listOf<ChannelRule>(entry)
  const change = (next: ChannelRule[]) => onChange(rulesEntry(next))
  const put = (place: number, rule: ChannelRule) => change(rules.map((each, index) => (index === place ? rule : each)))
  return (
    <Group {...rest}>
      <ol className="flex flex-col gap-3">
        {rules.map((rule, place) => (
          <li key={place} className="rounded-lg border border-line p-3">
            <Rule
              number={place + 1}
              rule={rule}
              onChange={(next) => put(place, next)}
              onUp={place > 0 ? () => change(moved(rules, place, place - 1)) : undefined}
              onDown={place < rules.length - 1 ? () => change(moved(rules, place, place + 1)) : undefined}
              onDelete={() => change(rules.filter((_, index) => index !== place))}
            />
          </li>
        ))}
      </ol>
      <div><Button onClick={() => change([...rules, { channel: "", conditions: [EMPTY] }])}><Plus className="size-4" /> Add a channel rule</Button></div>
    </Group>
  )
}

interface RuleProps {
  number: number
  rule: ChannelRule
  onChange: (rule: ChannelRule) => void
  onUp: (() => void) | undefined
  onDown: (() => void) | undefined
  onDelete: () => void
}

function Rule({ number, rule, onChange, onUp, onDown, onDelete }: RuleProps) {
  const name = `Rule ${number}`
  const put = (place: number, condition: Condition) => onChange({ ...rule, conditions: rule.conditions.map((each, index) => (index === place ? condition : each)) })
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-center gap-1.5">
        <span className="w-5 shrink-0 text-sm font-medium text-muted">{number}.</span>
        <Input className="min-w-0" value={rule.channel} maxLength={60} aria-label={`${name}: channel`} placeholder="Channel, such as Creators" autoComplete="off" onChange={(event) => onChange({ ...rule, channel: event.target.value })} />
        <IconButton small label={`Move rule ${number} up`} disabled={!onUp} onClick={onUp}><ArrowUp className="size-4" /></IconButton>
        <IconButton small label={`Move rule ${number} down`} disabled={!onDown} onClick={onDown}><ArrowDown className="size-4" /></IconButton>
        <IconButton small label={`Delete rule ${number}`} onClick={onDelete}><Trash2 className="size-4" /></IconButton>
      </div>
      {rule.conditions.map((condition, place) => {
        const where = `${name}, condition ${place + 1}`
        return (
          <div key={place} className="flex flex-wrap items-center gap-1.5 sm:pl-6">
            <span className="w-8 text-sm text-muted">{place ? "and" : "if"}</span>
            <Select className="w-36" aria-label={`${where}: what`} value={condition.field} options={options(FIELDS)} onChange={(event) => put(place, { ...condition, field: event.target.value as Field })} />
            <Select className="w-32" aria-label={`${where}: how`} value={condition.op} options={options(OPS)} onChange={(event) => put(place, { ...condition, op: event.target.value as Op })} />
            <Input className="min-w-32 flex-1" aria-label={`${where}: value`} value={condition.value} maxLength={200} placeholder={HINTS[condition.field]} autoComplete="off" onChange={(event) => put(place, { ...condition, value: event.target.value })} />
            {rule.conditions.length > 1 ? <IconButton small label={`Delete condition ${place + 1} of rule ${number}`} onClick={() => onChange({ ...rule, conditions: rule.conditions.filter((_, index) => index !== place) })}><X className="size-4" /></IconButton> : null}
          </div>
        )
      })}
      <div className="sm:pl-6"><Button small variant="ghost" onClick={() => onChange({ ...rule, conditions: [...rule.conditions, EMPTY] })} disabled={rule.conditions.length >= 10}>Add a condition</Button></div>
    </div>
  )
}

const HINTS: Record<Field, string> = { source: "tiktok", medium: "influencer", campaign: "creators", referrer_host: "blog.example.com", click_id: "ttclid" }
const options = (of: Record<string, string>) => Object.entries(of).map(([value, label]) => ({ value, label }))

function Group({ label, help, error, children }: Pick<ListProps, "label" | "help" | "error"> & { children: ReactNode }) {
  const id = useId()
  const described = [error && `${id}-error`, help && `${id}-hint`].filter(Boolean).join(" ")
  return (
    <fieldset aria-describedby={described || undefined} className="flex min-w-0 flex-col gap-2">
      <legend className="mb-1 text-sm font-medium">{label}</legend>
      {help ? <p id={`${id}-hint`} className="text-xs text-muted">{help}</p> : null}
      {children}
      {error ? <p id={`${id}-error`} role="alert" className="text-xs text-bad">{error}</p> : null}
    </fieldset>
  )
}
