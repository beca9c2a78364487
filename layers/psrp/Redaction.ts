/** The exchanges of one client as lines of a wire recording; an exchange waits for others that its messages go on in. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import type * as WireRecord from "../../schemas/WireRecord.ts"
import type { TappedExchange } from "../wsman/WireTap.ts"
import { redactEnvelope, type RedactedEnvelope } from "./RedactedEnvelope.ts"
import { FragmentRedaction } from "./RedactedFragments.ts"
import { MessageRedaction, type Policy } from "./RedactedMessage.ts"

/** What waits at most. PowerShell takes objects of 10 MB; whatever is longer is not shown. */
const mostHeld = { exchanges: 256, characters: 32 * 1024 * 1024 }

interface Held {
  readonly tapped: TappedExchange
  readonly request: RedactedEnvelope
  readonly answer: RedactedEnvelope | undefined
}

export interface Redaction {
  /** The lines that this exchange completes, in the order in which their exchanges ended. */
  readonly take: (tapped: TappedExchange) => Effect.Effect<ReadonlyArray<WireRecord.Exchange>>
  /** The lines that still wait: what they wait for is not shown. */
  readonly end: () => ReadonlyArray<WireRecord.Exchange>
}

const iso = (epochMillis: number): string => new Date(epochMillis).toISOString()

export const make = (client: { readonly host: string; readonly client: number }, policy: Policy): Redaction => {
  const fragments = new FragmentRedaction(new MessageRedaction(policy))
  const { scrub } = policy
  const held: Array<Held> = []
  let characters = 0

  const sizeOf = ({ request, outcome }: TappedExchange): number =>
    request.length + (Exit.isSuccess(outcome) ? outcome.value.length : 0)

  const unanswered = (outcome: TappedExchange["outcome"]): Partial<WireRecord.Exchange> => {
    if (Exit.isSuccess(outcome)) return {}
    if (Cause.hasInterruptsOnly(outcome.cause)) return { unanswered: "interrupted" }
    const error = outcome.cause.reasons.find(Cause.isFailReason)?.error
    return {
      unanswered: "failed",
      failure: scrub(error === undefined ? "a defect" : `${error._tag}: ${error.message}`)
    }
  }

  const line = ({ tapped, request, answer }: Held): WireRecord.Exchange => {
    const withheld = [...request.withheld(), ...(answer?.withheld() ?? [])]
    return {
      at: iso(tapped.startedAt),
      millis: tapped.millis,
      host: client.host,
      client: client.client,
      lane: tapped.lane,
      operation: request.operation,
      messageId: request.messageId,
      ...(request.shellId === undefined ? {} : { shellId: request.shellId }),
      ...(request.commandId === undefined ? {} : { commandId: request.commandId }),
      ...(tapped.status === undefined ? {} : { status: tapped.status }),
      messages: [...request.titles, ...(answer?.titles ?? [])],
      request: request.text(),
      ...(answer === undefined ? {} : { answer: answer.text() }),
      ...unanswered(tapped.outcome),
      ...(withheld.length === 0 ? {} : { withheld })
    }
  }

  const settled = ({ request, answer }: Held): boolean => request.settled() && (answer?.settled() ?? true)

  const drain = (): Array<WireRecord.Exchange> => {
    const lines: Array<WireRecord.Exchange> = []
    for (let first = held[0]; first !== undefined && settled(first); first = held[0]) {
      lines.push(line(first))
      characters -= sizeOf(first.tapped)
      held.shift()
    }
    return lines
  }

  const take = Effect.fnUntraced(function* (tapped: TappedExchange) {
    const request = yield* redactEnvelope(tapped.request, "request", fragments, scrub)
    const answer = Exit.isSuccess(tapped.outcome)
      ? yield* redactEnvelope(tapped.outcome.value, "answer", fragments, scrub)
      : undefined
    held.push({ tapped, request, answer })
    characters += sizeOf(tapped)
    // Nothing comes of a shell that is gone.
    const over = held.length > mostHeld.exchanges || characters > mostHeld.characters
    if (over || request.operation === "Delete") fragments.abandon()
    return drain()
  })

  const end = () => {
    fragments.abandon()
    return drain()
  }

  return { take, end }
}
