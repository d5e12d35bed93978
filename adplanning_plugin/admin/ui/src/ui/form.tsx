// Forms: fields with what is wrong beside them, before the server's answer (zod) and after it (its errors by field).
import { zodResolver } from "@hookform/resolvers/zod"
import { type ReactNode, useId, useState } from "react"
import { type DefaultValues, type FieldValues, type Path, useForm, type UseFormReturn } from "react-hook-form"
import type { z } from "zod/mini"
import { isProblem, type Problem } from "@/api/problem"

interface Wiring {
  id: string
  "aria-describedby": string | undefined
  "aria-invalid": true | undefined
  "aria-required": true | undefined
}

interface FieldProps {
  label: string
  hint?: ReactNode
  error?: string | undefined
  optional?: boolean
  children: (wiring: Wiring) => ReactNode
}

/** A label, a control, its hint and what is wrong with it; spread what it hands over onto the control. */
export function Field({ label, hint, error, optional = false, children }: FieldProps) {
  const id = useId()
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ")
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label} {optional ? <span className="font-normal text-muted">(optional)</span> : null}
      </label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined, "aria-required": optional ? undefined : true })}
      {error ? <p id={`${id}-error`} className="text-xs text-bad">{error}</p> : null}
      {hint ? <p id={`${id}-hint`} className="text-xs text-muted">{hint}</p> : null}
    </div>
  )
}

interface ApiFormOptions<T extends FieldValues> {
  schema: z.ZodMiniType<T, T>
  defaults: DefaultValues<T>
  submit: (values: T) => Promise<unknown>
  /** 409 with a stale version: show both versions (`StaleDialog`). */
  onStale?: (problem: Problem, values: T) => void
  /** The server's name of a field → the form's, where they differ. */
  rename?: Record<string, Path<T>> | ((field: string) => string)
}

export interface ApiForm<T extends FieldValues> {
  form: UseFormReturn<T>
  /** Refused as a whole, or for a field that the form does not have. */
  refused: Problem | null
  busy: boolean
  onSubmit: (event?: React.FormEvent) => void
}

/** react-hook-form with a zod schema, whose submit puts the server's field errors beside their fields. */
export function useApiForm<T extends FieldValues>({ schema, defaults, submit, onStale, rename = {} }: ApiFormOptions<T>): ApiForm<T> {
  const [refused, setRefused] = useState<Problem | null>(null)
  const form = useForm<T>({ resolver: zodResolver(schema as never) as never, defaultValues: defaults, mode: "onTouched" })
  const onSubmit = form.handleSubmit(async (values) => {
    setRefused(null)
    try {
      await submit(values as T)
    } catch (error) {
      if (!isProblem(error)) throw error
      if (error.code === "stale_version" && onStale) return onStale(error, values as T)
      const known = new Set(Object.keys(form.getValues()))
      let placed = 0
      for (const { field, message } of error.errors) {
        const name = (typeof rename === "function" ? rename(field) : rename[field]) ?? field
        if (!known.has(name.split(/[.[]/)[0] ?? "")) continue
        form.setError(name as Path<T>, { type: "server", message }, { shouldFocus: placed++ === 0 })
      }
      if (placed < error.errors.length || error.errors.length === 0) setRefused(error)
    }
  })
  return { form, refused, busy: form.formState.isSubmitting, onSubmit: (event) => void onSubmit(event) }
}

/** A field of an `ApiForm`: `<FormField of={api} name="name" label="Name">{(field) => <Input {...field} />}</FormField>`. */
export function FormField<T extends FieldValues>({ of, name, label, hint, optional, children }: {
  of: ApiForm<T>
  name: Path<T>
  label: string
  hint?: ReactNode
  optional?: boolean
  children: (field: Wiring & ReturnType<UseFormReturn<T>["register"]>) => ReactNode
}) {
  const { error } = of.form.getFieldState(name, of.form.formState)
  return (
    <Field label={label} hint={hint} error={error?.message} optional={optional ?? false}>
      {(wiring) => children({ ...wiring, ...of.form.register(name) })}
    </Field>
  )
}

/** What the server says of the form as a whole: above its buttons. */
export const FormError = ({ problem }: { problem: Problem | null }) =>
  problem ? (
    <p role="alert" className="rounded-md border border-red-line bg-red-bg px-3 py-2 text-sm text-red-fg">
      {problem.message} <span className="text-xs">({problem.code})</span>
    </p>
  ) : null
