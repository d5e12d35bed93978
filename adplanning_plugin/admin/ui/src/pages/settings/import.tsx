// A file of rows: chosen or pasted, looked at before it is sent; all rows are taken or none, and each wrong one is named.
import { Upload } from "lucide-react"
import { useMemo, useState } from "react"
import { useQueryClient } from "@tanstack/react-query"
import { uploadCsv } from "@/api/csv"
import { isProblem, type Problem } from "@/api/problem"
import type { GetPath } from "@/api/query"
import { useFormat } from "@/shell/session"
import { Button } from "@/ui/button"
import { TextArea } from "@/ui/controls"
import { Dialog } from "@/ui/dialog"
import { Field } from "@/ui/form"
import { PlainTable } from "@/ui/table"
import type { TakenIn } from "./answers"
import { look } from "./rows"

interface Props {
  title: string
  path: GetPath
  required: readonly string[]
  optional: readonly string[]
  /** A line that would be taken. */
  example: string
  onClose: () => void
  onDone: (answer: TakenIn) => void
}

export function Import({ title, path, required, optional, example, onClose, onDone }: Props) {
  const format = useFormat()
  const client = useQueryClient()
  const [content, setContent] = useState("")
  const [busy, setBusy] = useState(false)
  const [refused, setRefused] = useState<Problem | null>(null)
  const looked = useMemo(() => (content.trim() ? look(content, required, optional) : null), [content, required, optional])
  const take = (text: string) => {
    setContent(text)
    setRefused(null)
  }
  const send = async () => {
    setBusy(true)
    try {
      const answer = await uploadCsv<TakenIn>(path, content)
      await client.invalidateQueries({ queryKey: [path] })
      onDone(answer)
      onClose()
    } catch (error) {
      if (!isProblem(error)) throw error
      setRefused(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={title}
      description="All rows are taken or none. A row for a day that is there already replaces it."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={busy} disabled={!looked || looked.problem !== null} onClick={() => void send()}>
            {looked && !looked.problem ? `Import ${format.number(looked.count)} ${looked.count === 1 ? "row" : "rows"}` : "Import"}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4 text-sm">
        <p>
          Columns: <span className="font-mono text-xs">{required.join(", ")}</span>
          {optional.length > 0 ? <>; if you have them, <span className="font-mono text-xs">{optional.join(", ")}</span></> : null}.{" "}
          <button type="button" className="text-link underline-offset-2 hover:underline" onClick={() => take(`${[...required].join(",")}\n${example}\n`)}>Put an example in</button>
        </p>
        <label className="flex h-20 cursor-pointer items-center justify-center gap-2 rounded-lg border border-dashed border-line-strong text-muted hover:bg-hover has-focus-visible:outline-2">
          <Upload className="size-4" aria-hidden="true" />Choose a CSV file
          <input type="file" accept=".csv,text/csv,text/plain" className="sr-only" onChange={(event) => void event.target.files?.[0]?.text().then(take)} />
        </label>
        <Field label="Or paste the rows" optional error={looked?.problem ?? undefined}>
          {(field) => <TextArea {...field} rows={6} spellCheck={false} className="font-mono text-xs" value={content} onChange={(event) => take(event.target.value)} />}
        </Field>
        {looked && !looked.problem ? (
          <div>
            <PlainTable caption="The first rows" head={looked.columns.map((each) => ({ title: each }))} rows={looked.rows} />
            {looked.count > looked.rows.length ? <p className="mt-1 text-xs text-muted">and {format.number(looked.count - looked.rows.length)} more</p> : null}
          </div>
        ) : null}
        {refused ? (
          <div role="alert" className="rounded-md border border-red-line bg-red-bg px-3 py-2 text-red-fg">
            <p className="font-medium">Nothing was imported. {refused.errors.length === 0 ? refused.message : ""}</p>
            <ul className="mt-1 list-disc pl-5">{refused.errors.slice(0, 12).map((each) => <li key={each.field + each.code}>{each.message}</li>)}</ul>
            {refused.errors.length > 12 ? <p className="mt-1">and {format.number(refused.errors.length - 12)} more</p> : null}
            <p className="mt-1 text-xs">({refused.code})</p>
          </div>
        ) : null}
      </div>
    </Dialog>
  )
}
