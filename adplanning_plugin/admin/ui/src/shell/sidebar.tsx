// The navigation: the manifest's pages that this build knows, by group; then the theme, and the way back to the host's admin.
import { Link } from "@tanstack/react-router"
import { ArrowLeft, Circle, Monitor, Moon, Sun } from "lucide-react"
import type { ManifestPage } from "@/api/answers"
import { homeUrl } from "@/config"
import { PAGES } from "@/registry"
import { cn } from "@/ui/cn"
import { useSession } from "./session"
import { setTheme, type Theme, useTheme } from "./theme"

export function Sidebar() {
  const { me, manifest } = useSession()
  const ours = new Map(PAGES.map((page) => [page.path, page]))
  const opens = (page: ManifestPage | undefined): page is ManifestPage =>
    !!page && (ours.has(page.path) || page.module !== "" || page.frame !== "")
  const groups = manifest.groups
    .map(({ key, title, pages }) => ({
      key,
      title,
      entries: pages.map((each) => manifest.pages.find((page) => page.key === each)).filter(opens),
    }))
    .filter(({ entries }) => entries.length > 0)
  // A page that others stand below (Settings) is not the open one where one of those is.
  const above = (path: string) => path === "/" || manifest.pages.some((each) => each.path.startsWith(`${path}/`))
  return (
    <div className="flex h-full flex-col gap-4 p-3">
      <div className="flex items-center gap-2.5 px-1 py-1">
        <span aria-hidden="true" className="flex size-7 items-center justify-center rounded-md bg-primary text-xs font-semibold text-primary-fg">
          {me.store.name.slice(0, 1).toUpperCase()}
        </span>
        <span className="min-w-0">
          <span className="block truncate font-medium leading-4">{me.store.name}</span>
          <span className="block text-xs text-muted">Ad planning</span>
        </span>
      </div>
      <nav aria-label="Ad planning" className="flex flex-1 flex-col gap-4">
        {groups.map(({ key, title, entries }) => (
          <div key={key}>
            {title ? <h2 className="px-2 pb-1 text-xs font-medium text-muted">{title}</h2> : null}
            <ul className="flex flex-col gap-0.5">
              {entries.map((page) => {
                const Icon = ours.get(page.path)?.icon ?? Circle
                return (
                  <li key={page.key}>
                    <Link
                      to={page.path as never}
                      activeOptions={{ exact: above(page.path), includeSearch: false }}
                      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-sm font-medium text-muted hover:bg-hover hover:text-fg"
                      activeProps={{ className: "bg-card! text-fg! shadow-card" }}
                    >
                      <Icon className="size-4 shrink-0" aria-hidden="true" />
                      {page.title}
                    </Link>
                  </li>
                )
              })}
            </ul>
          </div>
        ))}
      </nav>
      <div className="flex items-center justify-between gap-2 border-t border-line pt-3">
        {homeUrl ? (
          <a href={new URL(homeUrl, location.origin).href} className="flex items-center gap-2 rounded-md px-2 py-1.5 text-sm text-muted hover:bg-hover hover:text-fg">
            <ArrowLeft className="size-4" aria-hidden="true" />
            Store admin
          </a>
        ) : <span />}
        <ThemeSwitch />
      </div>
    </div>
  )
}

const THEMES: [Theme, string, typeof Sun][] = [
  ["light", "Light", Sun],
  ["dark", "Dark", Moon],
  ["system", "As the system", Monitor],
]

function ThemeSwitch() {
  const theme = useTheme()
  return (
    <div role="radiogroup" aria-label="Theme" className="flex rounded-md bg-hover p-0.5">
      {THEMES.map(([value, label, Icon]) => (
        <button
          key={value}
          type="button"
          role="radio"
          aria-checked={theme === value}
          aria-label={label}
          title={label}
          onClick={() => setTheme(value)}
          className={cn("flex size-6 items-center justify-center rounded text-muted", theme === value && "bg-card text-fg shadow-card")}
        >
          <Icon className="size-3.5" aria-hidden="true" />
        </button>
      ))}
    </div>
  )
}
