// Messages at the foot of the page: what was done, with a way to undo it. `toast("Goal deleted", { undo })`.
import { Check, CircleAlert, X } from "lucide-react"
import { useEffect, useSyncExternalStore } from "react"

interface Message {
  id: number
  text: string
  tone: "done" | "error"
  undo?: () => void
}

let messages: Message[] = []
let last = 0
const listeners = new Set<() => void>()

function publish(next: Message[]) {
  messages = next
  for (const each of listeners) each()
}

const dismiss = (id: number) => publish(messages.filter((each) => each.id !== id))

/** Says that something is done; with `undo` it stays longer and offers it. */
export function toast(text: string, options: { tone?: "done" | "error"; undo?: () => void } = {}) {
  publish([...messages.slice(-2), { id: ++last, text, tone: options.tone ?? "done", undo: options.undo }])
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (each) => {
      listeners.add(each)
      return () => listeners.delete(each)
    },
    () => messages,
  )
  return (
    <div role="status" aria-live="polite" className="no-print pointer-events-none fixed inset-x-0 bottom-0 z-[60] flex flex-col items-center gap-2 p-4 sm:items-end">
      {shown.map((message) => <Toast key={message.id} message={message} />)}
    </div>
  )
}

function Toast({ message }: { message: Message }) {
  const { id, undo } = message
  useEffect(() => {
    const timer = setTimeout(() => dismiss(id), undo ? 10_000 : 5000)
    return () => clearTimeout(timer)
  }, [id, undo])
  const Icon = message.tone === "error" ? CircleAlert : Check
  return (
    <div data-toast="" className="anim-rise pointer-events-auto flex max-w-md items-center gap-3 rounded-lg bg-raised py-2 pr-2 pl-3 text-sm shadow-pop">
      <Icon className={message.tone === "error" ? "size-4 text-bad" : "size-4 text-good"} aria-hidden="true" />
      <span className="flex-1">{message.text}</span>
      {undo ? (
        <button type="button" className="rounded px-2 py-1 font-medium text-link hover:bg-hover" onClick={() => { undo(); dismiss(id) }}>
          Undo
        </button>
      ) : null}
      <button type="button" aria-label="Dismiss" className="flex size-6 items-center justify-center rounded text-muted hover:bg-hover" onClick={() => dismiss(id)}>
        <X className="size-3.5" aria-hidden="true" />
      </button>
    </div>
  )
}
