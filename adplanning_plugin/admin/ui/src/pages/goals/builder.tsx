// Writing a goal: what counts, under which conditions, what it is worth; beside it, what it would have matched.
import { useId, useRef, useState } from "react"
import { isProblem, type Problem } from "@/api/problem"
import { ask, queryClient, send } from "@/api/query"
import { useFormat, useStore } from "@/shell/session"
import { Button } from "@/ui/button"
import { Checkbox, Input, Select, TextArea } from "@/ui/controls"
import { Dialog, StaleDialog } from "@/ui/dialog"
import { Field, FormError } from "@/ui/form"
import { toast } from "@/ui/toast"
import type { Goal } from "./answers"
import { bodyOf, type Draft, draftOf, errorsByRow, missing } from "./draft"
import { PreviewBox, usePreview } from "./preview"
import { Rows } from "./rows"
import { conditionsInWords, GOAL_TYPES, typeLabel } from "./words"

interface Props {
  goal?: Goal
  onClose: () => void
  onSaved?: (goal: Goal) => void
}

const key = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")

/** What can be told without asking. */
function check(draft: Draft): Record<string, string> {
  const wrong: Record<string, string> = {}
  if (!draft.name.trim()) wrong.name = "Give it a name."
  if (!/^(\d{1,15}(\.\d{1,4})?)?$/.test(draft.default_value.trim())) wrong.default_value = "An amount such as 500 or 49.90, without signs and separators."
  if (!/^[A-Za-z]{3}$/.test(draft.currency.trim())) wrong.currency = "Three letters, such as INR."
  if (!/^-?\d{1,6}$/.test(draft.priority.trim())) wrong.priority = "A whole number, such as 10."
  return wrong
}

