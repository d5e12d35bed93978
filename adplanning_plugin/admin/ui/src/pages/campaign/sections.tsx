// What other plugins have registered for a campaign: drawn by what their data look like, and loaded only where there is any.
import { lazy, Suspense } from "react"
import { words } from "@/format/format"
import { Card } from "@/ui/page"
import { Skeleton } from "@/ui/states"

const Body = lazy(async () => ({ default: (await import("@/sections/body")).SectionBody }))

export function Sections({ of }: { of: Record<string, Record<string, unknown> | null> }) {
  return Object.entries(of).map(([key, data]) => data === null ? null : (
    <Card key={key} title={words(key)}>
      <Suspense fallback={<Skeleton className="h-32 w-full rounded-lg" />}>
        <Body section={{ key, title: words(key), page: "", data }} before={undefined} />
      </Suspense>
    </Card>
  ))
}
