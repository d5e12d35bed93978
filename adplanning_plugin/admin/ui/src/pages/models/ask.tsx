// Asking for a fit: which model, of what, over how many days. Credit stays as it is until the fit is adopted.
import { useState } from "react"
import { isProblem } from "@/api/problem"
import { useSend } from "@/api/query"
import { Button } from "@/ui/button"
import { Input, Select } from "@/ui/controls"
import { Dialog } from "@/ui/dialog"
import { Field } from "@/ui/form"
import { toast } from "@/ui/toast"
import type { DataDriven, Fit } from "./answers"
import { READ } from "./fit"
import { ALGORITHMS } from "./words"

const failed = (problem: unknown) => toast(isProblem(problem) ? problem.message : "That did not work.", { tone: "error" })

export default function AskFit({ onClose, settings, onShow }: { onClose: () => void; settings: DataDriven["settings"]; onShow: (id: string) => void }) {
  const [asked, setAsked] = useState({ algorithm: settings.algorithm, order: String(settings.order), level: settings.level, days: "90" })
  const [wrong, setWrong] = useState("")
  const send = useSend<"post", "/attribution/data-driven/fits", { fit: Fit }>("post", "/attribution/data-driven/fits", [...READ])
  const days = Number(asked.days)
  const start = () => {
    if (!Number.isInteger(days) || days < 7 || days > 1100) return setWrong("Write a number of days from 7 to 1,100.")
    setWrong("")
    const last = new Date(Date.now() - 86_400_000)
    const first = new Date(last.getTime() - (days - 1) * 86_400_000)
    const day = (date: Date) => date.toISOString().slice(0, 10)
    return send
      .mutateAsync({ body: { algorithm: asked.algorithm, level: asked.level, from_date: day(first), to_date: day(last), ...(asked.algorithm === "markov" ? { order: Number(asked.order) } : {}) } })
      .then(({ fit }) => {
        onClose()
        onShow(fit.id)
        toast("The fit has begun; credit stays as it is until you adopt it")
      })
      .catch(failed)
  }
  return (
    <Dialog
      size="small"
      open
      onOpenChange={(open) => { if (!open) onClose() }}
      title="Fit the data-driven model"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={send.isPending} onClick={() => void start()}>Start the fit</Button>
        </>
      }
    >
      <div className="flex flex-col gap-4 text-sm">
        <Field label="Model" hint={ALGORITHMS[asked.algorithm].means}>
          {(field) => <Select {...field} value={asked.algorithm} onChange={(event) => setAsked({ ...asked, algorithm: event.target.value as Fit["algorithm"] })} options={Object.entries(ALGORITHMS).map(([value, { label }]) => ({ value, label }))} />}
        </Field>
        {asked.algorithm === "markov" ? (
          <Field label="Order" hint="How many visits the chain remembers. Orders 2 and 3 need many journeys.">
            {(field) => <Select {...field} value={asked.order} onChange={(event) => setAsked({ ...asked, order: event.target.value })} options={["1", "2", "3"].map((value) => ({ value, label: value }))} />}
          </Field>
        ) : null}
        <Field label="Credit goes to">
          {(field) => <Select {...field} value={asked.level} onChange={(event) => setAsked({ ...asked, level: event.target.value as Fit["level"] })} options={[{ value: "channel", label: "Channels" }, { value: "platform", label: "Platforms" }]} />}
        </Field>
        <Field label="Days up to yesterday" {...(wrong ? { error: wrong } : {})}>
          {(field) => <Input {...field} inputMode="numeric" value={asked.days} onChange={(event) => setAsked({ ...asked, days: event.target.value })} />}
        </Field>
      </div>
    </Dialog>
  )
}
