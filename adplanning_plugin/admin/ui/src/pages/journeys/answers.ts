// What the requests about the events of journeys answer.
import type { List } from "@/api/answers"
import type { JourneyEvent } from "@/insight/timeline/event"

export interface EventKind {
  event_type: string
  label: string
  stage: string | null
  channel: string
  colour: string
  manual: boolean
}

export interface Vocabulary {
  event_types: EventKind[]
  stages: { stage: string; label: string }[]
  channels: string[]
}

declare module "@/api/answers" {
  interface Answers {
    "/journeys": List<"journeys", JourneyEvent>
    "/journeys/event-types": Vocabulary
  }
}
