// Entering an event by hand: a call, a fair, a letter.
import { useId, useRef } from "react"
import * as z from "zod/mini"
import { useApi, useSend } from "@/api/query"
import { instantIn, localIn } from "@/pages/conversions/when"
import { useStore } from "@/shell/session"
import { Button } from "@/ui/button"
import { Input, Select } from "@/ui/controls"
import { Dialog } from "@/ui/dialog"
import { FormError, FormField, useApiForm } from "@/ui/form"
import { toast } from "@/ui/toast"

const TEXT = z.string().check(z.maxLength(200, "At most 200 characters."))
const SCHEMA = z.object({
  event_type: z.string().check(z.minLength(1, "Choose what happened.")),
  event_name: TEXT,
  person_id: TEXT,
  visitor_id: TEXT,
  stage: z.string(),
  occurred_at: z.string().check(z.minLength(1, "Say when it happened.")),
  value: z.string().check(z.regex(/^(\d{1,15}(\.\d{1,4})?)?$/, "An amount such as 500 or 49.90, without signs and separators.")),
})
type Values = z.infer<typeof SCHEMA>
const key = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")

export default function EnterEvent({ onClose }: { onClose: () => void }) {
  const { zone, currency } = useStore()
  const form = useId()
  const once = useRef(key())
  const known = useApi("/journeys/event-types", { staleTime: 300_000 })
  const create = useSend("post", "/journeys", ["/journeys"])
  const api = useApiForm<Values>({
    schema: SCHEMA,
    defaults: { event_type: "custom", event_name: "", person_id: "", visitor_id: "", stage: "", occurred_at: localIn(zone, Date.now()), value: "" },
    submit: async (values) => {
      const given = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()]).filter(([, value]) => value !== ""))
      const body = { ...given, occurred_at: instantIn(zone, values.occurred_at), ...(given.value ? { currency } : {}) }
      try {
        await create.mutateAsync({ body: body as never, idempotencyKey: once.current })
      } catch (error) {
        once.current = key() // a corrected form is another event than the refused one
        throw error
      }
      toast("Event entered")
      onClose()
    },
  })
  const kinds = (known.data?.event_types ?? []).filter((each) => each.manual).map((each) => ({ value: each.event_type, label: each.label }))
  const stages = (known.data?.stages ?? []).filter((each) => each.stage !== "retention").map((each) => ({ value: each.stage, label: each.label }))
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title="Enter an event"
      description="It counts on the timeline of whoever it names, as any other event does."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={form} busy={api.busy}>Enter the event</Button>
        </>
      }
    >
      <form id={form} onSubmit={api.onSubmit} noValidate className="flex flex-col gap-4">
        <FormField of={api} name="event_type" label="What happened">{(field) => <Select {...field} options={kinds.length ? kinds : [{ value: "custom", label: "Other event" }]} />}</FormField>
        <FormField of={api} name="event_name" label="Name" hint="Such as Phone call or Trade fair; an event of another kind needs it." optional>{(field) => <Input {...field} />}</FormField>
        <FormField of={api} name="person_id" label="Customer id" hint="As your store names them." optional>{(field) => <Input {...field} />}</FormField>
        <FormField of={api} name="visitor_id" label="Visitor id" hint="Where you know the browser, but not the customer." optional>{(field) => <Input {...field} />}</FormField>
        <FormField of={api} name="stage" label="Stage" hint="Without one, that of the kind of event." optional>{(field) => <Select {...field} options={[{ value: "", label: "As the event says" }, ...stages]} />}</FormField>
        <FormField of={api} name="occurred_at" label={`When (${zone})`}>{(field) => <Input type="datetime-local" {...field} />}</FormField>
        <FormField of={api} name="value" label={`Value in ${currency}`} optional>{(field) => <Input inputMode="decimal" {...field} />}</FormField>
        <FormError problem={api.refused} />
      </form>
    </Dialog>
  )
}