export default function GoalBuilder({ goal, onClose, onSaved }: Props) {
  const { currency } = useStore()
  const form = useId()
  const [base, setBase] = useState(goal)
  const [draft, setDraft] = useState(() => draftOf(goal, currency))
  const [tried, setTried] = useState(false)
  const [refused, setRefused] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [theirs, setTheirs] = useState<Goal | null>(null)
  const sent = useRef({ body: "", key: "" })
  const put = (patch: Partial<Draft>) => {
    setDraft((now) => ({ ...now, ...patch }))
    setRefused(null)
  }
  const preview = usePreview({ ...bodyOf(draft), ...(check(draft).priority ? { priority: 0 } : {}), ...(check(draft).default_value || check(draft).currency ? { default_value: null, currency: null } : {}) }, goal?.id)
  const own = check(draft)
  const server = errorsByRow([...(preview.error?.errors ?? []), ...(refused?.errors ?? [])], draft.rows)
  const rowErrors = new Map(server.rows)
  if (tried) for (const row of draft.rows) { const lacks = missing(row); if (lacks) rowErrors.set(row.id, lacks) }
  const at = (name: string) => (tried || draft[name as keyof Draft] !== "" ? own[name] : undefined) ?? server.rest[name]

  const save = async (over: Goal | undefined) => {
    setBusy(true)
    try {
      const body = bodyOf(draft)
      let saved: Goal
      if (over) saved = (await send<"put", "/goals/{goal_id}", { goal: Goal }>("put", "/goals/{goal_id}", { path: { goal_id: over.id }, body: { ...body, version: over.version } })).goal
      else {
        const text = JSON.stringify(body)
        if (sent.current.body !== text) sent.current = { body: text, key: key() }
        saved = (await send<"post", "/goals", { goal: Goal }>("post", "/goals", { body, idempotencyKey: sent.current.key })).goal
      }
      await Promise.all(["/goals", "/goals/{goal_id}"].map((path) => queryClient.invalidateQueries({ queryKey: [path] })))
      toast(over ? "Goal saved" : "Goal created: it counts from now on")
      onSaved?.(saved)
      onClose()
    } catch (error) {
      if (!isProblem(error)) throw error
      if (error.code === "stale_version" && over) setTheirs((await ask("/goals/{goal_id}", { path: { goal_id: over.id } })).goal)
      else setRefused(error)
    } finally {
      setBusy(false)
    }
  }
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (Object.keys(own).length > 0 || draft.rows.some((row) => missing(row) !== null)) {
      // The first field that is marked, once it is drawn.
      const element = event.currentTarget
      requestAnimationFrame(() => element.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
      return
    }
    void save(base)
  }
  const type = GOAL_TYPES.find((each) => each.value === draft.goal_type)
  const whole = refused && (refused.errors.length === 0 || refused.errors.some((each) => !draft.rows.length || each.field === "conditions" || !(each.field in draft || each.field.startsWith("conditions.")))) ? refused : null
  return (
    <>
      <Dialog
        size="full"
        open={theirs === null}
        onOpenChange={(open) => open || onClose()}
        title={goal ? `Edit ${goal.name}` : "New goal"}
        description="A goal counts from now on; what was counted before stays as it was."
        footer={
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button variant="primary" type="submit" form={form} busy={busy}>{goal ? "Save" : "Create the goal"}</Button>
          </>
        }
      >
        <div className="mx-auto grid max-w-5xl grid-cols-[minmax(0,1fr)] gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
          <form id={form} onSubmit={submit} noValidate className="flex flex-col gap-5">
            <Field label="Name" error={at("name")}>{(wiring) => <Input {...wiring} value={draft.name} maxLength={500} autoComplete="off" onChange={(event) => put({ name: event.target.value })} />}</Field>
            <Field label="What counts" error={at("goal_type")} hint={type?.means}>
              {(wiring) => <Select {...wiring} value={draft.goal_type} options={type ? GOAL_TYPES : [{ value: draft.goal_type, label: typeLabel(draft.goal_type) }, ...GOAL_TYPES]} onChange={(event) => put({ goal_type: event.target.value })} />}
            </Field>
            <div>
              <h3 className="mb-2 text-sm font-medium">Conditions</h3>
              <Rows draft={draft} errors={rowErrors} onChange={(rows) => put({ rows })} />
              <div className="mt-4 lg:hidden"><PreviewBox query={preview} /></div>
            </div>
            <div className="grid gap-4 sm:grid-cols-2">
              <Field label="Value of a hit" optional error={at("default_value")} hint="What one is worth to you, where the event says nothing.">
                {(wiring) => <Input {...wiring} inputMode="decimal" value={draft.default_value} onChange={(event) => put({ default_value: event.target.value })} />}
              </Field>
              <Field label="Currency" error={at("currency")}>{(wiring) => <Input {...wiring} maxLength={3} value={draft.currency} onChange={(event) => put({ currency: event.target.value })} />}</Field>
              <Field label="Priority" error={at("priority")} hint="An event counts once for each type: the goal with the highest number takes it.">
                {(wiring) => <Input {...wiring} inputMode="numeric" value={draft.priority} onChange={(event) => put({ priority: event.target.value })} />}
              </Field>
            </div>
            <Checkbox label="Take the value from the event" hint="Where the event carries an amount with its currency; else the value above." checked={draft.value_from_event} onChange={(event) => put({ value_from_event: event.target.checked })} />
            <Checkbox label="Active" hint="An inactive goal counts nothing." checked={draft.is_active} onChange={(event) => put({ is_active: event.target.checked })} />
            <Field label="Description" optional error={at("description")}>{(wiring) => <TextArea {...wiring} rows={2} maxLength={2000} value={draft.description} onChange={(event) => put({ description: event.target.value })} />}</Field>
            <FormError problem={whole} />
          </form>
          <div className="hidden lg:sticky lg:top-0 lg:block lg:self-start"><PreviewBox query={preview} /></div>
        </div>
      </Dialog>
      {theirs ? (
        <Stale
          mine={draft}
          theirs={theirs}
          onOpenChange={(open) => open || setTheirs(null)}
          onTakeTheirs={() => { setBase(theirs); setDraft(draftOf(theirs, currency)); setTheirs(null) }}
          onKeepMine={() => { setBase(theirs); setTheirs(null); void save(theirs) }}
        />
      ) : null}
    </>
  )
}

function Stale({ mine, theirs, ...rest }: { mine: Draft; theirs: Goal; onOpenChange: (open: boolean) => void; onTakeTheirs: () => void; onKeepMine: () => void }) {
  const format = useFormat()
  const own = bodyOf(mine)
  const other = draftOf(theirs, theirs.currency)
  const conditions = (given: Goal["conditions"], currency: string) => conditionsInWords({ conditions: given, currency }, (value, code) => format.money(value, code)).join("; ") || "None"
  const yes = (on: boolean) => (on ? "Yes" : "No")
  const rows: [label: string, mine: string, theirs: string][] = [
    ["Name", mine.name, other.name],
    ["What counts", typeLabel(mine.goal_type), typeLabel(other.goal_type)],
    ["Conditions", conditions(own.conditions, mine.currency), conditions(theirs.conditions, theirs.currency)],
    ["Value of a hit", mine.default_value || "–", other.default_value || "–"],
    ["Currency", mine.currency, other.currency],
    ["Value from the event", yes(mine.value_from_event), yes(other.value_from_event)],
    ["Priority", mine.priority, other.priority],
    ["Active", yes(mine.is_active), yes(other.is_active)],
    ["Description", mine.description || "–", other.description || "–"],
  ]
  return <StaleDialog open {...rest} fields={rows.filter(([, one, two]) => one !== two).map(([label, one, two]) => ({ label, mine: one, theirs: two }))} />
}
