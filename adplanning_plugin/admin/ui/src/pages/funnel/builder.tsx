// The funnel's steps: chosen, named, moved up and down by key or click, taken away.
import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react"
import { useEffect, useState } from "react"
import { useApi } from "@/api/query"
import { Button, IconButton } from "@/ui/button"
import { Input, Select } from "@/ui/controls"
import { added, changed, CHOICES, choiceOf, down, FEWEST, MOST, nameOf, problemOf, up, without } from "./steps"

export function Builder({ steps, onChange }: { steps: string[]; onChange: (steps: string[]) => void }) {
  const { data } = useApi("/goals", { query: { limit: 200, order: "name" }, staleTime: 300_000 })
  const goals = (data as { goals?: { id: string; name: string }[] } | undefined)?.goals ?? []
  const known = [...CHOICES, ...goals.map((goal) => ({ value: `goal:${goal.id}`, label: `Goal: ${goal.name}` }))]
  const wrong = problemOf(steps)
  return (
    <div>
      <ol className="flex flex-col gap-2">
        {steps.map((step, index) => {
          const choice = choiceOf(step)
          const options = known.some((each) => each.value === choice) ? known : [...known, { value: choice, label: nameOf(choice) }]
          return (
            <li key={index} className="grid grid-cols-[1.5rem_minmax(0,1fr)_auto] items-start gap-x-2 gap-y-1.5">
              <span className="figure pt-1.5 text-sm text-muted" aria-hidden="true">{index + 1}</span>
              <span className="flex min-w-0 flex-col gap-1.5">
                <Select aria-label={`Step ${index + 1}`} value={choice} options={options} onChange={(event) => onChange(changed(steps, index, event.target.value))} />
                {choice === "page:" || choice === "event:" ? (
                  <Named key={choice} of={choice} value={nameOf(step)} step={index + 1} onChange={(name) => onChange(changed(steps, index, choice + name))} />
                ) : null}
              </span>
              <span className="flex">
                <IconButton small label={`Move step ${index + 1} up`} disabled={index === 0} onClick={() => onChange(up(steps, index))}><ArrowUp className="size-4" aria-hidden="true" /></IconButton>
                <IconButton small label={`Move step ${index + 1} down`} disabled={index === steps.length - 1} onClick={() => onChange(down(steps, index))}><ArrowDown className="size-4" aria-hidden="true" /></IconButton>
                <IconButton small label={`Take step ${index + 1} away`} disabled={steps.length <= FEWEST} onClick={() => onChange(without(steps, index))}><Trash2 className="size-4" aria-hidden="true" /></IconButton>
              </span>
            </li>
          )
        })}
      </ol>
      <div className="mt-3 flex flex-wrap items-center gap-3">
        <Button small disabled={steps.length >= MOST} onClick={() => onChange(added(steps))}><Plus className="size-3.5" aria-hidden="true" />Add a step</Button>
        {wrong ? <p role="status" className="text-sm text-warn">{wrong}</p> : null}
      </div>
    </div>
  )
}

/** Told when it is left or Enter is pressed: half a name finds nothing. */
function Named({ of, value, step, onChange }: { of: string; value: string; step: number; onChange: (name: string) => void }) {
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  const isPage = of === "page:"
  const tell = () => typed.trim() === value || onChange(typed.trim())
  return (
    <Input
      aria-label={isPage ? `Page of step ${step}` : `Event of step ${step}`} placeholder={isPage ? "/product/*" : "newsletter_open"} maxLength={200} value={typed}
      onChange={(event) => setTyped(event.target.value)} onBlur={tell} onKeyDown={(event) => event.key === "Enter" && tell()}
    />
  )
}
