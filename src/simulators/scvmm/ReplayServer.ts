/** A WinRM listener without its socket that answers what a wire recording holds. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type { Request } from "../../../layers/wsman/SoapRequest.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import * as Guid from "../../../schemas/Guid.ts"
import * as ReplayAnswer from "./ReplayAnswer.ts"
import type { Recorded } from "./ReplayFile.ts"
import * as ReplayScript from "./ReplayScript.ts"
import * as WinRmLogOn from "./WinRmLogOn.ts"

export interface Options {
  readonly recording: ReadonlyArray<Recorded>
  readonly users: ReadonlyArray<{ readonly userName: string; readonly password: string }>
}

const utf8 = new TextEncoder()

const envelope = (status: number, text: string): WinRmLogOn.Reply => ({
  status,
  headers: { server: "Microsoft-HTTPAPI/2.0", "content-type": "application/soap+xml;charset=UTF-8" },
  body: utf8.encode(text)
})

const sessionKeyBytes = 32

/** Answers at once, whatever time the recorded listener took. Log-ons are its own. */
export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Handler> {
  const script = yield* ReplayScript.make(options.recording)
  const logOns = WinRmLogOn.make({ users: options.users, allowUnencrypted: false, certificate: undefined })

  /** Clients try again in other ways: what they did first that the recording does not hold is what matters. */
  let departure: string | undefined
  const departed = (mismatch: string): string => {
    departure ??= mismatch
    return departure === mismatch ? mismatch : `${mismatch}. Not as recorded since: ${departure}`
  }

  /** A fault with these words: the recording does not go on so. */
  const refuse = Effect.fnUntraced(function* (text: string, relatesTo: string) {
    const messageId = `uuid:${(yield* Guid.random).toUpperCase()}`
    const fault = { subcode: "w:InternalError", text: `replay: ${text}` } as const
    return envelope(500, writeResponse({ messageId, relatesTo }, { _tag: "Fault", fault }))
  })

  /** What was never answered is not, or not with an envelope, again. */
  const unanswered = ({ exchange }: Recorded): Effect.Effect<WinRmLogOn.Reply> => {
    if (exchange.unanswered === "interrupted") return Effect.never
    if (exchange.status === undefined) return Effect.interrupt
    return Effect.succeed(WinRmLogOn.plain(exchange.status))
  }

  const answer = Effect.fnUntraced(function* (request: Request): Effect.fn.Return<WinRmLogOn.Reply> {
    const { messageId } = request.header
    const match = script.next(request)
    if ("mismatch" in match) return yield* refuse(departed(match.mismatch), messageId)
    const { exchange, line } = match.recorded
    if (exchange.answer === undefined || exchange.answer === "") return yield* unanswered(match.recorded)
    const sessionKey = new Uint8Array(sessionKeyBytes)
    for (let at = 0; at < sessionKeyBytes; at++)
      sessionKey[at] = yield* Random.nextIntBetween(0, 256, { halfOpen: true })
    const guidOf = (id: string): string => id.replace(/^uuid:/iu, "")
    const ids = new Map([...match.ids, [guidOf(exchange.messageId).toUpperCase(), guidOf(messageId)] as const])
    const text = yield* Effect.result(ReplayAnswer.rewrite(exchange.answer, { ids, key: match.key, sessionKey }))
    return Result.isSuccess(text)
      ? envelope(exchange.status ?? 200, text.success)
      : yield* refuse(`line ${line} holds no envelope as an answer`, messageId)
  })

  return Effect.fnUntraced(function* (request, connection) {
    if (request.method !== "POST") return WinRmLogOn.plain(405, { allow: "POST" })
    const entered = yield* logOns.enter(request, connection)
    if ("status" in entered) return entered
    if (entered.body.length === 0) return entered.reply(WinRmLogOn.plain(200))
    const read = yield* Effect.result(readRequest(new TextDecoder().decode(entered.body)))
    if (Result.isFailure(read)) return entered.reply(yield* refuse(read.failure.message, ""))
    const reply =
      "_tag" in read.success
        ? yield* refuse(`a request that says ${read.success.problem} ${read.success.detail}`, read.success.messageId)
        : yield* answer(read.success)
    return entered.reply(reply)
  })
})
