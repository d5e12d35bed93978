// What stands in place of the pages before they can open: an empty frame, signing in, or a server that does not answer.
import { appPath, loginUrl } from "@/config"
import type { Problem } from "@/api/problem"
import { Button } from "@/ui/button"
import { Card } from "@/ui/page"
import { Failed, NoPermission } from "@/ui/states"

export const Blank = () => (
  <div className="min-h-dvh bg-bg" aria-busy="true">
    <span className="sr-only" role="status">Loading</span>
  </div>
)

export function Refused({ error, retry }: { error: Problem; retry: () => void }) {
  return (
    <main className="mx-auto max-w-lg px-4 py-16">
      <h1 className="sr-only">Ad planning</h1>
      <Card>
        {error.status === 401 ? <SignIn /> : error.status === 403 ? <NoPermission what="ad planning" /> : <Failed error={error} retry={retry} />}
      </Card>
    </main>
  )
}

function SignIn() {
  return (
    <div className="flex flex-col items-center gap-3 px-6 py-10 text-center">
      <p className="font-medium">Sign in to open ad planning</p>
      {loginUrl ? (
        <p className="text-sm text-muted">Taking you to the login…</p>
      ) : (
        <>
          <p className="text-sm text-muted">Sign in to the store's admin, then come back to {appPath}.</p>
          <Button onClick={() => location.reload()}>I have signed in</Button>
        </>
      )}
    </div>
  )
}
