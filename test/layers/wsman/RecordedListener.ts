/**
 * Microsoft's listener as it was recorded, for our own client to speak to: each request gets the answer that the same operation
 * on the same command got, in order, its ids those of the request.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Handler, Response } from "../../../schemas/http/Exchange.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import type { Conversation, RecordedExchange, RecordedResponse } from "./Conversation.ts"

/** What a request is about. */
interface Asked {
  readonly operation: string
  readonly messageId: string
  readonly shellId: string
  readonly commandId: string
}

interface Step extends Asked {
  readonly exchange: RecordedExchange
  /** Shells made before, this one included; 0 for one that is not known. */
  readonly shell: number
  /** Commands that came before, this one included; 0 for what concerns the shell. */
  readonly command: number
  readonly arrived: Deferred.Deferred<void>
  taken: boolean
}

/** Of a body that was cut: its header is whole. */
const askedInPart = (body: string): Asked => {
  const found = (pattern: RegExp): string => pattern.exec(body)?.[1] ?? ""
  return {
    operation: found(/Action[^>]*>[^<]*\/(\w+)</u),
    messageId: found(/MessageID>([^<]*)</u),
    shellId: found(/Name="ShellId">([^<]*)</u),
    commandId: found(/CommandId="([^"]*)"/u)
  }
}

const askedIn = Effect.fnUntraced(function* (body: string): Effect.fn.Return<Asked> {
  const request = yield* Effect.catchTag(readRequest(body), "SoapError", () => Effect.succeed(undefined))
  if (request === undefined || "_tag" in request) return askedInPart(body)
  const { header, operation } = request
  const [stream] = operation._tag === "Send" ? operation.streams : []
  const commandId = "commandId" in operation ? operation.commandId : stream?.commandId
  const shellId = operation._tag === "Create" ? operation.shellId : header.selectors["ShellId"]
  return {
    operation: operation._tag,
    messageId: header.messageId,
    shellId: shellId ?? "",
    commandId: commandId ?? ""
  }
})

const responseOf = ({ status, headers }: RecordedResponse, body: string): Response => ({
  status,
  headers: Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), typeof value === "string" ? value : value.join(", ")] as const)
      .filter(([name]) => name !== "content-length")
  ),
  body: new TextEncoder().encode(body)
})

export interface RecordedListener {
  readonly handler: Handler
  /** Operations that were asked for, in order; "?" behind those that the recording has no answer to. */
  readonly asked: ReadonlyArray<string>
}

/** Seconds: a longer answer was waiting for something. */
const patience = 1
/** Seconds by which recorded times may be off. */
const margin = 0.04

export interface Options {
  /** Hangs up instead of answering the request with this number among all, from 1. */
  readonly hangUpAt?: number
  /** Answers so each Receive of a command after one that was given up, as that server does while it still holds the first. */
  readonly whileOneWaits?: RecordedResponse
}

/**
 * An answer that took longer than a second waits here for the requests that came meanwhile; where there were none, it takes as
 * long. What came after a Signal waits for one. A request that was recorded without an answer gets none.
 */
export const make = Effect.fnUntraced(function* (
  conversation: Conversation,
  options: Options = {}
): Effect.fn.Return<RecordedListener> {
  const shells: Array<string> = []
  const commands: Array<string> = []
  const steps: Array<Step> = []
  for (const exchange of conversation.exchanges) {
    const asked = yield* askedIn(exchange.request.body)
    if (asked.operation === "Create") shells.push(asked.shellId)
    if (asked.operation === "Command") commands.push(asked.commandId)
    const shell = shells.lastIndexOf(asked.shellId) + 1
    const command = commands.lastIndexOf(asked.commandId) + 1
    steps.push({ ...asked, exchange, shell, command, arrived: yield* Deferred.make<void>(), taken: false })
  }
  const log: Array<string> = []
  const givenUp = new Set<number>()
  const ours = { shells: Array<string>(), commands: Array<string>() }

  /** Requests that came before the answer, and may have caused it. */
  const causes = (step: Step): ReadonlyArray<Step> => {
    const { at = 0, seconds } = step.exchange
    const end = (seconds ?? 0) < patience ? 0 : at + (seconds ?? 0) - margin
    return steps.filter((other) => {
      const began = other.exchange.at ?? 0
      const signalled = other.operation === "Signal" && began < at
      return other.command === step.command && other.command > 0 && (signalled || (began > at && began < end))
    })
  }

  /** Every id that was recorded is now the one of our client in its place. */
  const readdressed = (text: string, recorded: Asked, asked: Asked): string =>
    [
      [recorded.messageId, asked.messageId] as const,
      ...shells.map((shell, index) => [shell, ours.shells[index] ?? shell] as const),
      ...commands.map((command, index) => [command, ours.commands[index] ?? command] as const)
    ].reduce((body, [from, to]) => (from === "" ? body : body.replaceAll(from, to)), text)

  const handler: Handler = (request) =>
    Effect.gen(function* () {
      const asked = yield* askedIn(new TextDecoder().decode(request.body))
      if (asked.operation === "Create") ours.shells.push(asked.shellId)
      if (asked.operation === "Command") ours.commands.push(asked.commandId)
      const shell = ours.shells.lastIndexOf(asked.shellId) + 1
      const command = ours.commands.lastIndexOf(asked.commandId) + 1
      const same = steps.filter(
        (step) => step.operation === asked.operation && step.shell === shell && step.command === command
      )
      // How many Sends and Signals there are is each client's own business.
      const step = same.find(({ taken }) => !taken) ?? steps.findLast(({ operation }) => operation === asked.operation)
      if (log.push(`${asked.operation} cut`) === options.hangUpAt) return yield* Effect.interrupt
      log.pop()
      log.push(step === undefined ? `${asked.operation}?` : asked.operation)
      if (step === undefined) return yield* Effect.never
      if (asked.operation === "Receive" && givenUp.has(command) && options.whileOneWaits !== undefined)
        return responseOf(options.whileOneWaits, options.whileOneWaits.body)
      step.taken = true
      yield* Deferred.succeed(step.arrived, undefined)
      const { seconds, response } = step.exchange
      if (response === null) return yield* Effect.never
      const others = causes(step)
      yield* Effect.forEach(others, ({ arrived }) => Deferred.await(arrived), { discard: true }).pipe(
        // Whoever hangs up leaves the answer for the next to ask.
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            step.taken = false
            givenUp.add(command)
          })
        )
      )
      if (others.length === 0 && (seconds ?? 0) > patience) yield* Effect.sleep((seconds ?? 0) * 1000)
      return responseOf(response, readdressed(response.body, step, asked))
    })

  return { handler, asked: log }
})
