// The frame around every page: skip link, sidebar (a drawer on narrow screens), top bar, the page, messages.
import { Outlet } from "@tanstack/react-router"
import { Menu, X } from "lucide-react"
import { useRef, useState } from "react"
import { chromeless } from "@/config"
import { IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Toasts } from "@/ui/toast"
import { Sidebar } from "./sidebar"

export function Shell() {
  const main = useRef<HTMLElement>(null)
  const content = (
    <main ref={main} id="main" tabIndex={-1} className={cn("mx-auto w-full max-w-[90rem] px-4 py-5 outline-none sm:px-6", !chromeless && "lg:px-8")}>
      <Outlet />
    </main>
  )
  return (
    <>
      {chromeless ? (
        <div className="min-h-dvh bg-bg">{content}</div>
      ) : (
        <div className="min-h-dvh bg-bg lg:grid lg:grid-cols-[14.5rem_minmax(0,1fr)]">
          <button
            type="button"
            onClick={() => main.current?.focus()}
            className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-primary focus:px-3 focus:py-2 focus:text-primary-fg"
          >
            Skip to the page
          </button>
          <aside className="no-print sticky top-0 hidden h-dvh overflow-y-auto border-r border-line lg:block">
            <Sidebar />
          </aside>
          <Drawer />
          <div className="min-w-0">{content}</div>
        </div>
      )}
      <Toasts />
    </>
  )
}

/** The sidebar of narrow screens: a modal <dialog>, which holds the focus and closes by Escape by itself. */
function Drawer() {
  const dialog = useRef<HTMLDialogElement>(null)
  const [open, setOpen] = useState(false)
  const close = () => dialog.current?.close()
  return (
    <header className="no-print sticky top-0 z-30 flex h-12 items-center gap-2 border-b border-line bg-bg px-2 lg:hidden">
      <IconButton
        label="Open the menu"
        aria-expanded={open}
        onClick={() => {
          dialog.current?.showModal()
          setOpen(true)
        }}
      >
        <Menu className="size-4" aria-hidden="true" />
      </IconButton>
      <span className="font-medium">Ad planning</span>
      <dialog
        ref={dialog}
        aria-label="Menu"
        onClose={() => setOpen(false)}
        onClick={(event) => (event.target === dialog.current || (event.target as Element).closest("a")) && close()}
        className="m-0 h-dvh max-h-none w-72 max-w-[85vw] bg-bg text-fg shadow-pop backdrop:bg-[rgb(0_0_0/0.45)] open:anim-slide-left"
      >
        <IconButton label="Close the menu" className="absolute top-2.5 right-2" onClick={close}>
          <X className="size-4" aria-hidden="true" />
        </IconButton>
        <Sidebar />
      </dialog>
    </header>
  )
}
