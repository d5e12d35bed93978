// The data-driven model: the fit in use, what it rests on, making another, and choosing which one shares out the credit.
import { useQueryClient } from "@tanstack/react-query"
import { lazy, Suspense, useEffect, useRef, useState } from "react"
import { useApi, useSend } from "@/api/query"
import { words } from "@/format/format"
import { windowLabel } from "@/insight/credit"
import { By } from "@/insight/by"
import { useFormat, useMay } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { Button, TextLink } from "@/ui/button"
import { Confirm } from "@/ui/dialog"
import { Card, Facts } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { toast } from "@/ui/toast"
import type { DataDriven, Fit } from "./answers"
import { Effects } from "./effects"
import { ALGORITHMS, named } from "./words"

export const READ = ["/attribution/data-driven", "/attribution/data-driven/fits"] as const
const AskFit = lazy(() => import("./ask"))

export function DataDrivenView({ shown, onShow }: { shown: string; onShow: (id: string) => void }) {
  const client = useQueryClient()
  const query = useApi("/attribution/data-driven", {
    refetchInterval: (data) => (data?.data_driven.running || data?.data_driven.adopting ? 1500 : false),
  })
  const fits = useApi("/attribution/data-driven/fits", { query: { limit: 20 }, keep: true })
  // Whatever ends changes the list, and an adoption what every page about credit says.
  const state = query.data ? `${query.data.data_driven.running?.id} ${query.data.data_driven.adopted?.id} ${query.data.data_driven.adopting?.id}` : ""
  const before = useRef(state)
  useEffect(() => {
    if (before.current !== "" && before.current !== state) {
      for (const path of ["/attribution/data-driven/fits", "/attribution/models", "/attribution/disagreement", "/attribution/comparison"]) void client.invalidateQueries({ queryKey: [path] })
    }
    before.current = state
  }, [state, client])
  return (
    <Async query={query} skeleton={<Skeleton className="h-[36rem] w-full rounded-lg" />}>
      {({ data_driven: found }) => {
        const list = fits.data?.fits ?? []
        const fit = list.find((each) => each.id === shown) ?? found.adopted ?? found.latest
        return (
          <div className="flex flex-col gap-4">
            <State found={found} onShow={onShow} />
            {fit ? <Result fit={fit} found={found} /> : null}
            {list.length > 0 ? <History fits={list} shown={fit?.id ?? ""} onShow={onShow} /> : null}
          </div>
        )
      }}
    </Async>
  )
}

function State({ found, onShow }: { found: DataDriven; onShow: (id: string) => void }) {
  const format = useFormat()
  const may = useMay("adplanning:write")
  const [asking, setAsking] = useState(false)
  const { adopted, adopting, running } = found
  const says = adopted
    ? `In use: ${named(adopted).toLowerCase()}, fitted to ${format.number(adopted.journeys)} journeys of ${format.date(adopted.from_date)} – ${format.date(adopted.to_date)}.`
    : "No fit is in use yet, so the model “data-driven” is not offered where credit is shown."
  return (
    <Card
      title="Data-driven credit"
      description="Learned from the store's own journeys, with and without an order: channels that converting journeys need get more. It is credit, never incremental revenue."
      actions={may ? <Button variant={adopted ? "secondary" : "primary"} disabled={!found.installed || running !== null} onClick={() => setAsking(true)}>Fit now…</Button> : null}
    >
      <div className="flex flex-col gap-3 text-sm">
        <p>{says} {found.settings.weekly ? "A new fit is made every Sunday night" : "No fit is made by itself"}{found.settings.weekly ? { first: "; the first that the data bear is put to use, later ones wait for somebody to adopt them.", every: ", and put to use.", never: ", and waits for somebody to adopt it." }[found.settings.adopt] : "."}</p>
        {found.installed ? null : <p className="text-warn">Fitting needs numpy and scipy, which are not installed here. Install the plugin with its extra: <code>pip install 'adplanning-plugin[{found.extra}]'</code>.</p>}
        {running ? <Bar label={`Fitting: ${named(running).toLowerCase()}`} progress={running.progress} /> : null}
        {adopting ? <Bar label="Credit is being shared anew by the fit that was adopted; until it is done, reports show what they showed" progress={null} /> : null}
      </div>
      {asking ? <Suspense><AskFit onClose={() => setAsking(false)} settings={found.settings} onShow={onShow} /></Suspense> : null}
    </Card>
  )
}

function Bar({ label, progress }: { label: string; progress: Fit["progress"] }) {
  const total = progress?.total ?? null
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg bg-hover px-4 py-2.5">
      <span>{label}</span>
      <progress aria-label={label} className="h-1.5 min-w-32 flex-1 accent-link" {...(total ? { value: progress?.done ?? 0, max: total } : {})} />
    </div>
  )
}

