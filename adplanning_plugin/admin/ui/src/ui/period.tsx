// The one control for dates: presets by click or key, two days of one's own, comparison, and the zone they are in.
import { CalendarDays } from "lucide-react"
import { Popover } from "radix-ui"
import { type KeyboardEvent, useEffect, useRef, useState } from "react"
import { useFormat } from "@/shell/session"
import { isDay, PRESETS, type Preset, type Range } from "@/state/days"
import type { Period } from "@/state/period"
import { Button } from "./button"
import { cn } from "./cn"
import { Checkbox, Input } from "./controls"
import { POP } from "./menu"

interface Props {
  period: Period
  choose: (preset: Preset) => void
  between: (range: Range) => void
  /** Left out where a page has nothing to compare with. */
  compare?: ((on: boolean) => void) | undefined
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))

/** `const dates = usePeriod()` … `<PeriodPicker {...dates} />`. The key D opens it; a preset's own key chooses it. */
export function PeriodPicker({ period, choose, between, compare }: Props) {
  const format = useFormat()
  const [open, setOpen] = useState(false)
  const [own, setOwn] = useState<Range>(period)
  const trigger = useRef<HTMLButtonElement>(null)
  useEffect(() => setOwn({ from: period.from, to: period.to }), [period.from, period.to])
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "d" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return
      // Below a dialog the page rests; in a dialog with dates of its own, the key is that dialog's.
      if ([...document.querySelectorAll('[role="dialog"]')].some((dialog) => !dialog.contains(trigger.current))) return
      event.preventDefault()
      setOpen(true)
    }
    document.addEventListener("keydown", listen)
    return () => document.removeEventListener("keydown", listen)
  }, [])

  const pick = (preset: Preset) => {
    choose(preset)
    setOpen(false)
  }
  const byKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return
    const preset = PRESETS.find((each) => each.shortcut === event.key.toLowerCase())
    if (preset) {
      event.preventDefault()
      pick(preset.key)
    }
  }
  const label = PRESETS.find((each) => each.key === period.preset)?.label
  const days = period.from === period.to ? format.date(period.from) : `${format.date(period.from)} – ${format.date(period.to)}`
  const wrong = isDay(own.from) && isDay(own.to) && own.from > own.to
  const compared = compare && period.compare ? `, compared with ${format.date(period.previous.from)} – ${format.date(period.previous.to)}` : ""
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <span className="print-only text-sm text-muted">{days}, {period.zone}{compared}</span>
      <Popover.Trigger asChild>
        <Button ref={trigger} aria-keyshortcuts="d">
          <CalendarDays className="size-4 text-muted" aria-hidden="true" />
          <span className="sr-only">Period</span>
          <span>{label ?? days}</span>
          {label ? <span className="hidden font-normal text-muted xl:inline">{days}</span> : null}
          <span className="font-normal text-muted">{format.zoneShort}</span>
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          aria-label="Period"
          onKeyDown={byKey}
          className={cn(POP, "max-h-[80vh] w-[min(19rem,calc(100vw-1rem))] overflow-y-auto")}
        >
          <ul>
            {PRESETS.map((preset) => (
              <li key={preset.key}>
                <button
                  type="button"
                  aria-pressed={preset.key === period.preset}
                  aria-keyshortcuts={preset.shortcut}
                  onClick={() => pick(preset.key)}
                  className={cn("flex h-8 w-full items-center justify-between rounded-md px-2 hover:bg-hover", preset.key === period.preset && "bg-hover font-medium")}
                >
                  {preset.label}
                  <kbd aria-hidden="true" className="rounded border border-line px-1 font-mono text-xs text-muted uppercase">{preset.shortcut}</kbd>
                </button>
              </li>
            ))}
          </ul>
          <form
            className="mt-1 border-t border-line p-2"
            onSubmit={(event) => {
              event.preventDefault()
              if (!isDay(own.from) || !isDay(own.to) || wrong) return
              between(own)
              setOpen(false)
            }}
          >
            <div className="grid grid-cols-2 gap-2">
              <label className="text-xs text-muted">From<Input type="date" max={period.today} value={own.from} onChange={(event) => setOwn({ ...own, from: event.target.value })} /></label>
              <label className="text-xs text-muted">To<Input type="date" value={own.to} aria-invalid={wrong || undefined} onChange={(event) => setOwn({ ...own, to: event.target.value })} /></label>
            </div>
            {wrong ? <p role="alert" className="mt-1 text-xs text-bad">The last day lies before the first one.</p> : null}
            <Button type="submit" small className="mt-2 w-full">Use these days</Button>
          </form>
          {compare ? (
            <div className="border-t border-line p-2">
              <Checkbox
                label="Compare with the period before"
                hint={`${format.date(period.previous.from)} – ${format.date(period.previous.to)}`}
                checked={period.compare}
                onChange={(event) => compare(event.target.checked)}
              />
            </div>
          ) : null}
          <p className="border-t border-line px-2 pt-2 pb-1 text-xs text-muted">Days are those of {period.zone}.</p>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}
