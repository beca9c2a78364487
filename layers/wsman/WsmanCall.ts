/** One operation of WS-Management: its request out on a lane, its answer back; sent again where that can do no harm. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Guid from "../../schemas/Guid.ts"
import { type Fault, isRefusal } from "./Fault.ts"
import type { Lane } from "./Lane.ts"
import type { Operation } from "./SoapOperation.ts"
import { type RequestHeader, writeRequest } from "./SoapRequest.ts"
import { readResponse } from "./SoapResponseReader.ts"
import type { SoapElement, SoapError } from "./SoapXml.ts"
import { AccessDenied, AuthenticationFailed, Protocol, WsmanFault, type WsmanError } from "./WsmanError.ts"

/** What a request is about. */
export interface Subject {
  readonly resourceUri: string
  readonly selectors: Readonly<Record<string, string>>
  readonly options?: Readonly<Record<string, string>>
  /** Told before the request is sent again: an answer to it may be lost. */
  readonly onRepeat?: () => void
}

/** Answers the Body. */
export type Call = (lane: Lane, operation: Operation, subject: Subject) => Effect.Effect<SoapElement, WsmanError>

/** What is the same in all requests of one client; asked for each. */
export type Common = () => Pick<RequestHeader, "to" | "sessionId" | "operationTimeoutSeconds" | "maxEnvelopeBytes">

const faultError = (fault: Fault): WsmanError => {
  const sent = !isRefusal(fault.classification)
  const detail = fault.text === "" ? fault.subcode : fault.text
  if (fault.classification === "accessDenied") return new AccessDenied({ detail, sent })
  if (fault.classification === "authentication")
    return new AuthenticationFailed({ ...(fault.code === undefined ? {} : { code: fault.code }), detail, sent })
  return new WsmanFault({
    code: fault.code,
    subcode: fault.subcode,
    text: fault.text,
    classification: fault.classification,
    sent
  })
}

const protocol = (error: SoapError): Protocol => new Protocol({ detail: error.message, sent: true })

/** What an answer's body holds, or that it breaks the protocol. */
export const read = <A>(result: Result.Result<A, SoapError>): Effect.Effect<A, Protocol> =>
  Effect.mapError(Effect.fromResult(result), protocol)

/**
 * Doing these twice is doing them once, and a Receive whose answer was lost is answered with the same output again. Never
 * Create, Command or Send.
 */
const repeatable: ReadonlySet<Operation["_tag"]> = new Set([
  "Receive",
  "Get",
  "Enumerate",
  "Signal",
  "Reconnect",
  "Delete"
])

/** So often a request is sent again, in a row. */
const maxRepeats = 3

/**
 * Whether the connection or the service went away, and may be back. A Receive is silent for so long that what lies between
 * may forget its connection: after a silence it is sent once more.
 */
const mayPass = (error: WsmanError, tag: Operation["_tag"], repeats: number): boolean => {
  if (error._tag !== "WsmanUnavailable") return false
  if (error.kind === "timeout") return tag === "Receive" && repeats === 0
  return (error.kind === "reset" || error.kind === "refused" || error.kind === "other") && repeats < maxRepeats
}

/**
 * Makes the calls of one client. Once a log-on was refused nothing more is sent: with each further one the account comes
 * nearer to being locked. `scrub` takes known secrets out of what faults say.
 */
export const make = (common: Common, scrub: (text: string) => string = (text) => text): Call => {
  let refused: AuthenticationFailed | undefined

  /** One exchange; the answer must relate to the request. A fault that names no request counts as the answer. */
  const exchange = Effect.fnUntraced(function* (
    lane: Lane,
    envelope: string,
    messageId: string,
    tag: Operation["_tag"]
  ): Effect.fn.Return<SoapElement, WsmanError> {
    if (refused !== undefined) return yield* refused
    const text = yield* Effect.tapError(lane.post(envelope), (error) =>
      Effect.sync(() => {
        if (error._tag === "WsmanAuthenticationFailed") refused = error
      })
    )
    const response = yield* Effect.mapError(readResponse(text), protocol)
    const related = response.relatesTo === messageId || (response.relatesTo === "" && response.fault !== undefined)
    if (!related) return yield* new Protocol({ detail: `the answer to ${tag} relates to another message`, sent: true })
    if (response.fault !== undefined) return yield* faultError({ ...response.fault, text: scrub(response.fault.text) })
    return response.body
  })

  return Effect.fnUntraced(function* (lane, operation, { resourceUri, selectors, options = {}, onRepeat }) {
    const messageId = `uuid:${(yield* Guid.random).toUpperCase()}`
    const envelope = writeRequest({ header: { ...common(), messageId, resourceUri, selectors, options }, operation })
    for (let repeats = 0; ; repeats++) {
      const outcome = yield* Effect.result(exchange(lane, envelope, messageId, operation._tag))
      if (Result.isSuccess(outcome)) return outcome.success
      const error = outcome.failure
      if (!repeatable.has(operation._tag) || !mayPass(error, operation._tag, repeats)) return yield* error
      yield* Effect.logDebug("sending a request again").pipe(
        Effect.annotateLogs({ operation: operation._tag, reason: error.message })
      )
      onRepeat?.()
      yield* Effect.sleep(repeats * 1000)
    }
  })
}
