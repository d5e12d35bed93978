import { expect, it } from "vitest"
import { jobTitle, kindWords, scheduleWords, took } from "./words"

it("schedules are written as people say them", () => {
  expect(scheduleWords("every 300 seconds")).toBe("Every 5 minutes")
  expect(scheduleWords("every 3600 seconds")).toBe("Every hour")
  expect(scheduleWords("0 2 * * *")).toBe("Every day at 02:00")
  expect(scheduleWords("15 * * * *")).toBe("Every hour at minute 15")
  expect(scheduleWords("30 6 * * 1")).toBe("Every Monday at 06:30")
  expect(scheduleWords("0 0 1 * *")).toBe("On day 1 of each month at 00:00")
})

it("what no sentence fits stays as it was written", () => {
  expect(scheduleWords("*/5 9-17 * * 1-5")).toBe("*/5 9-17 * * 1-5")
  expect(scheduleWords("0 2 1 1 *")).toBe("0 2 1 1 *")
})

it("work of other plugins is named by its own words", () => {
  expect(kindWords("job:compute-credit")).toBe("Job: Compute credit")
  expect(kindWords("event:loyalty.points_given")).toBe("Event: loyalty points given")
  expect(kindWords("step:track-purchase")).toBe("Step: track purchase")
  expect(jobTitle("warm-the-cache")).toBe("Warm the cache")
})

it("durations are short, and none where an end is missing", () => {
  expect(took("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.340Z")).toBe("340 ms")
  expect(took("2026-11-20T10:00:00Z", "2026-11-20T10:00:12Z")).toBe("12 s")
  expect(took("2026-11-20T10:00:00Z", "2026-11-20T10:05:00Z")).toBe("5 min")
  expect(took("2026-11-20T10:00:00Z", null)).toBeNull()
})
