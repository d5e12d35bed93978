// One day's spend of a campaign: typed in, or changed.
import { useState } from "react"
import * as z from "zod/mini"
import { useApi, useSend } from "@/api/query"
import { useStore } from "@/shell/session"
import { todayIn } from "@/state/days"
import { Button } from "@/ui/button"
import { Combobox } from "@/ui/combobox"
import { Input } from "@/ui/controls"
import { Dialog } from "@/ui/dialog"
import { FormError, FormField, useApiForm } from "@/ui/form"
import type { Spend, TakenIn } from "./answers"
import { rowOf } from "./spend-row"

const amount = (sentence: string) => z.string().check(z.trim(), z.regex(/^\d+([.,]\d+)?$/, sentence))
const perhaps = (shape: RegExp, sentence: string) => z.string().check(z.trim(), z.regex(new RegExp(`^(${shape.source})?$`), sentence))
const SCHEMA = z.object({
  day: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/, "Choose a day.")),
  platform: z.string().check(z.trim(), z.minLength(1, "Name the platform, such as tiktok."), z.maxLength(200, "Use at most 200 characters.")),
  ad_campaign_id: z.string().check(z.trim(), z.minLength(1, "Choose a campaign, or give it an id of your own."), z.maxLength(200, "Use at most 200 characters.")),
  campaign_name: z.string().check(z.maxLength(500, "Use at most 500 characters.")),
  spend: amount("Enter what was spent, such as 1250.00."),
  currency: z.string().check(z.trim(), z.regex(/^[A-Za-z]{3}$/, "A currency is three letters, such as USD.")),
  impressions: perhaps(/\d+/, "Enter a whole number, or leave it empty."),
  clicks: perhaps(/\d+/, "Enter a whole number, or leave it empty."),
  leads: perhaps(/\d+/, "Enter a whole number, or leave it empty."),
  platform_conversions: perhaps(/\d+([.,]\d+)?/, "Enter a number, or leave it empty."),
  platform_value: perhaps(/\d+([.,]\d+)?/, "Enter an amount, or leave it empty."),
})
type Values = z.infer<typeof SCHEMA>
const NAMES = Object.keys(SCHEMA.shape) as (keyof Values)[]
const RENAME = Object.fromEntries(NAMES.map((each) => [`ad_spend[0].${each}`, each])) as Record<string, keyof Values>
const PLATFORMS = ["meta", "google", "tiktok", "pinterest", "linkedin", "youtube", "print", "influencer"].map((value) => ({ value, label: value }))
const number = (typed: string) => (typed.trim() === "" ? null : Number(typed.replace(",", ".")))
const decimal = (typed: string) => typed.trim().replace(",", ".")

export function SpendForm({ of, onClose, onDone }: { of: Spend | null; onClose: () => void; onDone: (answer: TakenIn) => void }) {
  const store = useStore()
  const [q, setQ] = useState("")
  const put = useSend<"put", "/ad-spend", TakenIn>("put", "/ad-spend", ["/ad-spend"])
  const campaigns = useApi("/ad-campaigns", { query: { q, limit: 20, show: "all" }, keep: true, enabled: of === null })
  const found = (campaigns.data as { ad_campaigns: { id: string; name: string | null; platform: string | null }[] } | undefined)?.ad_campaigns ?? []
  const api = useApiForm<Values>({
    schema: SCHEMA,
    defaults: {
      day: of?.day ?? todayIn(store.zone), platform: of?.platform ?? "", ad_campaign_id: of?.ad_campaign_id ?? "", campaign_name: of?.campaign_name ?? "",
      spend: of?.spend ?? "", currency: of?.currency ?? store.currency, impressions: String(of?.impressions ?? ""), clicks: String(of?.clicks ?? ""),
      leads: String(of?.leads ?? ""), platform_conversions: String(of?.platform_conversions ?? ""), platform_value: of?.platform_value ?? "",
    },
    rename: RENAME,
    submit: async (values) => {
      const row = {
        ...(of ? rowOf(of) : {}),
        day: values.day, platform: values.platform.trim().toLowerCase(), ad_campaign_id: values.ad_campaign_id.trim(), campaign_name: values.campaign_name.trim() || null,
        spend: decimal(values.spend), currency: values.currency.trim().toUpperCase(), impressions: number(values.impressions), clicks: number(values.clicks),
        leads: number(values.leads), platform_conversions: number(values.platform_conversions), platform_value: decimal(values.platform_value) || null,
      }
      onDone(await put.mutateAsync({ body: { ad_spend: [row] } }))
      onClose()
    },
  })
  const set = (name: keyof Values, value: string) => api.form.setValue(name, value, { shouldDirty: true, shouldValidate: true })
  const [campaign, platform] = api.form.watch(["ad_campaign_id", "platform"])
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={of ? "Edit spend" : "Add spend"}
      description={of ? "Day, platform and campaign name the row, and stay." : "One day of one campaign. A row that is there already for it is replaced."}
      footer={<><Button onClick={onClose}>Cancel</Button><Button variant="primary" busy={api.busy} onClick={() => api.onSubmit()}>{of ? "Save" : "Add the spend"}</Button></>}
    >
      <form onSubmit={api.onSubmit} noValidate className="flex flex-col gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <FormField of={api} name="day" label="Day">{(field) => <Input type="date" max={todayIn(store.zone)} disabled={of !== null} {...field} />}</FormField>
          <FormField of={api} name="platform" label="Platform">
            {(field) => of ? <Input {...field} disabled /> : <Combobox id={field.id} label="Platform" value={platform} options={PLATFORMS} free placeholder="tiktok" onChange={(value) => set("platform", value)} />}
          </FormField>
          <FormField of={api} name="ad_campaign_id" label="Campaign" hint="A known one, or an id of your own.">
            {(field) => of ? <Input {...field} disabled /> : (
              <Combobox
                id={field.id} label="Campaign" value={campaign} free onSearch={setQ}
                options={found.map((each) => ({ value: each.id, label: each.name ?? each.id }))}
                onChange={(value) => {
                  set("ad_campaign_id", value)
                  const chosen = found.find((each) => each.id === value)
                  if (chosen?.name) set("campaign_name", chosen.name)
                  if (chosen?.platform && !api.form.getValues("platform")) set("platform", chosen.platform)
                }}
              />
            )}
          </FormField>
          <FormField of={api} name="campaign_name" label="Its name" optional>{(field) => <Input {...field} autoComplete="off" />}</FormField>
          <FormField of={api} name="spend" label="Spend">{(field) => <Input {...field} inputMode="decimal" autoComplete="off" />}</FormField>
          <FormField of={api} name="currency" label="Currency">{(field) => <Input {...field} maxLength={3} autoComplete="off" className="uppercase" />}</FormField>
          <FormField of={api} name="impressions" label="Impressions" optional>{(field) => <Input {...field} inputMode="numeric" autoComplete="off" />}</FormField>
          <FormField of={api} name="clicks" label="Clicks" optional>{(field) => <Input {...field} inputMode="numeric" autoComplete="off" />}</FormField>
          <FormField of={api} name="leads" label="Leads" optional>{(field) => <Input {...field} inputMode="numeric" autoComplete="off" />}</FormField>
          <FormField of={api} name="platform_conversions" label="Conversions that the platform claims" optional>{(field) => <Input {...field} inputMode="decimal" autoComplete="off" />}</FormField>
          <FormField of={api} name="platform_value" label="Value that it claims" optional>{(field) => <Input {...field} inputMode="decimal" autoComplete="off" />}</FormField>
        </div>
        <FormError problem={api.refused} />
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}
