// Entering a conversion by hand, and changing one: every field that the API takes, the usual ones first.
import { type ReactNode, useId, useRef, useState } from "react"
import * as z from "zod/mini"
import { ask, send, useApi } from "@/api/query"
import { queryClient } from "@/api/query"
import { useFormat, useStore } from "@/shell/session"
import { Button } from "@/ui/button"
import { Input, Select, TextArea } from "@/ui/controls"
import { Dialog, StaleDialog } from "@/ui/dialog"
import { FormError, FormField, useApiForm } from "@/ui/form"
import { toast } from "@/ui/toast"
import type { Conversion } from "./answers"
import { CampaignField } from "./filters"
import { mirrors, options, PLATFORMS, STATUSES, TYPES } from "./vocabulary"
import { instantIn, localIn } from "./when"

const ID = z.string().check(z.maxLength(500, "At most 500 characters."))
const SCHEMA = z.object({
  conversion_type: z.string().check(z.minLength(1, "Choose what happened.")),
  conversion_value: z.string().check(z.regex(/^(\d{1,15}(\.\d{1,4})?)?$/, "An amount such as 500 or 49.90, without signs and separators.")),
  currency: z.string().check(z.regex(/^[A-Za-z]{3}$/, "Three letters, such as INR.")),
  occurred_at: z.string().check(z.minLength(1, "Say when it happened.")),
  status: z.string(),
  order_id: ID, lead_id: ID, goal_id: ID, platform: ID, ad_campaign_id: ID, ad_set_id: ID, ad_id: ID,
  utm_source: ID, utm_medium: ID, utm_campaign: ID, utm_term: ID, utm_content: ID,
  visitor_id: ID, session_id: ID, person_id: ID, website_id: ID,
  properties: z.string().check(z.refine((text) => lines(text).every((line) => /^[^=]+=/.test(line)), "One property a line: name = value.")),
})
type Values = z.infer<typeof SCHEMA>
type Name = keyof Values

const LABELS: Record<Name, string> = {
  conversion_type: "Type", conversion_value: "Value", currency: "Currency", occurred_at: "Date", status: "Status", order_id: "Order", lead_id: "Lead",
  goal_id: "Goal", platform: "Platform", ad_campaign_id: "Campaign", ad_set_id: "Ad set", ad_id: "Ad", utm_source: "Source (utm_source)",
  utm_medium: "Medium (utm_medium)", utm_campaign: "Campaign tag (utm_campaign)", utm_term: "Term (utm_term)", utm_content: "Content (utm_content)",
  visitor_id: "Visitor id", session_id: "Visit id", person_id: "Customer id", website_id: "Website", properties: "Properties",
}
const REST: Name[] = ["lead_id", "ad_set_id", "ad_id", "utm_medium", "utm_term", "utm_content", "visitor_id", "session_id", "person_id", "website_id"]

const lines = (text: string) => text.split("\n").map((line) => line.trim()).filter(Boolean)
const shown = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value))
const written = (properties: Record<string, unknown> | null) => Object.entries(properties ?? {}).map(([name, value]) => `${name} = ${shown(value)}`).join("\n")

