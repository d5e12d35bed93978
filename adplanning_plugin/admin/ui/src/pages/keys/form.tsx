// A key's name and origins: made anew, or changed. Loaded when it is opened.
import { useState } from "react"
import * as z from "zod/mini"
import { ask, useSend } from "@/api/query"
import { Button } from "@/ui/button"
import { Input, TextArea } from "@/ui/controls"
import { Dialog, StaleDialog } from "@/ui/dialog"
import { FormError, FormField, useApiForm } from "@/ui/form"
import { toast } from "@/ui/toast"
import type { PublicKey } from "./answers"
import { linesOf, originProblem } from "./origins"

const SCHEMA = z.object({
  name: z.string().check(z.trim(), z.minLength(1, "Give it a name, such as the storefront's."), z.maxLength(200, "Use at most 200 characters.")),
  origins: z.string().check(({ value, issues }) => {
    const problem = originProblem(linesOf(value))
    if (problem) issues.push({ code: "custom", message: problem, input: value })
  }),
  website_id: z.string().check(z.maxLength(128, "Use at most 128 characters.")),
})
type Values = z.infer<typeof SCHEMA>
// The server names the line that is wrong; here all lines are one field.
const RENAME = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`origins[${index}]`, "origins" as const]))

export default function KeyForm({ of, onClose, onMade }: { of: PublicKey | null; onClose: () => void; onMade: (key: PublicKey) => void }) {
  const [theirs, setTheirs] = useState<PublicKey | null>(null)
  const [version, setVersion] = useState(of?.version ?? 0)
  const [repeat] = useState(() => crypto.randomUUID())
  const create = useSend<"post", "/keys", { key: PublicKey }>("post", "/keys", ["/keys"])
  const change = useSend<"put", "/keys/{key_id}", { key: PublicKey }>("put", "/keys/{key_id}", ["/keys"])
  const body = (values: Values) => ({ name: values.name.trim(), origins: linesOf(values.origins), website_id: values.website_id.trim() || null })
  const save = async (values: Values, at: number) => {
    if (of) {
      await change.mutateAsync({ path: { key_id: of.id }, body: { ...body(values), version: at } })
      toast("The key is changed; elsewhere it holds within half a minute")
      onClose()
    } else {
      const { key } = await create.mutateAsync({ body: body(values), idempotencyKey: repeat })
      onClose()
      onMade(key)
    }
  }
  const api = useApiForm<Values>({
    schema: SCHEMA,
    defaults: { name: of?.name ?? "", origins: (of?.origins ?? []).join("\n"), website_id: of?.website_id ?? "" },
    submit: (values) => save(values, version),
    rename: RENAME,
    onStale: () => of && void ask("/keys/{key_id}", { path: { key_id: of.id } }).then(({ key }) => setTheirs(key)),
  })
  const mine = api.form.getValues()
  return (
    <>
      <Dialog
        open
        onOpenChange={(open) => open || onClose()}
        title={of ? "Edit the key" : "Make a key"}
        description={of ? undefined : "One for each storefront, so that one can be revoked without the others."}
        footer={
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button variant="primary" busy={api.busy} onClick={() => api.onSubmit()}>{of ? "Save" : "Make the key"}</Button>
          </>
        }
      >
        <form onSubmit={api.onSubmit} noValidate className="flex flex-col gap-4">
          <FormField of={api} name="name" label="Name" hint="For yourself: “Shop, production”.">{(field) => <Input {...field} autoComplete="off" />}</FormField>
          <FormField of={api} name="origins" label="Origins" hint="One a line: https://shop.example or https://*.shop.example. Pages at other addresses are refused.">
            {(field) => <TextArea {...field} rows={4} spellCheck={false} className="font-mono" placeholder="https://shop.example" />}
          </FormField>
          <FormField of={api} name="website_id" label="Website" optional hint="The id of the website that its events belong to, where the store has several.">{(field) => <Input {...field} autoComplete="off" />}</FormField>
          <FormError problem={api.refused} />
          <button type="submit" hidden />
        </form>
      </Dialog>
      <StaleDialog
        open={theirs !== null}
        onOpenChange={(open) => open || setTheirs(null)}
        fields={theirs ? [
          { label: "Name", mine: mine.name, theirs: theirs.name },
          { label: "Origins", mine: linesOf(mine.origins).join(", ") || "None", theirs: theirs.origins.join(", ") || "None" },
          { label: "Website", mine: mine.website_id || "–", theirs: theirs.website_id ?? "–" },
        ] : []}
        onTakeTheirs={() => {
          if (!theirs) return
          setVersion(theirs.version)
          api.form.reset({ name: theirs.name, origins: theirs.origins.join("\n"), website_id: theirs.website_id ?? "" })
        }}
        onKeepMine={() => theirs && void api.form.handleSubmit((values) => save(values, theirs.version))()}
      />
    </>
  )
}
