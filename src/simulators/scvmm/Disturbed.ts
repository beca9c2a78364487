/** Carries an exchange with a simulated WinRM listener out as a disturbance has it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Answer } from "../../../layers/wsman/SoapResponse.ts"
import type { Response } from "../../../schemas/http/Exchange.ts"
import type { Disturbance } from "./Disturbance.ts"
import { plain, type Reply } from "./WinRmLogOn.ts"

/** What the listener has to say: an answer to an envelope, or, of a log-on, a whole reply. */
export type Said =
  | { readonly _tag: "Envelope"; readonly answer: Answer; readonly relatesTo: string }
  | { readonly _tag: "Reply"; readonly reply: Reply }

export interface Exchanged {
  /** Makes the request take effect. */
  readonly carryOut: Effect.Effect<Said, never, Scope.Scope>
  /** As the client may read it: sealed, where it has logged on so. */
  readonly write: (said: Said) => Effect.Effect<Reply>
  /** MessageID of the request; "" of a log-on. */
  readonly messageId: string
  /** Forgets the connection's log-on; answers what who is not logged on hears. */
  readonly forget: Effect.Effect<Reply>
}

/** An interrupted exchange is what both ends of a Dial take for a lost connection. */
const reset = Effect.interrupt

const half = (bytes: Uint8Array): Uint8Array => bytes.slice(0, Math.ceil(bytes.length / 2))

const flipped = (bytes: Uint8Array): Uint8Array => {
  const copy = bytes.slice()
  const at = Math.floor(copy.length / 2)
  const byte = copy[at]
  if (byte !== undefined) copy[at] = byte ^ 1
  return copy
}

const changed = (said: Said, change: (answer: Answer) => Answer): Said =>
  said._tag === "Envelope" ? { ...said, answer: change(said.answer) } : said

const lastTwice = (answer: Answer): Answer =>
  answer._tag === "Received" ? { ...answer, streams: [...answer.streams, ...answer.streams.slice(-1)] } : answer

const lastMissing = (answer: Answer): Answer =>
  answer._tag === "Received" ? { ...answer, streams: answer.streams.slice(0, -1) } : answer

const utf8 = new TextEncoder()

/** Disturbances of envelopes leave a log-on as it is. */
export const run = Effect.fnUntraced(function* (
  disturbance: Disturbance | undefined,
  exchange: Exchanged
): Effect.fn.Return<Response, never, Scope.Scope> {
  const { carryOut, write } = exchange
  const answered = Effect.flatMap(carryOut, write)
  switch (disturbance?._tag) {
    case undefined:
      return yield* answered
    case "Cut": {
      if (disturbance.place === "before") return yield* reset
      const reply = yield* answered
      if (disturbance.place === "after") return yield* reset
      return { ...reply, body: Stream.concat(Stream.make(half(reply.body)), Stream.fromEffectDrain(reset)) }
    }
    case "Delay":
      yield* Effect.sleep(disturbance.seconds * 1000)
      return yield* answered
    case "Silence":
      if (disturbance.carriedOut) yield* answered
      return yield* Effect.never
    case "Answer": {
      const { status, contentType, body, carriedOut } = disturbance
      if (carriedOut) yield* answered
      return {
        ...plain(status, contentType === "" ? {} : { "content-type": contentType }),
        body: utf8.encode(body)
      }
    }
    case "Forget":
      return yield* exchange.forget
    case "Fault": {
      if (exchange.messageId === "") return yield* answered
      const { code, subcode, text } = disturbance
      const fault = { ...(code === undefined ? {} : { code }), subcode: `w:${subcode}` as const, text }
      return yield* write({ _tag: "Envelope", answer: { _tag: "Fault", fault }, relatesTo: exchange.messageId })
    }
    case "WrongRelatesTo": {
      const said = yield* carryOut
      return yield* write(said._tag === "Envelope" ? { ...said, relatesTo: `uuid:${"0".repeat(36)}` } : said)
    }
    case "Truncate": {
      const reply = yield* answered
      return { ...reply, body: half(reply.body) }
    }
    case "Flip": {
      const reply = yield* answered
      return { ...reply, body: flipped(reply.body) }
    }
    case "Fragments":
      return yield* write(changed(yield* carryOut, disturbance.last === "twice" ? lastTwice : lastMissing))
  }
})
