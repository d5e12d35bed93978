// A file of rows before it is sent: its columns and its first lines, so that a wrong file is seen early. Pure.

export interface Looked {
  columns: string[]
  rows: string[][]
  count: number
  /** What would be refused, in a sentence. */
  problem: string | null
}

/** Lines and cells of a CSV text; quoted cells may hold commas, quotes and line breaks. */
export function cellsOf(content: string): string[][] {
  const lines: string[][] = []
  let cells: string[] = []
  let cell = ""
  let quoted = false
  const text = content.replace(/^\uFEFF/, "")
  const endLine = () => {
    cells.push(cell)
    if (cells.length > 1 || cells[0] !== "") lines.push(cells)
    cells = []
    cell = ""
  }
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]!
    if (quoted) {
      if (letter !== '"') cell += letter
      else if (text[at + 1] === '"') { cell += '"'; at += 1 }
      else quoted = false
    } else if (letter === '"' && cell === "") quoted = true
    else if (letter === ",") { cells.push(cell); cell = "" }
    else if (letter === "\n" || letter === "\r") {
      if (letter === "\r" && text[at + 1] === "\n") at += 1
      endLine()
    } else cell += letter
  }
  endLine()
  return lines
}

export function look(content: string, required: readonly string[], optional: readonly string[]): Looked {
  const [head = [], ...rows] = cellsOf(content)
  const columns = head.map((each) => each.trim())
  const known = new Set([...required, ...optional])
  const missing = required.filter((each) => !columns.includes(each))
  const unknown = columns.filter((each) => !known.has(each))
  const problem =
    columns.length === 0 ? "The file is empty."
    : columns.length === 1 && columns[0]!.includes(";") ? "The columns are separated by semicolons: save the file with commas."
    : missing.length > 0 ? `The first line must name the columns; ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing.`
    : unknown.length > 0 ? `There is no column ${unknown[0] || "without a name"} here: it takes ${[...known].join(", ")}.`
    : rows.length === 0 ? "There are no rows below the first line."
    : rows.length > 5000 ? "A file may have at most 5,000 rows: cut it into several."
    : null
  return { columns, rows: rows.slice(0, 3), count: rows.length, problem }
}
