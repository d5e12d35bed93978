// A page of another plugin, as the manifest declares it: an ES module that draws into an element, or a document in a frame.
import { useNavigate, useParams } from "@tanstack/react-router"
import { useEffect, useRef, useState } from "react"
import type { ManifestPage } from "@/api/answers"
import { authorised } from "@/api/client"
import { apiBase } from "@/config"
import { NotFound } from "@/shell/page-gate"
import { useSession, useStore } from "@/shell/session"
import { useTheme } from "@/shell/theme"
import { Card, PageHeader } from "@/ui/page"
import { Empty } from "@/ui/states"

/** What a module's default export is handed beside its element; docs/hooks.md describes it. */
interface Context {
  api_base: string
  zone: string
  currency: string
  locale: string
  theme: string
  navigate: (path: string) => void
  fetch: typeof fetch
}
type Draw = (element: HTMLElement, context: Context) => (() => void) | undefined

export default function Foreign() {
  const { manifest } = useSession()
  // Of this page's own match: the location is already the next page's while that one is being fetched.
  const { _splat: path } = useParams({ strict: false }) as { _splat?: string }
  const page = manifest.pages.find((each) => each.path === `/${path ?? ""}` && (each.module || each.frame))
  if (!page) return <NotFound />
  return (
    <>
      <PageHeader title={page.title} description={page.description || undefined} />
      {page.frame ? <Framed page={page} /> : <Drawn page={page} key={page.key} />}
    </>
  )
}

const Framed = ({ page }: { page: ManifestPage }) => (
  <iframe src={new URL(page.frame, location.origin).href} title={page.title} className="h-[calc(100dvh-8rem)] w-full rounded-lg bg-card shadow-card" />
)

function Drawn({ page }: { page: ManifestPage }) {
  const box = useRef<HTMLDivElement>(null)
  const [failed, setFailed] = useState(false)
  const { zone, currency, locale } = useStore()
  const theme = useTheme()
  const navigate = useNavigate()
  useEffect(() => {
    let clean: (() => void) | undefined
    let gone = false
    const context: Context = {
      api_base: apiBase,
      zone,
      currency,
      locale,
      theme,
      navigate: (to) => void navigate({ to: to as never }),
      fetch: async (input, init) => {
        const headers = new Headers(init?.headers)
        await authorised(headers, init?.method?.toUpperCase() ?? "GET")
        return fetch(input, { credentials: "same-origin", ...init, headers })
      },
    }
    const draw = async () => {
      try {
        const found = (await import(/* @vite-ignore */ new URL(page.module, location.origin).href)) as { default: Draw }
        if (gone || !box.current) return
        clean = found.default(box.current, context)
      } catch (problem) {
        console.error(problem)
        setFailed(true)
      }
    }
    void draw()
    return () => {
      gone = true
      clean?.()
      box.current?.replaceChildren()
    }
  }, [page, zone, currency, locale, theme, navigate])
  return (
    <>
      {failed ? <Card><Empty title="This page could not be drawn">It belongs to another plugin: tell the operator.</Empty></Card> : null}
      <div ref={box} />
    </>
  )
}
