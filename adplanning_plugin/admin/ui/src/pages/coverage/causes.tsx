// Why orders have no visit: each cause in words, its colour, and what to do about it.
import type { ReactNode } from "react"
import { useLink } from "@/shell/links"
import { Badge, type Colour } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import type { Cause, CoverageOrder } from "./answers"

interface Meaning {
  label: string
  colour: Colour
  line: string
  /** What to do; where there is nothing, why not. */
  todo: string
  /** The page on which it is done: the manifest's key, and what it is called there. */
  page?: string
  link?: string
}

export const CAUSES: Record<Cause, Meaning> = {
  no_consent: {
    label: "No consent",
    colour: "orange",
    line: "var(--chart-3)",
    todo: "This is the shopper's choice. Look whether the consent notice asks clearly, and what is measured without an answer.",
    page: "settings",
    link: "Consent settings",
  },
  blocked: {
    label: "Blocked",
    colour: "red",
    line: "var(--chart-5)",
    todo: "Check that every landing page and the checkout send visits, and from which addresses the key may be used.",
    page: "keys",
    link: "Keys and origins",
  },
  offline: {
    label: "Offline",
    colour: "blue",
    line: "var(--chart-1)",
    todo: "Nothing to repair. They count as revenue; no campaign gets credit for them.",
  },
  renewal: {
    label: "Renewals",
    colour: "purple",
    line: "var(--chart-4)",
    todo: "Nothing to repair. They count as revenue, in a line of their own.",
  },
  unknown: {
    label: "Unknown",
    colour: "grey",
    line: "var(--chart-2)",
    todo: "Open a few of these orders and look what they share. Often the checkout does not pass the visit on to the order.",
    page: "links",
    link: "Linked data",
  },
}

export const isCause = (text: string): text is Cause => text in CAUSES

/** What to do about a cause, and the page to do it on where the account may open it. */
export function ToDo({ cause, children }: { cause: Cause; children?: ReactNode }) {
  const { todo, page, link } = CAUSES[cause]
  const to = useLink(page)
  return (
    <p className="mt-0.5 text-xs text-muted">
      {todo} {to && link ? <TextLink to={to}>{link}</TextLink> : null} {children}
    </p>
  )
}

export function CauseBadge({ cause }: { cause: CoverageOrder["cause"] }) {
  return cause === "joined" ? <Badge colour="green">Joined</Badge> : <Badge colour={CAUSES[cause].colour}>{CAUSES[cause].label}</Badge>
}
