// Who is signed in, for which store: asked once, before any page is drawn; and figures formatted as that store writes them.
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react"
import type { Manifest, Me } from "@/api/answers"
import { setCsrfToken } from "@/api/client"
import { useApi } from "@/api/query"
import { type Formats, formats } from "@/format/format"
import { Blank, Refused } from "./gate"

interface Session {
  me: Me
  manifest: Manifest
  format: Formats
}

const Context = createContext<Session | null>(null)

export function SessionProvider({ children }: { children: ReactNode }) {
  const me = useApi("/me", { staleTime: Infinity })
  const manifest = useApi("/ui/manifest", { staleTime: Infinity })
  const token = me.data?.csrf_token ?? null
  useEffect(() => setCsrfToken(token), [token])
  const session = useMemo(
    () =>
      me.data && manifest.data
        ? { me: me.data, manifest: manifest.data, format: formats(me.data.store) }
        : null,
    [me.data, manifest.data],
  )
  const error = me.error ?? manifest.error
  if (error) return <Refused error={error} retry={() => (me.error ? me : manifest).refetch()} />
  if (!session) return <Blank />
  return <Context value={session}>{children}</Context>
}

export function useSession(): Session {
  const session = useContext(Context)
  if (!session) throw new Error("useSession belongs below SessionProvider.")
  return session
}

export const useStore = () => useSession().me.store
export const useFormat = () => useSession().format
/** `useMay("adplanning:write")`: whether to offer an action; the server decides. */
export const useMay = (scope: string) => useSession().me.actor.scopes.includes(scope)
