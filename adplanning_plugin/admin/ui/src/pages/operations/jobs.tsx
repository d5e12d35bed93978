// Jobs: what runs by itself, when it ran last and runs next; start one now, and see how its last runs went.
import { Play } from "lucide-react"
import { useEffect, useState } from "react"
import { useQueryClient } from "@tanstack/react-query"
import { isProblem } from "@/api/problem"
import { useApi, useSend } from "@/api/query"
import { useFormat, useMay } from "@/shell/session"
import { text, useUrlState } from "@/state/url"
import { Button, TextLink } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { Card, Facts } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { toast } from "@/ui/toast"
import { Explain } from "@/ui/tooltip"
import type { Job } from "./answers"
import { WorkStatus } from "./work"
import { jobDoes, jobTitle, scheduleWords, took } from "./words"

const SCHEMA = { open: text() }
const CATCH_UP = {
  once: "If its time passes while nothing runs, it runs once as soon as something does.",
  skip: "If its time passes while nothing runs, it waits for the next time.",
  all: "If its times pass while nothing runs, each of them is made up for.",
}

export function Jobs() {
  const format = useFormat()
  const [state, set] = useUrlState(SCHEMA)
  const query = useApi("/operations/jobs", { refetchInterval: 30_000 })
  const open = query.data?.jobs.find((job) => job.name === state.open)
  return (
    <Card title="Jobs" description={`What runs by itself. Times are in ${format.zone}.`}>
      <Async query={query} skeleton={<Skeleton className="h-64 w-full" />}>
        {({ jobs }) =>
          jobs.length === 0 ? <Empty title="No jobs are registered">They run where the plugin's workers do.</Empty> : (
            <PlainTable
              caption="Jobs"
              head={[{ title: "Job" }, { title: "When" }, { title: "Last due" }, { title: "Next" }, { title: "Actions", right: true }]}
              rows={jobs.map((job) => [
                <div key="job" className="max-w-md py-1">
                  <p className="font-medium">{jobTitle(job.name)}</p>
                  {jobDoes(job.name) ? <p className="text-xs text-muted">{jobDoes(job.name)}</p> : null}
                </div>,
                scheduleWords(job.schedule),
                job.last_slot ? <time key="last" dateTime={job.last_slot} className="figure">{format.dateTime(job.last_slot)}</time> : "Never",
                <time key="next" dateTime={job.next_slot} className="figure">{format.dateTime(job.next_slot)}</time>,
                <span key="do" className="flex justify-end gap-2">
                  <Button small onClick={() => set({ open: job.name })} aria-label={`History of ${jobTitle(job.name)}`}>History</Button>
                  <RunNow job={job} />
                </span>,
              ])}
            />
          )
        }
      </Async>
      <Drawer open={open !== undefined} onOpenChange={(on) => on || set({ open: "" })} title={open ? jobTitle(open.name) : "Job"} description={open ? jobDoes(open.name) : undefined}>
        {open ? <History job={open} /> : null}
      </Drawer>
    </Card>
  )
}

function RunNow({ job }: { job: Job }) {
  const may = useMay("adplanning:manage")
  const client = useQueryClient()
  const [item, setItem] = useState("")
  const run = useSend<"post", "/operations/jobs/{name}/run", { work_item: { id: string } }>("post", "/operations/jobs/{name}/run", ["/operations/work"])
  const query = useApi("/operations/work/{item_id}", {
    path: { item_id: item },
    enabled: item !== "",
    refetchInterval: (data) => (data && data.work_item.status !== "pending" ? false : 1000),
  })
  const status = query.data?.work_item.status
  const error = query.data?.work_item.last_error
  useEffect(() => {
    if (!item || !status || status === "pending") return
    toast(status === "done" ? `${jobTitle(job.name)}: done` : `${jobTitle(job.name)} failed: ${error ?? "no reason was given"}`, { tone: status === "done" ? "done" : "error" })
    setItem("")
    void client.invalidateQueries({ queryKey: ["/operations/work"] })
    void client.invalidateQueries({ queryKey: ["/freshness"] })
  }, [item, status, error, job.name, client])
  if (!may) return null
  const start = () =>
    run.mutateAsync({ path: { name: job.name }, idempotencyKey: crypto.randomUUID() })
      .then((answer) => setItem(answer.work_item.id))
      .catch((problem: unknown) => toast(isProblem(problem) ? problem.message : "The job could not be started.", { tone: "error" }))
  const busy = run.isPending || item !== ""
  return (
    <Button small busy={busy} onClick={() => void start()} aria-label={`${busy ? "Running" : "Run now"}: ${jobTitle(job.name)}`}>
      {busy ? "Running" : <><Play className="size-3.5" aria-hidden="true" />Run now</>}
    </Button>
  )
}

function History({ job }: { job: Job }) {
  const format = useFormat()
  const query = useApi("/operations/work", { query: { kind: `job:${job.name}`, limit: 20 }, refetchInterval: 5000 })
  return (
    <div className="flex flex-col gap-5">
      <Facts
        of={[
          ["Name", <code key="name" className="font-mono text-xs">{job.name}</code>],
          ["When", <span key="when">{scheduleWords(job.schedule)} <span className="text-muted">({job.zone})</span></span>],
          ["If missed", CATCH_UP[job.catch_up]],
        ]}
      />
      <section aria-labelledby="history">
        <div className="flex items-center justify-between gap-3"><h3 id="history" className="text-base">Last runs</h3><RunNow job={job} /></div>
        <Async query={query} skeleton={<Skeleton className="h-64 w-full" />}>
          {({ work, count }) =>
            work.length === 0 ? <Empty title="It has not run yet">It runs next on {format.dateTime(job.next_slot)}.</Empty> : (
              <>
                <PlainTable
                  caption={`Last runs of ${jobTitle(job.name)}`}
                  head={[{ title: "Started" }, { title: "By" }, { title: "Result" }, { title: "Took", right: true }]}
                  rows={work.map((item) => [
                    <time key="at" dateTime={item.created_at} className="figure">{format.dateTime(item.created_at)}</time>,
                    item.key.startsWith("now:") ? "Hand" : "Schedule",
                    <span key="status"><WorkStatus of={item} />{item.last_error ? <span className="block text-xs whitespace-normal text-muted">{item.last_error}</span> : null}</span>,
                    took(item.created_at, item.done_at) ?? "–",
                  ])}
                />
                {count > work.length ? <p className="mt-2 text-sm"><TextLink to="/operations" search={{ tab: "work", kind: `job:${job.name}`, status: "all" }}>All {format.number(count)} runs</TextLink></p> : null}
              </>
            )
          }
        </Async>
      </section>
      <p className="text-xs text-muted">A run is kept for a while after it is done. <Explain what="Took">From the moment it was asked for to its end, with the time it waited for a free worker.</Explain></p>
    </div>
  )
}
