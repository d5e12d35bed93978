// What stands in place of one page: its skeleton while it loads, no permission, not found, or a page that broke.
import type { ErrorComponentProps } from "@tanstack/react-router"
import type { ReactNode } from "react"
import { isProblem } from "@/api/problem"
import type { PageEntry } from "@/registry"
import { Button, ButtonLink } from "@/ui/button"
import { Card, PageHeader } from "@/ui/page"
import { Empty, Failed, NoPermission, Skeleton } from "@/ui/states"
import { useSession } from "./session"

export function PageGate({ page, children }: { page: PageEntry; children: ReactNode }) {
  const { manifest } = useSession()
  if (manifest.pages.some((each) => each.key === page.key)) return children
  return (
    <>
      <PageHeader title="Not allowed" />
      <Card><NoPermission /></Card>
    </>
  )
}

export function Pending() {
  return (
    <div aria-busy="true">
      <span className="sr-only" role="status">Loading the page</span>
      <Skeleton className="h-7 w-48" />
      <Skeleton className="mt-2 mb-6 h-4 w-80 max-w-full" />
      <Skeleton className="h-96 w-full rounded-lg" />
    </div>
  )
}

export function NotFound() {
  return (
    <>
      <PageHeader title="Page not found" />
      <Card>
        <Empty title="There is no page at this address" action={<ButtonLink to="/">Open the dashboard</ButtonLink>}>
          It may have moved, or the link was cut off.
        </Empty>
      </Card>
    </>
  )
}

export function Broken({ error, reset }: ErrorComponentProps) {
  return (
    <>
      <PageHeader title="Something went wrong" />
      <Card>
        {isProblem(error) ? (
          <Failed error={error} retry={reset} />
        ) : (
          <Empty title="This page could not be drawn" action={<Button onClick={() => location.reload()}>Load it again</Button>}>
            If it happens again, tell the operator what you did just before.
          </Empty>
        )}
      </Card>
    </>
  )
}
