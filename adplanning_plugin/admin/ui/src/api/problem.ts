// A refused request as an error: the sentence, the code, and the fields that are wrong (RFC 9457).

export interface FieldProblem {
  field: string
  code: string
  message: string
}

interface Body {
  title?: string
  detail?: string
  code?: string
  errors?: FieldProblem[]
  incident?: string
}

export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly errors: FieldProblem[]
  readonly incident: string | undefined
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfter: number | undefined

  constructor(status: number, body: Body, retryAfter?: number) {
    super(body.detail || body.title || "The server gave no reason.")
    this.status = status
    this.code = body.code ?? `http_${status}`
    this.title = body.title ?? "Something went wrong"
    this.errors = body.errors ?? []
    this.incident = body.incident
    this.retryAfter = retryAfter
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const after = Number(response.headers.get("retry-after"))
  let body: Body = {}
  try {
    body = (await response.clone().json()) as Body
  } catch {
    body = { title: "The server's answer could not be read", detail: `It answered ${response.status} without a reason.` }
  }
  return new Problem(response.status, body, after > 0 ? after : undefined)
}

/** No answer at all: the network, or a server that is down. */
export function unreachable(): Problem {
  const detail = "Check the connection, then try again."
  return new Problem(0, { title: "The server cannot be reached", detail, code: "unreachable" })
}

export const isProblem = (error: unknown): error is Problem => error instanceof Problem
