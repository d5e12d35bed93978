// One group of names: how they are written, where they come from, what is at stake, and the decision.
import { useState } from "react"
import { useApi } from "@/api/query"
import { useFormat, useMay } from "@/shell/session"
import { Button, TextLink } from "@/ui/button"
import { Combobox } from "@/ui/combobox"
import { Checkbox } from "@/ui/controls"
import { Drawer } from "@/ui/dialog"
import { Facts } from "@/ui/page"
import { words } from "@/format/format"
import type { Group } from "./answers"
import type { Deciding } from "./deciding"
import { Score, type Status } from "./groups"

interface Found {
  ad_campaigns: { id: string; name: string | null; platform: string | null }[]
}

interface Props {
  /** Null: closed. */
  group: Group | null
  status: Status
  deciding: Deciding
  onClose: () => void
}

export function GroupDrawer({ group, status, deciding, onClose }: Props) {
  const may = useMay("adplanning:write")
  return (
    <Drawer open={group !== null} onOpenChange={(open) => open || onClose()} title={group?.name ?? ""} description={group ? `A name in the tags of ${group.touches} ${group.touches === 1 ? "visit" : "visits"}` : undefined}>
      {group ? (
        <div className="flex flex-col gap-6">
          {may ? <Decide group={group} status={status} deciding={deciding} onClose={onClose} /> : <Likeness group={group} />}
          <About group={group} status={status} />
        </div>
      ) : null}
    </Drawer>
  )
}

function Decide({ group, status, deciding, onClose }: { group: Group; status: Status; deciding: Deciding; onClose: () => void }) {
  const format = useFormat()
  const [q, setQ] = useState("")
  const suggested = group.matched ?? group.suggestion
  const [choice, setChoice] = useState(suggested?.ad_campaign_id ?? "")
  const [left, setLeft] = useState<string[]>([])
  const search = useApi("/ad-campaigns", { query: { q, limit: 20, show: "all" }, keep: true })
  const found = ((search.data as Found | undefined)?.ad_campaigns ?? []).map((each) => ({ value: each.id, label: `${each.name ?? each.id}${each.platform ? ` (${words(each.platform)})` : ""}` }))
  const options = suggested && !found.some((each) => each.value === suggested.ad_campaign_id) ? [{ value: suggested.ad_campaign_id, label: suggested.campaign ?? suggested.ad_campaign_id }, ...found] : found
  const names = left.length > 0 ? group.variants.map((each) => each.name).filter((name) => !left.includes(name)) : undefined
  const act = async (done: Promise<unknown>) => {
    if (await done) onClose()
  }
  return (
    <section aria-labelledby="decide" className="rounded-lg border border-line p-3">
      <h3 id="decide" className="mb-1 text-base">Which campaign is meant?</h3>
      <Likeness group={group} />
      {group.variants.length > 1 ? (
        <fieldset className="mt-3">
          <legend className="mb-1 text-sm font-medium">Spellings that the decision is for</legend>
          <ul className="flex flex-col gap-1">
            {group.variants.map((each) => (
              <li key={each.name}>
                <Checkbox
                  label={`${each.name} (${format.number(each.touches)} ${each.touches === 1 ? "visit" : "visits"})`}
                  checked={!left.includes(each.name)}
                  onChange={(event) => setLeft(event.target.checked ? left.filter((name) => name !== each.name) : [...left, each.name])}
                />
              </li>
            ))}
          </ul>
        </fieldset>
      ) : null}
      <div className="mt-3 flex flex-wrap items-start gap-2">
        <Combobox label="Campaign" value={choice} options={options} onChange={setChoice} onSearch={setQ} placeholder="Find a campaign" className="min-w-48 flex-1" />
        <Button variant="primary" busy={deciding.busy} disabled={choice === "" || names?.length === 0} onClick={() => void act(deciding.approve(group.key, choice, names))}>Approve</Button>
        {status === "ignored" ? null : <Button busy={deciding.busy} disabled={names?.length === 0} onClick={() => void act(deciding.ignore(group.key, names))}>It is no campaign</Button>}
      </div>
      <p className="mt-2 text-xs text-muted">All visits with these names follow, also those to come; what was assigned by hand stays. The decision can be undone at any time.</p>
    </section>
  )
}

function Likeness({ group }: { group: Group }) {
  const format = useFormat()
  const near = group.suggestion
  if (near === null) return <p className="text-sm text-muted">No known campaign has a name like it.</p>
  return (
    <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
      <span>Most like <span className="font-medium">{near.campaign}</span></span> <Score of={near} />
      <span className="text-muted">
        {near.runner_up === null ? "No other campaign comes near."
          : near.margin < 0.05 ? `About as like ${near.runner_up.campaign} (${format.percent(near.runner_up.score, 0)}): somebody has to decide.`
          : `Next: ${near.runner_up.campaign} (${format.percent(near.runner_up.score, 0)}).`}
      </span>
    </p>
  )
}

const mediaBySource = (group: Group) =>
  [...new Set(group.sources.map((pair) => pair.source))].map((source) => [source, group.sources.filter((pair) => pair.source === source).map((pair) => pair.medium)] as const)

function About({ group, status }: { group: Group; status: Status }) {
  const format = useFormat()
  const method = status === "matched" ? "fuzzy_name_match" : "unresolved"
  return (
    <section aria-labelledby="about">
      <h3 id="about" className="text-base">What is known of it</h3>
      <Facts
        of={[
          ["Visits", <span key="visits">{format.number(group.touches)} <TextLink to="/attribution" search={{ view: "touches", method, campaign: group.name, range: "this_year" }}>{group.touches === 1 ? "Show it" : `Show those tagged ${group.name}`}</TextLink></span>],
          ["First seen", format.dateTime(group.first_seen)],
          ["Last seen", format.dateTime(group.last_seen)],
          ["Platform", group.platform === "generic" ? "Other" : words(group.platform)],
          ["Source / medium", <span key="sources" className="flex flex-col break-words">{mediaBySource(group).map(([source, media]) => <span key={source}>{source} / {media.join(", ")}</span>)}</span>],
          ...group.at_stake.flatMap((stake): [string, string][] => [
            [`Orders with a share (${stake.currency})`, format.number(stake.orders)],
            ["They are worth", format.money(stake.value, stake.currency)],
            ["The visits' credit of it", format.money(stake.credit, stake.currency)],
          ]),
        ]}
      />
      {group.at_stake.length === 0 ? <p className="mt-2 text-sm text-muted">None of these visits came before an order.</p> : null}
    </section>
  )
}
