// Who did something, by name: asked of the host when it is shown, the id itself until then and where there is no name.
import { useApi } from "@/api/query"
import type {} from "./explain/answers"

export function By({ id }: { id: string }) {
  const found = useApi("/actors", { query: { ids: id }, staleTime: 600_000 })
  const name = found.data?.actors[0]?.name ?? id
  return name === id ? <>user <code className="font-mono">{id}</code></> : <>{name}</>
}
