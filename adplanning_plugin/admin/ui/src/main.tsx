// Starts the pages: theme first, then the router below the address that the server mounted us at.
import "@/shell/theme"
import "./app.css"
import { QueryClientProvider } from "@tanstack/react-query"
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, type RouteComponent, RouterProvider } from "@tanstack/react-router"
import { setNonce } from "get-nonce"
import { createRoot } from "react-dom/client"
import { queryClient } from "@/api/query"
import { appPath, nonce } from "@/config"
import { PAGES } from "@/registry"
import { Broken, NotFound, PageGate, Pending } from "@/shell/page-gate"
import { SessionProvider } from "@/shell/session"
import { Shell } from "@/shell/shell"
import { wantHeadingFocus } from "@/state/focus"
import { parseSearch, stringifySearch } from "@/state/url"

setNonce(nonce)

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Broken })
const routes = PAGES.map((page) => {
  const Page = lazyRouteComponent(page.load as () => Promise<{ default: RouteComponent }>)
  return createRoute({
    getParentRoute: () => root,
    path: page.path,
    component: () => (
      <PageGate page={page}>
        <Page />
      </PageGate>
    ),
    loader: () => Page.preload?.(),
  })
})

// Whatever is none of ours may be another plugin's.
const Foreign = lazyRouteComponent(() => import("@/pages/foreign"))
const others = createRoute({ getParentRoute: () => root, path: "$", component: Foreign, loader: () => Foreign.preload?.() })

const router = createRouter({
  routeTree: root.addChildren([...routes, others]),
  basepath: appPath || "/",
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPendingComponent: Pending,
  defaultErrorComponent: Broken,
  defaultPendingMs: 150,
  scrollRestoration: true,
})

router.subscribe("onBeforeNavigate", ({ fromLocation, pathChanged }) => {
  if (fromLocation && pathChanged) wantHeadingFocus()
})

// The page's own code comes while the session is asked for, not after it.
void router.preloadRoute({ to: router.latestLocation.pathname } as never)

createRoot(document.getElementById("root")!).render(
  <QueryClientProvider client={queryClient}>
    <SessionProvider>
      <RouterProvider router={router} />
    </SessionProvider>
  </QueryClientProvider>,
)
