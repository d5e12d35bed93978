// One section as a form: drawn from its schema, in the words that sections.ts has for it. Loaded when it is opened.
import { useBlocker } from "@tanstack/react-router"
import { useMemo, useRef, useState } from "react"
import * as z from "zod/mini"
import { ask, useApi, useSend } from "@/api/query"
import { words } from "@/format/format"
import { useFormat, useMay } from "@/shell/session"
import { Button, TextLink } from "@/ui/button"
import { Checkbox, Input, type Option, Select } from "@/ui/controls"
import { Confirm, StaleDialog } from "@/ui/dialog"
import { type ApiForm, FormError, FormField, useApiForm } from "@/ui/form"
import { Card } from "@/ui/page"
import { toast } from "@/ui/toast"
import type { JsonSchema, Setting, Value } from "./answers"
import { type Entry, entryOf, entryProblem, fieldWords, sectionWords, shapeOf, valueOf } from "./sections"
import { listOf, listWords, windowWords } from "./attribution/entries"
import { HostList, RuleList, WindowList } from "./attribution/lists"
import { Versions } from "./attribution/versions"
import { WhatIfPanel } from "./attribution/what-if"
import { Preview } from "./preview"

export type Entries = Record<string, Entry>

export default function SectionForm({ setting }: { setting: Setting }) {
  const format = useFormat()
  const may = useMay("adplanning:manage")
  const all = sectionWords(setting.section, setting.title, setting.schema)
  const properties = useMemo(() => shapeOf(setting.schema).properties ?? {}, [setting.schema])
  const entries = (value: Record<string, Value>): Entries =>
    Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, entryOf(value[name], schema, all.fields[name]?.as)]))
  const values = (given: Entries): Record<string, Value> =>
    Object.fromEntries(Object.entries(given).map(([name, entry]) => [name, valueOf(entry, properties[name] ?? {}, all.fields[name]?.as)]))
  const schema = useMemo(
    () =>
      z.object(Object.fromEntries(Object.entries(properties).map(([name, each]) => [
        name,
        each.type === "boolean" ? z.boolean() : z.string().check(({ value, issues }) => {
          const problem = entryProblem(value, each, all.fields[name]?.as)
          if (problem) issues.push({ code: "custom", message: problem, input: value })
        }),
      ]))),
    [properties, all],
  )
  const [theirs, setTheirs] = useState<Setting | null>(null)
  const [saved, setSaved] = useState(setting)
  const leaving = useRef(false)
  const put = useSend<"put", "/settings/{section}", { setting: Setting }>("put", "/settings/{section}", ["/settings", "/attribution/models", "/attribution/rules"])

  const save = async (given: Entries, version: number) => {
    const before = saved
    const { setting: now } = await put.mutateAsync({ path: { section: setting.section }, body: { value: values(given), version } })
    setSaved(now)
    api.form.reset(entries(now.value))
    toast(`${all.title}: saved`, { undo: () => void undo(before, now.version) })
  }
  const undo = async (before: Setting, version: number) => {
    try {
      const { setting: now } = await put.mutateAsync({ path: { section: setting.section }, body: { value: before.value, version } })
      setSaved(now)
      api.form.reset(entries(now.value))
      toast(`${all.title}: as it was before`)
    } catch {
      toast("It could not be undone: somebody has changed it since.", { tone: "error" })
    }
  }
  const api = useApiForm<Entries>({
    schema: schema as never,
    defaults: entries(setting.value),
    submit: (given) => save(given, saved.version),
    onStale: () => void ask("/settings/{section}", { path: { section: setting.section } }).then((answer) => setTheirs(answer.setting)),
    rename: (field) => field.split(/[.[]/)[0] ?? field,
  })
  const dirty = api.form.formState.isDirty
  const blocker = useBlocker({ shouldBlockFn: () => dirty && !leaving.current, enableBeforeUnload: () => dirty, withResolver: true })
  const mine = api.form.getValues()
  const differs = theirs ? Object.keys(properties).filter((name) => mine[name] !== entries(theirs.value)[name]) : []
  const defaults = entries(Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, each.default ?? null])))
  const changed = Object.keys(properties).some((name) => mine[name] !== defaults[name])
  const isAttribution = setting.section === "attribution"
  const restored = () => void ask("/settings/{section}", { path: { section: setting.section } }).then(({ setting: now }) => {
    setSaved(now)
    api.form.reset(entries(now.value))
  })
  return (
    <div className="flex flex-col gap-4">
      <Card title={all.title} description={all.about}>
        <form onSubmit={api.onSubmit} noValidate className="max-w-2xl">
          {may ? null : <p className="mb-4 rounded-md border border-line bg-bg px-3 py-2 text-sm text-muted">You may look at these settings; changing them needs the permission to manage the store's set-up.</p>}
          <fieldset disabled={!may} className="flex flex-col gap-4">
            <legend className="sr-only">{all.title}</legend>
            {Object.entries(properties).map(([name, each]) => <Entered key={name} api={api} name={name} schema={each} all={all} />)}
          </fieldset>
          <Preview section={setting.section} api={api} />
          {isAttribution && may && dirty ? <WhatIfPanel values={values(api.form.watch())} isValid={Object.entries(api.form.watch()).every(([name, entry]) => !entryProblem(entry, properties[name] ?? {}, all.fields[name]?.as))} /> : null}
          <div className="mt-5 flex flex-col gap-3 border-t border-line pt-4">
            <FormError problem={api.refused} />
            {may ? (
              <>
                {all.saving ? <p className="text-sm text-muted">{all.saving}{setting.section === "revenue" ? <> <TextLink to="/operations" search={{ tab: "work" }}>Watch it work</TextLink></> : null}</p> : null}
                <div className="flex flex-wrap items-center gap-2">
                  <Button type="submit" variant="primary" busy={api.busy} disabled={!dirty && !api.busy}>Save</Button>
                  {dirty ? <Button onClick={() => api.form.reset(entries(saved.value))}>Discard the changes</Button> : null}
                  {changed ? <Button variant="ghost" onClick={() => Object.entries(defaults).forEach(([name, entry]) => api.form.setValue(name, entry, { shouldDirty: true, shouldValidate: true }))}>Put the defaults in</Button> : null}
                </div>
              </>
            ) : null}
            <p className="text-xs text-muted">{saved.updated_at ? `Last saved ${format.dateTime(saved.updated_at)} (${format.zoneShort}), version ${saved.version}.` : "Never changed: these are the defaults."}</p>
          </div>
        </form>
        <StaleDialog
          open={theirs !== null}
          onOpenChange={(open) => open || setTheirs(null)}
          fields={differs.map((name) => ({
            label: fieldWords(all, name, properties[name] ?? {}).label,
            mine: <Said entry={mine[name]} words={fieldWords(all, name, properties[name] ?? {})} />,
            theirs: <Said entry={theirs ? entries(theirs.value)[name] : undefined} words={fieldWords(all, name, properties[name] ?? {})} />,
          }))}
          onTakeTheirs={() => {
            if (!theirs) return
            setSaved(theirs)
            api.form.reset(entries(theirs.value))
          }}
          onKeepMine={() => theirs && void api.form.handleSubmit((given) => save(given, theirs.version))()}
        />
        <Confirm
          open={blocker.status === "blocked"}
          onOpenChange={(open) => open || (blocker.status === "blocked" && blocker.reset())}
          title="Leave without saving?"
          action="Leave"
          onConfirm={() => {
            leaving.current = true
            if (blocker.status === "blocked") blocker.proceed()
          }}
        >
          What you have changed in “{all.title}” is not saved.
        </Confirm>
      </Card>
      {isAttribution ? <Versions label={(name) => fieldWords(all, name, properties[name] ?? {}).label} onRestored={restored} /> : null}
    </div>
  )
}

