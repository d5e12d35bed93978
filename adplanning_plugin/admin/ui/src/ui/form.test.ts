import { zodResolver } from "@hookform/resolvers/zod"
import { expect, it } from "vitest"
import * as z from "zod/mini"

it("a schema of zod/mini says what is wrong, field by field, before anything is sent", async () => {
  const schema = z.object({ name: z.string().check(z.minLength(1, "Give it a name.")), days: z.number() })
  const resolve = zodResolver(schema)
  const found = await resolve({ name: "", days: 3 }, undefined, { fields: {}, shouldUseNativeValidation: false })
  expect(found.errors).toMatchObject({ name: { message: "Give it a name." } })
  const good = await resolve({ name: "Sale", days: 3 }, undefined, { fields: {}, shouldUseNativeValidation: false })
  expect(good.values).toEqual({ name: "Sale", days: 3 })
})
