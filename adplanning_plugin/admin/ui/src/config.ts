// What the server writes into the page: where the pages and the API are mounted, and where people sign in.

const meta = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name="adplanning-${name}"]`)?.content ?? ""

/** The path that the pages are mounted at, without a slash at its end. */
export const appPath = new URL(document.baseURI).pathname.replace(/\/+$/, "")
/** The address of the admin API, without a slash at its end. */
export const apiBase = meta("api").replace(/\/+$/, "")
/** The host's login page; it is given `?next=`, the address to come back to. */
export const loginUrl = meta("login")
/** The host's own admin, which the sidebar leads back to. */
export const homeUrl = meta("home")
/** In a frame of the host's (`?chrome=none`) there is no sidebar, also after following links and loading anew. */
export const chromeless = isChromeless()

function isChromeless(): boolean {
  const asked = new URLSearchParams(location.search).get("chrome") === "none"
  if (window.top === window) return asked
  try {
    if (asked) sessionStorage.setItem("adplanning-chrome", "none")
    return sessionStorage.getItem("adplanning-chrome") === "none"
  } catch {
    return asked
  }
}

/** The nonce that styles which libraries insert have to carry. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ""

declare global {
  interface Window {
    /** A host without a session of the same origin gives a bearer token here; it is asked for each request. */
    adplanning?: { token?: () => string | null | Promise<string | null> }
  }
}

export function goToLogin(): boolean {
  if (!loginUrl) return false
  const target = new URL(loginUrl, location.origin)
  target.searchParams.set("next", location.pathname + location.search)
  location.assign(target)
  return true
}