/** Lines back to properties; a value that was not touched keeps the type it had. */
function readProperties(text: string, before: Record<string, unknown> | null): Record<string, unknown> | null {
  const pairs = lines(text).map((line) => {
    const at = line.indexOf("=")
    const [name, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    const was = before?.[name]
    return [name, was !== undefined && shown(was) === value ? was : value] as const
  })
  return pairs.length ? Object.fromEntries(pairs) : null
}

function valuesOf(of: Conversion | undefined, zone: string, currency: string): Values {
  const texts = Object.fromEntries([...REST, "order_id", "goal_id", "platform", "ad_campaign_id", "utm_source", "utm_campaign"].map((name) => [name, (of?.[name as keyof Conversion] as string | null | undefined) ?? ""]))
  return {
    ...(texts as Values),
    conversion_type: of?.conversion_type ?? "purchase",
    conversion_value: of ? of.value : "",
    currency: of?.currency ?? currency,
    occurred_at: localIn(zone, of?.occurred_at ?? Date.now()),
    status: of?.status ?? "",
    properties: written(of?.properties ?? null),
  }
}

/** What the API is sent: of a new one what is filled, of a changed one what differs. */
function bodyOf(values: Values, before: Values | null, of: Conversion | undefined, zone: string): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const name of Object.keys(values) as Name[]) {
    const value = values[name].trim()
    if (before ? value === before[name].trim() : value === "" || name === "status") continue
    if (name === "occurred_at") body[name] = instantIn(zone, value)
    else if (name === "properties") body[name] = readProperties(value, of?.properties ?? null)
    else if (name === "currency") body[name] = value.toUpperCase()
    else body[name] = name === "conversion_value" ? value || "0" : value || null
  }
  // An amount and its currency go together.
  if ("currency" in body && before && !("conversion_value" in body)) body.conversion_value = values.conversion_value || "0"
  if ("conversion_value" in body) body.currency = values.currency.trim().toUpperCase()
  return body
}

const key = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")

interface Props {
  open: boolean
  conversion?: Conversion
  onClose: () => void
  onSaved?: (id: string) => void
}

