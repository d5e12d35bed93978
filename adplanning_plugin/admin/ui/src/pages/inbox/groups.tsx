// Names, look-alikes together: what each would move, and the campaign that it is most like.
import { useApi } from "@/api/query"
import { useFormat, useMay } from "@/shell/session"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Badge, type Colour, SourceBadge } from "@/ui/badge"
import { Button, TextLink } from "@/ui/button"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { windowLabel } from "@/insight/credit"
import { words } from "@/format/format"
import { Explain } from "@/ui/tooltip"
import type { Group, Near } from "./answers"
import type { Deciding } from "./deciding"
import { GroupDrawer } from "./group"

export type Status = "open" | "matched" | "ignored"

const SCHEMA = { q: text(), platform: text(), suggested: text(), open: text() }
const NONE = { q: "", platform: "", suggested: "" }
const PLATFORMS = ["meta", "google", "generic"].map((value) => ({ value, label: value === "generic" ? "Other" : words(value) }))
const CALLED: Record<string, string> = { fb: "facebook", ig: "instagram" }
const SUGGESTED = [{ value: "true", label: "With a suggestion" }, { value: "false", label: "Without" }]
const SAYS: Record<Status, string> = {
  open: "Tags of visits that name a campaign which is not known. Decide once what a name means: every visit with it follows, those of the past and those to come.",
  matched: "Names that were a letter or two from one campaign's name, and like no other's, were taken for it. Correct here what is wrong.",
  ignored: "Names of which somebody said that they mean no campaign.",
}

const likeness = (score: number): Colour => (score >= 0.85 ? "green" : score >= 0.65 ? "blue" : "grey")
export const Score = ({ of }: { of: Near }) => {
  const format = useFormat()
  return <Badge colour={likeness(of.score)}>{format.percent(of.score, 0)} alike</Badge>
}
/** A suggestion that one click may approve: likely, and no other campaign about as near. */
export const isLikely = (group: Group) => group.suggestion !== null && group.suggestion.score >= 0.6 && group.suggestion.margin >= 0.05

const spellings = (row: Group) => (row.variants.length > 1 ? ` ${row.variants.length} spellings` : "")
/** Of several websites in one list, each row says which is its own: a name may mean something else on each. */
const siteOf = (row: Group, rows: Group[]) => (rows.some((each) => each.website_id !== row.website_id) ? ` ${row.website_id === null ? "No website" : `Website ${row.website_id}`}` : "")
/** Sources that are called the same stand there once. */
const sourcesOf = (row: Group) => [...new Map(row.sources.map((pair) => [CALLED[pair.source] ?? pair.source, pair.source])).values()]

