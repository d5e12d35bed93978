// The custom elements for the host's own pages: one file without React, at an address that stays the same.
import { defineConfig } from "vite"

export default defineConfig({
  publicDir: false,
  build: {
    outDir: `${process.env.ADPLANNING_UI_STATIC ?? "../static"}/widgets`,
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    lib: { entry: "src/widgets/index.ts", formats: ["es"], fileName: () => "adplanning.js" },
  },
})
