// Where a page of the manifest is, for links that only those see who may follow them.
import { useSession } from "./session"

/** The path of a page by its key; undefined where the account may not open it, or nobody has registered it. */
export function useLink(key: string | undefined): string | undefined {
  const { manifest } = useSession()
  return key ? manifest.pages.find((page) => page.key === key)?.path : undefined
}