export function Groups({ status, deciding }: { status: Status; deciding: Deciding }) {
  const format = useFormat()
  const may = useMay("adplanning:write")
  const table = useTable("-value")
  const [state, set] = useUrlState(SCHEMA)
  const filters = { status, q: state.q, platform: state.platform, suggested: state.suggested === "" ? undefined : state.suggested === "true" }
  const query = useApi("/attribution/inbox", { query: { ...filters, ...table.query }, keep: true })
  const rows = query.data?.inbox ?? []
  const filtered = Object.keys(NONE).some((key) => state[key as keyof typeof NONE] !== "")
  const dash = <span className="text-muted">–</span>
  const columns: Column<Group>[] = [
    {
      key: "name", title: "Name in the tags", sort: "name", heading: true,
      cell: (row) => (
        <span className="flex max-w-64 flex-col">
          <span className="font-medium break-words text-link">{row.name}</span>
          {row.variants.length > 1 ? <span className="text-xs text-muted">{spellings(row)}</span> : null}
          {siteOf(row, rows) ? <span className="text-xs break-words text-muted">{siteOf(row, rows)}</span> : null}
        </span>
      ),
    },
    {
      key: "sources", title: "Source",
      cell: (row) => (
        <span className="flex flex-wrap gap-1">
          {sourcesOf(row).slice(0, 2).map((source) => <SourceBadge key={source} source={source} />)}
          {sourcesOf(row).length > 2 ? <span className="text-xs text-muted">and {sourcesOf(row).length - 2} more</span> : null}
        </span>
      ),
    },
    { key: "platform", title: "Platform", extra: true, cell: (row) => (row.platform === "generic" ? "Other" : words(row.platform)) },
    { key: "touches", title: "Visits", sort: "touches", right: true, cell: (row) => format.number(row.touches) },
    {
      key: "value", title: "At stake", sort: "value", right: true,
      cell: (row) => (row.at_stake[0] ? <span className="whitespace-nowrap">{format.money(row.at_stake[0].value, row.at_stake[0].currency)}</span> : dash),
    },
    { key: "credit", title: "Credit", sort: "credit", right: true, extra: true, cell: (row) => (row.at_stake[0] ? format.money(row.at_stake[0].credit, row.at_stake[0].currency) : dash) },
    { key: "orders", title: "Orders", right: true, extra: true, cell: (row) => format.number(row.at_stake.reduce((sum, each) => sum + each.orders, 0)) },
    status === "matched"
      ? { key: "matched", title: "Taken for", cell: (row) => row.matched?.campaign ?? dash }
      : {
          key: "suggestion", title: "Most like", sort: "score",
          cell: (row) => (row.suggestion ? <span className="ml-auto flex max-w-56 flex-col items-end gap-0.5 sm:ml-0 sm:items-start"><span className="break-words">{row.suggestion.campaign}</span><Score of={row.suggestion} /></span> : dash),
        },
    { key: "last", title: "Last seen", sort: "last_seen", cell: (row) => <time dateTime={row.last_seen} className="figure">{format.date(row.last_seen)}</time> },
    { key: "first", title: "First seen", sort: "first_seen", extra: true, cell: (row) => <time dateTime={row.first_seen} className="figure">{format.date(row.first_seen)}</time> },
    ...(may && status === "open" ? [{
      key: "do", title: "Decide", right: true,
      cell: (row: Group) => (
        <span className="inline-flex gap-1.5">
          {isLikely(row) && row.suggestion ? (
            <Button small busy={deciding.busy} aria-label={`Approve: ${row.name} means ${row.suggestion.campaign}`} onClick={() => row.suggestion && void deciding.approve(row.key, row.suggestion.ad_campaign_id)}>Approve</Button>
          ) : null}
          <Button small variant="ghost" aria-label={`${isLikely(row) ? "Other" : "Decide"}… about ${row.name}`} onClick={() => set({ open: row.key })}>{isLikely(row) ? "Other…" : "Decide…"}</Button>
        </span>
      ),
    }] : []),
  ]
  const open = query.data?.inbox.find((row) => row.key === state.open) ?? null
  return (
    <>
      <p className="mb-2 max-w-3xl text-sm text-muted">
        {SAYS[status]}{" "}
        <Explain what="what is at stake">
          <p className="mb-2">What the orders are worth in which these visits had a share, after refunds. Each counts once, however many of the visits came before it.</p>
          <p>What moves with a decision is the visits' part of it by the default model{query.data ? `, ${words(query.data.model).toLowerCase()} within ${windowLabel(query.data.window_days)}` : ""}: the column Credit.</p>
        </Explain>
      </p>
      <DataTable
        name="names"
        columns={columns}
        query={query}
        rows={(data) => data.inbox}
        rowKey={(row) => row.key}
        table={table}
        onOpen={(row) => set({ open: row.key })}
        openLabel={(row) => `${row.name}${spellings(row)}${siteOf(row, rows)}, ${format.number(row.touches)} visits: open`}
        csv={{ path: "/attribution/inbox", query: filters }}
        filters={
          <>
            <SearchBox label="Search names" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterSelect label="Platform" value={state.platform} options={PLATFORMS} onChange={(platform) => set({ platform })} />
            {status === "matched" ? null : <FilterSelect label="Suggestion" value={state.suggested} options={SUGGESTED} onChange={(suggested) => set({ suggested })} />}
            {filtered ? <ClearFilters onClear={() => set(NONE)} /> : null}
          </>
        }
        empty={filtered ? <NoMatch what="names" clear={() => set(NONE)} /> : <Nothing status={status} />}
      />
      {query.data?.is_truncated ? <p className="mt-2 text-sm text-muted">Only the 5,000 names with the most visits are shown.</p> : null}
      <GroupDrawer key={state.open} group={open} status={status} deciding={deciding} onClose={() => set({ open: "" })} />
    </>
  )
}

function Nothing({ status }: { status: Status }) {
  if (status === "open")
    return <Empty title="Every name is known" action={<TextLink to="/attribution">Back to attribution</TextLink>}>Each campaign that visits name in their tags was found, or somebody decided about it. New names appear here by themselves.</Empty>
  if (status === "matched") return <Empty title="Nothing was matched by likeness">Names that are mistyped by a letter or two, and can mean only one campaign, are found by themselves and listed here.</Empty>
  return <Empty title="Nothing is ignored">Names that mean no campaign can be ignored in the inbox; they then stand here.</Empty>
}