function Said({ entry, words: { options, unit, as } }: { entry: Entry | undefined; words: ReturnType<typeof fieldWords> }) {
  if (typeof entry === "boolean") return entry ? "Yes" : "No"
  if (entry === undefined || entry === "") return "–"
  if (as === "window") return windowWords(Number(entry))
  if (as === "windows" || as === "hosts" || as === "rules") return listWords(as, entry)
  return options?.[entry] ?? (as === "model" ? words(entry) : as === "percent" ? `${entry} %` : unit ? `${entry} ${unit}` : entry)
}

function Entered({ api, name, schema, all }: { api: ApiForm<Entries>; name: string; schema: JsonSchema; all: ReturnType<typeof sectionWords> }) {
  const about = fieldWords(all, name, schema)
  const models = useApi("/attribution/models", { enabled: about.as === "model" || about.as === "window", staleTime: 300_000 })
  if (about.as === "rest") return null
  if (about.as === "windows" || about.as === "hosts" || about.as === "rules") {
    const List = { windows: WindowList, hosts: HostList, rules: RuleList }[about.as]
    return (
      <List
        label={about.label}
        help={about.help}
        entry={String(api.form.watch(name))}
        error={api.form.getFieldState(name, api.form.formState).error?.message}
        onChange={(entry) => api.form.setValue(name, entry, { shouldDirty: true, shouldValidate: api.form.formState.isSubmitted })}
      />
    )
  }
  if (schema.type === "boolean") {
    return <Checkbox label={about.label} {...(about.help ? { hint: about.help } : {})} {...api.form.register(name)} />
  }
  const known = models.data as { models: { model: string; label: string }[]; windows: { days: number; label: string }[] } | undefined
  const value = String(api.form.getValues(name))
  const offered = about.as === "window" ? api.form.watch("windows") : undefined
  const from: Option[] | null =
    about.as === "model" ? (known?.models.map((each) => ({ value: each.model, label: each.label })) ?? [{ value, label: words(value) }])
    : about.as === "window" && typeof offered === "string" ? withValue(listOf<number>(offered).map((days) => ({ value: String(days), label: windowWords(days) })), value)
    : about.as === "window" ? (known?.windows.map((each) => ({ value: String(each.days), label: each.label })) ?? [{ value, label: value }])
    : schema.enum ? order(schema.enum.map(String), about.options).map((each) => ({ value: each, label: about.options?.[each] ?? words(each) }))
    : null
  const unit = about.unit ?? (about.as === "percent" ? "%" : null)
  return (
    <FormField of={api} name={name} label={about.label} hint={about.help}>
      {(field) => from ? <Select key={from.length} {...field} options={from} className="w-full max-w-md" /> : (
        <span className="flex items-center gap-2">
          <Input {...field} {...(schema.type === "string" ? {} : { inputMode: "decimal" as const })} autoComplete="off" className={schema.type === "string" ? "max-w-md" : "max-w-32"} />
          {unit ? <span className="text-sm text-muted">{unit}</span> : null}
        </span>
      )}
    </FormField>
  )
}

/** What is chosen stays to be seen where it is not offered any more: saving says so. */
const withValue = (options: Option[], value: string) => (options.some((each) => each.value === value) ? options : [...options, { value, label: `${windowWords(Number(value))} (not offered)` }])

/** As the words have them, which begin with the cautious one; the schema's order is the alphabet's. */
const order = (values: string[], options: Record<string, string> | undefined) => {
  const place = Object.keys(options ?? {})
  return [...values].sort((a, b) => place.indexOf(a) - place.indexOf(b))
}
