// Writes src/api/schema.d.ts from the committed OpenAPI document: paths of the admin API alone, below its mount path.
// `--check` writes nothing and fails where the file would change.
import { readFile, writeFile } from "node:fs/promises"
import openapiTS, { astToString } from "openapi-typescript"

const SOURCE = new URL("../../../../tests/contract/openapi.json", import.meta.url)
const TARGET = new URL("../src/api/schema.d.ts", import.meta.url)
const MOUNT = "/admin/ad-planning"

const document = JSON.parse(await readFile(SOURCE, "utf8"))
const paths = Object.entries(document.paths).filter(([path]) => path.startsWith(`${MOUNT}/`))
document.paths = Object.fromEntries(paths.map(([path, item]) => [path.slice(MOUNT.length), item]))
const tree = await openapiTS(document, { alphabetize: true, defaultNonNullable: false })
const text = `// Generated from tests/contract/openapi.json by tools/client.mjs: do not edit.\n\n${astToString(tree)}`

if (process.argv.includes("--check")) {
  const present = await readFile(TARGET, "utf8").catch(() => "")
  if (present !== text) {
    console.error("src/api/schema.d.ts is not what the OpenAPI document says: run `python hatch_build.py client`.")
    process.exit(1)
  }
  console.log(`The client's types are those of the OpenAPI document (${paths.length} paths).`)
} else {
  await writeFile(TARGET, text)
  console.log(`Wrote src/api/schema.d.ts (${paths.length} paths).`)
}