function Result({ fit, found }: { fit: Fit; found: DataDriven }) {
  const format = useFormat()
  const manages = useMay("adplanning:manage")
  const [asking, setAsking] = useState<"adopt" | "withdraw" | null>(null)
  const adopt = useSend("post", "/attribution/data-driven/fits/{fit_id}/adopt", [...READ])
  const withdraw = useSend("delete", "/attribution/data-driven/adoption", [...READ])
  const model = ALGORITHMS[fit.algorithm]
  const busy = found.adopting !== null
  return (
    <Card
      title={named(fit)}
      description={<>{model.means} {fit.is_adopted ? <Badge colour="green">In use</Badge> : fit.is_being_adopted ? <Badge colour="blue">Being adopted</Badge> : null}</>}
      actions={
        manages && fit.status === "done" ? (
          fit.is_adopted ? <Button disabled={busy} onClick={() => setAsking("withdraw")}>Stop using it…</Button>
          : fit.is_being_adopted ? null
          : <Button variant="primary" disabled={busy} onClick={() => setAsking("adopt")}>Adopt…</Button>
        ) : null
      }
    >
      {fit.status === "insufficient_data" ? (
        <div className="text-sm">
          <p className="mb-1 font-medium">Too little data: no figures are given in place of knowledge.</p>
          <ul className="list-disc pl-5">{fit.missing.map((each) => <li key={each.code}>{each.sentence}</li>)}</ul>
        </div>
      ) : fit.status === "failed" ? <p className="text-sm text-bad">{fit.problem ?? "The fit failed."}</p>
      : fit.status !== "done" ? <p className="text-sm text-muted">The fit is being made.</p>
      : <Effects fit={fit} />}
      <h3 className="mt-5 mb-1 text-sm font-medium">What it rests on</h3>
      <Facts
        className="sm:grid-cols-[minmax(7rem,auto)_1fr_minmax(7rem,auto)_1fr]"
        of={[
          ["Journeys", fit.journeys === null ? null : `${format.number(fit.journeys)}, of which ${format.number(fit.conversions)} with an order${fit.conversion_rate === null ? "" : ` (${format.percent(fit.conversion_rate, 2)})`}`],
          ["Distinct paths", fit.paths === null ? null : format.number(fit.paths)],
          ["Period", `${format.date(fit.from_date)} – ${format.date(fit.to_date)}`],
          ["Visits within", windowLabel(fit.window_days)],
          ["Ends with", fit.conversion_type ? words(fit.conversion_type) : "Any conversion"],
          ["Nobody to credit", fit.unattributed_conversions === null || fit.unattributed_conversions === undefined ? null : `${format.number(fit.unattributed_conversions)} conversions without a visit that is not direct`],
          ["Other currencies", fit.other_currencies ? `${format.number(fit.other_currencies)} conversions count, their value does not` : null],
          ["Intervals", fit.resamples ? `${format.number(fit.resamples)} resamples, seed ${fit.seed}` : "None"],
          ["Made", fit.finished_at ? format.dateTime(fit.finished_at) : null],
          ["Libraries", fit.libraries ? Object.entries(fit.libraries).map(([name, version]) => `${name} ${version}`).join(", ") : null],
          ["Fingerprint", fit.inputs_hash ? <code className="text-xs break-all">{fit.inputs_hash.slice(0, 16)}</code> : null],
        ]}
      />
      <p className="mt-3 text-xs text-muted">The same journeys give the same figures, to the last digit. Direct visits are left out. None of it says what would have happened without the ads.</p>
      <Confirm
        open={asking === "adopt"}
        onOpenChange={(open) => setAsking(open ? "adopt" : null)}
        title="Share credit by this fit?"
        action="Adopt the fit"
        danger={false}
        onConfirm={() => adopt.mutateAsync({ path: { fit_id: fit.id } }).then(() => toast("Adopted: credit is shared anew in the background"))}
      >
        <p>“Data-driven” is then offered wherever a model can be chosen, for the past too. All other models stay as they are, and so does the store's own choice of a model. Reports change when the new credit is complete, all at once; an earlier fit can be adopted again.</p>
      </Confirm>
      <Confirm
        open={asking === "withdraw"}
        onOpenChange={(open) => setAsking(open ? "withdraw" : null)}
        title="Stop using the data-driven model?"
        action="Stop using it"
        onConfirm={() => withdraw.mutateAsync({}).then(() => toast("Data-driven credit is being taken out"))}
      >
        <p>“Data-driven” is no longer offered once credit is shared anew. The fit stays in the list and can be adopted again.</p>
      </Confirm>
    </Card>
  )
}

function History({ fits, shown, onShow }: { fits: Fit[]; shown: string; onShow: (id: string) => void }) {
  const format = useFormat()
  return (
    <Card title="Fits" description="The latest first; none of them is ever changed.">
      <PlainTable
        caption="Fits"
        head={[{ title: "Made" }, { title: "Model" }, { title: "State" }, { title: "Journeys", right: true }, { title: "Period" }, { title: "Details" }]}
        rows={fits.map((fit) => [
          <span key="at">{format.dateTime(fit.created_at)}<span className="block text-xs text-muted">{fit.requested_by ? <>by <By id={fit.requested_by} /></> : "by schedule"}</span></span>,
          named(fit),
          fit.is_adopted ? <Badge key="s" colour="green">In use</Badge> : <Badge key="s" colour={fit.status === "failed" ? "red" : fit.status === "insufficient_data" ? "orange" : "grey"}>{words(fit.status)}</Badge>,
          fit.journeys === null ? "–" : format.number(fit.journeys),
          `${format.date(fit.from_date)} – ${format.date(fit.to_date)}`,
          fit.id === shown ? <span key="v" className="text-xs text-muted">Shown above</span> : <Button key="v" small onClick={() => onShow(fit.id)}>Show<span className="sr-only"> the fit of {format.dateTime(fit.created_at)}</span></Button>,
        ])}
      />
      <p className="mt-3 text-xs text-muted">What is fitted every week, and whether it is adopted by itself, is in the <TextLink to="/settings" search={{ tab: "data_driven" }}>settings</TextLink>.</p>
    </Card>
  )
}