export default function ConversionForm({ open, conversion, onClose, onSaved }: Props) {
  const { zone, currency } = useStore()
  const format = useFormat()
  const form = useId()
  const [base, setBase] = useState(conversion)
  const [theirs, setTheirs] = useState<Conversion | null>(null)
  const [more, setMore] = useState(false)
  const sent = useRef({ body: "", key: "" })
  const fixed = conversion !== undefined && mirrors(conversion.origin)
  const goals = useApi("/goals", { query: { limit: 200, order: "name" } })

  const save = async (values: Values, over: Conversion | undefined) => {
    const body = bodyOf(values, over ? valuesOf(over, zone, currency) : null, over, zone)
    let id = over?.id
    if (over) {
      if (Object.keys(body).length > 0) await send("put", "/conversions/{conversion_id}", { path: { conversion_id: over.id }, body: { version: over.version, ...body } as never })
    } else {
      // The same content again, after a lost answer, is the same conversion.
      const text = JSON.stringify(body)
      if (sent.current.body !== text) sent.current = { body: text, key: key() }
      id = (await send<"post", "/conversions", { conversion: Conversion }>("post", "/conversions", { body: body as never, idempotencyKey: sent.current.key })).conversion.id
    }
    await Promise.all(["/conversions", "/conversions/{conversion_id}", "/conversions/{conversion_id}/credit", "/conversions/stats", "/conversions/funnel", "/goals"].map((path) => queryClient.invalidateQueries({ queryKey: [path] })))
    toast(over ? "Conversion saved" : "Conversion entered")
    onClose()
    if (id && !over) onSaved?.(id)
  }
  const api = useApiForm<Values>({
    schema: SCHEMA,
    defaults: valuesOf(conversion, zone, currency),
    rename: { value: "conversion_value", utm: "utm_source" },
    submit: (values) => save(values, base),
    onStale: () => void ask("/conversions/{conversion_id}", { path: { conversion_id: conversion!.id } }).then((answer) => setTheirs(answer.conversion)),
  })
  const errors = api.form.formState.errors
  const showRest = more || REST.some((name) => errors[name])
  const choices = (values: readonly string[], none?: string) => [...(none === undefined ? [] : [{ value: "", label: none }]), ...options(values)]
  const input = (name: Name, hint?: ReactNode) => (
    <FormField key={name} of={api} name={name} label={LABELS[name]} optional hint={hint}>{(field) => <Input {...field} autoComplete="off" />}</FormField>
  )
  const mine = api.form.getValues()
  const now = theirs ? valuesOf(theirs, zone, currency) : null
  const goalName = (id: string) => goals.data?.goals.find((goal) => goal.id === id)?.name ?? id
  const cell = (name: Name, value: string) => (value === "" ? "–" : name === "goal_id" ? goalName(value) : name === "occurred_at" ? value.replace("T", " ") : value)
  return (
    <>
      <Dialog
        open={open && theirs === null}
        onOpenChange={(is) => is || onClose()}
        title={conversion ? (fixed ? "Add notes to this conversion" : "Edit the conversion") : "Enter a conversion"}
        description={conversion ? undefined : "For what no order, lead or visit tells of: a sale at a fair, a call. It counts, but is never revenue."}
        footer={
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button variant="primary" type="submit" form={form} busy={api.busy}>{conversion ? "Save" : "Enter it"}</Button>
          </>
        }
      >
        <form id={form} onSubmit={api.onSubmit} noValidate className="flex flex-col gap-4">
          {fixed ? <p className="text-sm text-muted">Its facts come from the store’s {conversion.origin} and are changed there. Notes are yours.</p> : (
            <>
              <div className="grid gap-4 sm:grid-cols-2">
                <FormField of={api} name="conversion_type" label="Type">{(field) => <Select {...field} options={choices(TYPES)} />}</FormField>
                <FormField of={api} name="occurred_at" label="Date" hint={`In ${format.zone}.`}>{(field) => <Input type="datetime-local" max={localIn(zone, Date.now() + 60_000)} {...field} />}</FormField>
                <FormField of={api} name="conversion_value" label="Value" optional hint="What it is worth; nothing counts as 0.">{(field) => <Input inputMode="decimal" {...field} />}</FormField>
                <FormField of={api} name="currency" label="Currency">{(field) => <Input maxLength={3} {...field} />}</FormField>
                {conversion ? <FormField of={api} name="status" label="Status" hint="Confirmed and unconfirmed ones count.">{(field) => <Select {...field} options={choices(STATUSES)} />}</FormField> : null}
                {input("order_id", "The store's order number, if it has one. A purchase is confirmed when its order turns up.")}
                <FormField of={api} name="goal_id" label="Goal" optional>{(field) => <Select {...field} options={[{ value: "", label: "None" }, ...(goals.data?.goals ?? []).map((goal) => ({ value: goal.id, label: goal.name }))]} />}</FormField>
                <FormField of={api} name="ad_campaign_id" label="Campaign" optional hint="Naming one overrides what its visits say.">
                  {({ id }) => <CampaignField id={id} label="Campaign" value={api.form.watch("ad_campaign_id")} onChange={(value) => api.form.setValue("ad_campaign_id", value, { shouldDirty: true })} />}
                </FormField>
                <FormField of={api} name="platform" label="Platform" optional>{(field) => <Select {...field} options={choices(PLATFORMS, "Not known")} />}</FormField>
                {input("utm_source", "Where it came from: facebook, newsletter.")}
                {input("utm_campaign")}
              </div>
              <div>
                <Button small aria-expanded={showRest} onClick={() => setMore(!showRest)}>{showRest ? "Fewer fields" : "More fields"}</Button>
              </div>
              {showRest ? <div className="grid gap-4 sm:grid-cols-2">{REST.map((name) => input(name))}</div> : null}
            </>
          )}
          <FormField of={api} name="properties" label={fixed ? "Notes" : "Properties"} optional hint="One a line: name = value.">{(field) => <TextArea rows={3} {...field} />}</FormField>
          <FormError problem={api.refused} />
        </form>
      </Dialog>
      {theirs && now ? (
        <StaleDialog
          open
          onOpenChange={(is) => is || setTheirs(null)}
          fields={(Object.keys(now) as Name[]).filter((name) => mine[name] !== now[name]).map((name) => ({ label: LABELS[name], mine: cell(name, mine[name]), theirs: cell(name, now[name]) }))}
          onTakeTheirs={() => {
            setBase(theirs)
            api.form.reset(now)
            setTheirs(null)
          }}
          onKeepMine={() => {
            setBase(theirs)
            setTheirs(null)
            save(mine, theirs).catch((error: Error) => toast(error.message, { tone: "error" }))
          }}
        />
      ) : null}
    </>
  )
}
