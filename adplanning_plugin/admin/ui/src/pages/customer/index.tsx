// One customer on one page: who it is, what they ordered, how they came, all that they did, and what the law lets them ask.
import { useParams } from "@tanstack/react-router"
import { Download, FileJson, Trash2 } from "lucide-react"
import { useState } from "react"
import { download, downloadCsv } from "@/api/csv"
import { isProblem } from "@/api/problem"
import { useApi } from "@/api/query"
import { IdentityPanel } from "@/insight/identity"
import type { Profile } from "@/pages/customers/answers"
import { useFormat, useMay } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { Button, ButtonLink, TextLink } from "@/ui/button"
import { Menu, MenuItem } from "@/ui/menu"
import { Card, Facts, PageHeader } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { toast } from "@/ui/toast"
import { EraseDialog } from "./erase"
import { History } from "./history"
import { SectionCard } from "./sections"

const ASIDE = new Set(["touches", "consents"])
/** What the panel of browsers says in full. */
const SAID = "identity"

export default function Customer() {
  const { id = "" } = useParams({ strict: false }) as { id?: string }
  const format = useFormat()
  const personal = useMay("adplanning:pii")
  const query = useApi("/customers/{person_id}/profile", { path: { person_id: id } })
  const parent = <TextLink to="/customers">Customers</TextLink>
  const known = query.data?.customer
  if (query.error?.status === 404) {
    return (
      <>
        <PageHeader title="Customer not found" parent={parent} />
        <Card><Empty title="Nobody of that id is known" action={<ButtonLink to="/customers">All customers</ButtonLink>}>They were erased, or belong to another store.</Empty></Card>
      </>
    )
  }
  const since = known?.created_at ? `Customer since ${format.date(known.created_at)}` : undefined
  return (
    <>
      <PageHeader
        title={known ? (known.name ?? known.email ?? `Customer ${known.id}`) : "Customer"}
        description={since}
        parent={parent}
        actions={known && personal ? <Actions of={known} /> : null}
      />
      <Async query={query} skeleton={<Skeleton className="h-96 w-full rounded-lg" />}>
        {({ customer }) => (
          <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <div className="flex flex-col gap-4">
              {customer.sections.filter((each) => !ASIDE.has(each.key) && each.key !== SAID).map((each) => <SectionCard key={each.key} of={each} person={customer} />)}
              <History person={customer} />
            </div>
            <div className="flex flex-col gap-4">
              <Card title="Who it is"><Who of={customer} /></Card>
              {customer.sections.filter((each) => ASIDE.has(each.key)).map((each) => <SectionCard key={each.key} of={each} person={customer} />)}
              {personal && !customer.erased_at ? <IdentityPanel personId={customer.id} /> : null}
            </div>
          </div>
        )}
      </Async>
    </>
  )
}

function Who({ of }: { of: Profile }) {
  const format = useFormat()
  const personal = useMay("adplanning:pii")
  return (
    <>
      {of.erased_at ? (
        <p className="mb-2 text-sm"><Badge colour="grey">Erased</Badge> What was held about this person until {format.dateTime(of.erased_at)} is gone. What came since is shown.</p>
      ) : personal ? null : (
        <p className="mb-2 text-sm text-muted">Name and address are hidden: your account lacks the permission for personal data.</p>
      )}
      <Facts
        of={[
          ["Id", <code key="id" className="font-mono text-xs break-all">{of.id}</code>],
          ["Name", of.name],
          ["Email", of.email],
          ["Phone", of.phone],
          ["Place", format.place(of.city, of.country)],
          ["Born", of.birth_date],
          ["In the store", of.in_store ? null : "No row of theirs: known from orders and visits alone"],
          ["More", <TextLink key="all" to="/conversions" search={{ person_id: of.id, range: "this_year" }}>All conversions of this customer</TextLink>],
        ]}
      />
    </>
  )
}

function Actions({ of }: { of: Profile }) {
  const manages = useMay("adplanning:manage")
  const [erasing, setErasing] = useState(false)
  const path = `/customers/${encodeURIComponent(of.id)}/export`
  const save = (work: Promise<void>) => void work.catch((problem: unknown) => toast(isProblem(problem) ? problem.message : "The file could not be read.", { tone: "error" }))
  return (
    <>
      <Menu trigger={<Button><Download className="size-4 text-muted" aria-hidden="true" />Export</Button>}>
        <MenuItem onSelect={() => save(download(path, {}, "customer", "application/json", "json"))}><FileJson className="size-4 text-muted" aria-hidden="true" />Everything, as JSON</MenuItem>
        <MenuItem onSelect={() => save(downloadCsv(path, {}, "customer"))}><Download className="size-4 text-muted" aria-hidden="true" />Everything, as CSV</MenuItem>
      </Menu>
      {manages ? <Button variant="danger" onClick={() => setErasing(true)}><Trash2 className="size-4" aria-hidden="true" />Erase</Button> : null}
      {manages ? <EraseDialog of={of} open={erasing} onClose={() => setErasing(false)} /> : null}
    </>
  )
}
