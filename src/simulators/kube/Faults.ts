/** What can stand between a client and a Kubernetes API: a wrapper around its handler, by rules that are data. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Handler, Request, Response } from "../../../schemas/http/Exchange.ts"

export type Verb = "get" | "list" | "watch" | "create" | "patch" | "update" | "delete"

export type Fault =
  /** Another answer, the handler is not asked. A string is sent as it is, an object as JSON. */
  | {
      readonly _tag: "Answer"
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body: string | object
      /** The answer goes on, without ever saying more. */
      readonly open?: boolean
    }
  /** A metav1.Status. */
  | {
      readonly _tag: "Refuse"
      readonly status: number
      readonly reason: string
      readonly headers?: Readonly<Record<string, string>>
      readonly retryAfterSeconds?: number
    }
  /** The connection is reset before an answer; what is open is reset when the rule begins. */
  | { readonly _tag: "Reset" }
  /** No answer ever; what is open falls silent when the rule begins, as when the other side of a TCP connection is gone. */
  | { readonly _tag: "Silence" }
  /** The real answer, which after so many bytes is cut, or says no more. */
  | { readonly _tag: "Break"; readonly after: number; readonly how: "cut" | "stall" }
  /** The real answer, changed: a whole body, or each line of a watch. */
  | { readonly _tag: "Change"; readonly change: (json: unknown) => unknown }

export interface Rule {
  /** All when absent. */
  readonly verbs?: ReadonlyArray<Verb>
  /** All when absent. */
  readonly plurals?: ReadonlyArray<string>
  /** Milliseconds since the epoch. */
  readonly from?: number
  readonly until?: number
  /** Requests it applies to; no limit when absent. */
  readonly times?: number
  readonly fault: Fault
}

/** A request as the wrapper saw it. */
export interface Asked {
  readonly at: number
  readonly verb: Verb
  /** "" for what is no object's path. */
  readonly plural: string
  readonly name: string
  readonly query: URLSearchParams
}

export interface Faults {
  readonly handler: Handler
  /** Every request so far. */
  readonly asked: ReadonlyArray<Asked>
}

const writes: Readonly<Record<string, Verb>> = { POST: "create", PATCH: "patch", PUT: "update", DELETE: "delete" }
const objectPath =
  /^\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/[^/]+(?=\/))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?(?:\/[^/]+)?$/u

const read = (request: Request, at: number): Asked => {
  const { pathname, searchParams: query } = new URL(request.target, "http://kubernetes")
  const { plural = "", name = "" } = objectPath.exec(pathname)?.groups ?? {}
  const watches = ["1", "true"].includes(query.get("watch") ?? "")
  return { at, verb: writes[request.method] ?? (watches ? "watch" : name === "" ? "list" : "get"), plural, name, query }
}

const concerns = (rule: Rule, { verb, plural }: Asked): boolean =>
  (rule.verbs?.includes(verb) ?? true) && (rule.plurals?.includes(plural) ?? true)

const active = (rule: Rule, at: number): boolean => (rule.from ?? -Infinity) <= at && at < (rule.until ?? Infinity)

const bytes = (value: string | object): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value))

const answer = (status: number, body: Uint8Array, headers: Readonly<Record<string, string>> = {}): Response => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body
})

const streamed = (body: Response["body"]): Stream.Stream<Uint8Array> =>
  body instanceof Uint8Array ? Stream.make(body) : body

/** An interrupted exchange is what both ends of a Dial take for a lost connection. */
const reset = Effect.interrupt

const broken = (response: Response, after: number, how: "cut" | "stall"): Response => {
  let left = after
  const body = (after === 0 ? Stream.empty : streamed(response.body)).pipe(
    Stream.map((piece) => {
      const part = piece.subarray(0, Math.max(0, left))
      left -= piece.length
      return part
    }),
    Stream.takeUntil(() => left <= 0),
    Stream.concat(how === "cut" ? Stream.fromEffectDrain(reset) : Stream.never)
  )
  return { ...response, body }
}

const changed = (response: Response, verb: Verb, change: (json: unknown) => unknown): Response => {
  const rewrite = (text: string): string => JSON.stringify(change(JSON.parse(text)))
  if (response.body instanceof Uint8Array && verb !== "watch") {
    return { ...response, body: bytes(rewrite(new TextDecoder().decode(response.body))) }
  }
  const body = streamed(response.body).pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.map((line) => bytes(`${rewrite(line)}\n`))
  )
  return { ...response, body }
}

/**
 * The first rule that concerns a request decides. `rules` is read anew for each, and may be changed meanwhile; what was
 * open before a rule came to be is not touched by it unless the rule was there, with its `from` to come.
 */
export const make = (inner: Handler, rules: ReadonlyArray<Rule>): Faults => {
  const asked: Array<Asked> = []
  const used = new Map<Rule, number>()

  /** Answers that last meet the rules that begin meanwhile. */
  const lasting = (response: Response, request: Asked): Response => {
    const next = rules.find(
      (rule) =>
        (rule.from ?? -Infinity) > request.at &&
        concerns(rule, request) &&
        (rule.fault._tag === "Reset" || rule.fault._tag === "Silence")
    )
    if (next?.from === undefined || response.body instanceof Uint8Array) return response
    const begins = Effect.sleep(next.from - request.at)
    const body =
      next.fault._tag === "Reset"
        ? Stream.interruptWhen(response.body, Effect.andThen(begins, reset))
        : Stream.concat(Stream.interruptWhen(response.body, begins), Stream.never)
    return { ...response, body }
  }

  const handler: Handler = (request, connection) =>
    Effect.gen(function* () {
      const one = read(request, yield* Clock.currentTimeMillis)
      asked.push(one)
      const rule = rules.find(
        (it) => active(it, one.at) && concerns(it, one) && (used.get(it) ?? 0) < (it.times ?? Infinity)
      )
      if (rule === undefined) return lasting(yield* inner(request, connection), one)
      used.set(rule, (used.get(rule) ?? 0) + 1)
      const { fault } = rule
      switch (fault._tag) {
        case "Answer": {
          const made = answer(fault.status, bytes(fault.body), fault.headers)
          return fault.open === true ? { ...made, body: Stream.concat(streamed(made.body), Stream.never) } : made
        }
        case "Refuse": {
          const { status, reason, headers, retryAfterSeconds } = fault
          const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds }
          const body = { kind: "Status", apiVersion: "v1", status: "Failure", code: status, reason, message: reason }
          return answer(status, bytes({ ...body, details }), headers)
        }
        case "Reset":
          return yield* reset
        case "Silence":
          return yield* Effect.never
        case "Break":
          return broken(yield* inner(request, connection), fault.after, fault.how)
        case "Change":
          return changed(yield* inner(request, connection), one.verb, fault.change)
      }
    })

  return { handler, asked }
}
