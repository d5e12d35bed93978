// Light, dark or as the system is: kept in this browser, put on <html> before anything is drawn.
import { useSyncExternalStore } from "react"

export type Theme = "system" | "light" | "dark"
const KEY = "adplanning-theme"
const listeners = new Set<() => void>()

function read(): Theme {
  try {
    const kept = localStorage.getItem(KEY)
    return kept === "light" || kept === "dark" ? kept : "system"
  } catch {
    return "system"
  }
}

let current = read()

function apply() {
  if (current === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = current
}
apply()

export function setTheme(theme: Theme) {
  current = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // A browser that keeps nothing still changes for now.
  }
  apply()
  for (const each of listeners) each()
}

export const useTheme = () =>
  useSyncExternalStore(
    (each) => {
      listeners.add(each)
      return () => listeners.delete(each)
    },
    () => current,
  )
