// What a browser fetches, gzipped, against its limits: the first page's JavaScript and CSS, each page's chunk, the widgets.
import { readdir, readFile, stat } from "node:fs/promises"
import { pathToFileURL } from "node:url"
import { gzipSync } from "node:zlib"

const STATIC = pathToFileURL(`${process.env.ADPLANNING_UI_STATIC}/`)
const KB = 1000
const LIMITS = { initial: 130 * KB, css: 15 * KB, chunk: 25 * KB, widget: 10 * KB, all: 1000 * KB }

const manifest = JSON.parse(await readFile(new URL("manifest.json", STATIC), "utf8"))
const packed = async (file) => gzipSync(await readFile(new URL(file, STATIC)), { level: 9 }).length
const entry = Object.values(manifest).find((each) => each.isEntry)

function imported(chunk, seen = new Set()) {
  if (seen.has(chunk.file)) return seen
  seen.add(chunk.file)
  for (const key of chunk.imports ?? []) imported(manifest[key], seen)
  return seen
}

const initial = imported(entry)
const rows = []
let sum = 0
for (const file of initial) sum += await packed(file)
rows.push(["initial JavaScript", sum, LIMITS.initial])
sum = 0
for (const file of new Set(Object.values(manifest).flatMap((each) => each.css ?? []))) sum += await packed(file)
rows.push(["CSS", sum, LIMITS.css])
for (const chunk of Object.values(manifest)) {
  if (!initial.has(chunk.file) && chunk.file.endsWith(".js")) rows.push([chunk.src ?? chunk.file, await packed(chunk.file), LIMITS.chunk])
}
for (const file of await readdir(new URL("widgets/", STATIC))) rows.push([`widgets/${file}`, await packed(`widgets/${file}`), LIMITS.widget])

let whole = 0
let failed = false
for (const file of await readdir(STATIC, { recursive: true })) {
  const found = await stat(new URL(file, STATIC))
  if (found.isFile()) whole += await packed(file)
  if (file.endsWith(".map")) {
    console.error(`${file} is a source map: none is shipped.`)
    failed = true
  }
}
rows.push(["all files, as a wheel packs them", whole, LIMITS.all])
for (const [name, size, limit] of rows) {
  const over = size > limit
  failed ||= over
  const line = `${(size / KB).toFixed(1).padStart(7)} kB of ${String(limit / KB).padStart(4)}  ${name}`
  if (over) console.error(`${line}  TOO LARGE`)
  else console.log(line)
}
process.exit(failed ? 1 : 0)
