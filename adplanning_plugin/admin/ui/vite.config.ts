// The pages: one build for any mount path, so every address in it is relative to <base href>, which the server writes.
import { fileURLToPath } from "node:url"
import tailwindcss from "@tailwindcss/vite"
import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"

export default defineConfig({
  base: "./",
  plugins: [react(), tailwindcss()],
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
