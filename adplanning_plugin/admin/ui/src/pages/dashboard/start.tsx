// A store in which nothing has come in yet: the three things that make figures, which of them is done, and where to do it.
import { CircleCheck, CircleDashed } from "lucide-react"
import { useLink } from "@/shell/links"
import { ButtonLink } from "@/ui/button"
import { Card } from "@/ui/page"
import { grouped, type Source } from "@/insight/sources"

const STEPS = [
  { key: "visits", title: "Measure visits", text: "Put the tracker on the storefront's pages, or link the store's own analytics.", page: "keys", action: "Keys and origins" },
  { key: "orders", title: "Link orders", text: "Paid orders are taken in by themselves once the store's orders are linked; earlier ones by a backfill.", page: "links", action: "Linked data" },
  { key: "spend", title: "Add ad spend", text: "Link an ad account, import its days, or type in what the ads cost.", page: "settings", tab: "spend", action: "Ad spend" },
] as const

export function GettingStarted({ sources }: { sources: Source[] }) {
  const groups = grouped(sources)
  const isDone = (key: string) => groups.some((each) => (each.key === key || each.key.startsWith(`${key}:`)) && each.state !== "empty")
  return (
    <Card title="Three steps to the first figures" description="Nothing has come in yet. Figures appear here as soon as it does; nothing needs to be computed by hand.">
      <ol className="flex flex-col">
        {STEPS.map((step) => (
          <Step key={step.key} step={step} done={isDone(step.key)} />
        ))}
      </ol>
    </Card>
  )
}

function Step({ step, done }: { step: (typeof STEPS)[number]; done: boolean }) {
  const to = useLink(step.page)
  const Icon = done ? CircleCheck : CircleDashed
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line py-3 last:border-0">
      <Icon className={done ? "size-5 text-good" : "size-5 text-muted"} aria-hidden="true" />
      <div className="min-w-0 flex-1 basis-64">
        <p className="font-medium">{step.title}<span className="sr-only">{done ? ": done" : ": to do"}</span></p>
        <p className="text-sm text-muted">{step.text}</p>
      </div>
      {done || !to ? null : <ButtonLink small to={to} {...("tab" in step ? { search: { tab: step.tab } } : {})}>{step.action}</ButtonLink>}
    </li>
  )
}
