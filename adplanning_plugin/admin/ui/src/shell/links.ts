// Where a page of the manifest is, for links that only those see who may follow them.
import { useSession } from "./session"

/** A page by its key; undefined where the account may not open it, or nobody has registered it. */
export function usePage(key: string | undefined): { path: string; title: string } | undefined {
  const { manifest } = useSession()
  return key ? manifest.pages.find((page) => page.key === key) : undefined
}

/** Its path alone. */
export const useLink = (key: string | undefined): string | undefined => usePage(key)?.path
