// The pages: one build for any mount path, so every address in it is relative to <base href>, which the server writes.
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import tailwindcss from "@tailwindcss/vite"
import react from "@vitejs/plugin-react"
import { defineConfig, type Plugin } from "vite"

/** Writes pages.json: the files that each page of the registry needs beside the first ones, which the server announces
 * with the document, so that the browser fetches them at once and not after it has run the router. */
function pageFiles(): Plugin {
  return {
    name: "page-files",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((each) => each.type === "chunk")
      const needs = (file: string, seen: Set<string>): Set<string> => {
        if (seen.has(file)) return seen
        seen.add(file)
        for (const next of chunks.find((each) => each.fileName === file)?.imports ?? []) needs(next, seen)
        return seen
      }
      const first = new Set(chunks.filter((each) => each.isEntry).flatMap((each) => [...needs(each.fileName, new Set())]))
      const registry = readFileSync(new URL("./src/registry.tsx", import.meta.url), "utf8")
      const pages: Record<string, string[]> = {}
      for (const [, path, module] of registry.matchAll(/path: "([^"]+)",.*import\("@\/(pages\/[^"]+)"\)/g)) {
        const own = chunks.find((each) => [`/src/${module}.tsx`, `/src/${module}/index.tsx`].some((end) => each.facadeModuleId?.endsWith(end)))
        if (!own) this.error(`The page ${path} has no chunk: is src/${module} there?`)
        pages[path!] = [...needs(own.fileName, new Set())].filter((file) => !first.has(file))
      }
      this.emitFile({ type: "asset", fileName: "pages.json", source: JSON.stringify(pages) })
    },
  }
}

export default defineConfig({
  base: "./",
  plugins: [react(), tailwindcss(), pageFiles()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: process.env.ADPLANNING_UI_STATIC ?? "../static",
    emptyOutDir: true,
    sourcemap: false,
    manifest: "manifest.json",
    target: "es2023",
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
    rolldownOptions: {
      output: {
        // What several pages share and the first one need not wait for, each apart, so that a page fetches what it uses.
        codeSplitting: {
          groups: [
            { name: "react", priority: 10, test: /node_modules\/(react|react-dom|scheduler|use-sync-external-store|get-nonce|tslib)\// },
            { name: "popper", test: /node_modules\/(@floating-ui|@radix-ui\/react-popper)/ },
            { name: "overlay", test: /node_modules\/(@radix-ui|radix-ui|react-remove-scroll|react-style-singleton|react-remove-scroll-bar|use-sidecar|use-callback-ref|aria-hidden)/ },
            { name: "table", test: /node_modules\/@tanstack\/(react-table|table-core)/ },
            { name: "forms", test: /node_modules\/(react-hook-form|@hookform|zod)/ },
            { name: "scales", test: /node_modules\/(d3-|internmap)/ },
          ],
        },
      },
    },
  },
})
