/**
 * What a recording has to answer, in which order: per shell and command the exchanges of each operation, as they were made.
 *
 * Guarantees: each exchange is used once; a request that says what another one said (a repeated envelope) gets that one's.
 * A request that the recording does not hold is told with the line that is next.
 */
import * as Effect from "effect/Effect"
import type { RsaPublicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import { actions } from "../../../layers/wsman/SoapNames.ts"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"
import type { Request } from "../../../layers/wsman/SoapRequest.ts"
import type { Recorded } from "./ReplayFile.ts"
import * as ReplayedShell from "./ReplayedShell.ts"
import { nameOfShell, type Shell, shellsOf } from "./ReplayShells.ts"

export interface Match {
  readonly recorded: Recorded
  readonly ids: ReplayedShell.Ids
  /** Whom a session key is for. */
  readonly key: RsaPublicKey | undefined
}

/** Why there is none, for a person. */
export interface Mismatch {
  readonly mismatch: string
}

export interface Script {
  readonly next: (request: Request) => Match | Mismatch
}

/** As the recording names operations. */
const nameOf = (operation: Operation): string => actions[operation._tag].split("/").at(-1) ?? ""

const commandIdOf = (operation: Operation): string | undefined => {
  const id =
    operation._tag === "Send"
      ? operation.streams.find(({ commandId }) => commandId !== undefined)?.commandId
      : "commandId" in operation
        ? operation.commandId
        : undefined
  return id?.toUpperCase()
}

const guidsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/[\dA-Fa-f]{8}(?:-[\dA-Fa-f]{4}){3}-[\dA-Fa-f]{12}/gu)].map(([guid]) => guid)

export const make = Effect.fnUntraced(function* (recording: ReadonlyArray<Recorded>): Effect.fn.Return<Script> {
  const { shells, others } = yield* shellsOf(recording)
  const waiting = new Set(recording)
  const live = new Map<string, ReplayedShell.ReplayedShell>()
  const answered = new Map<string, Match>()
  let creates = 0

  const expectation = (exchanges: ReadonlyArray<Recorded>, shell: Shell | undefined): string => {
    const next = exchanges.find((recorded) => waiting.has(recorded))
    if (next === undefined) return `nothing is left of it after line ${exchanges.at(-1)?.line ?? 1}`
    const { operation, commandId } = next.exchange
    const command = operation === "Command" ? shell?.commands.get(commandId?.toUpperCase() ?? "") : undefined
    return `line ${next.line} is next: ${operation}${command === undefined ? "" : ` of ${ReplayedShell.told(command.runs)}`}`
  }

  const take = (
    exchanges: ReadonlyArray<Recorded>,
    operation: string,
    commandId: string | undefined
  ): Recorded | undefined => {
    const found = exchanges.find(
      (recorded) =>
        waiting.has(recorded) &&
        recorded.exchange.operation === operation &&
        (operation === "Command" || (recorded.exchange.commandId?.toUpperCase() ?? "") === (commandId ?? ""))
    )
    if (found !== undefined) waiting.delete(found)
    return found
  }

  const create = (request: Request): Match | Mismatch => {
    const shell = shells[creates]
    if (shell === undefined || request.operation._tag !== "Create")
      return { mismatch: `the recording makes ${shells.length} shells, and this would be one more` }
    creates++
    const [recorded] = shell.exchanges
    if (recorded === undefined) return { mismatch: "a shell without its Create" }
    waiting.delete(recorded)
    const id = request.operation.shellId?.toUpperCase() ?? shell.id
    const ids: ReplayedShell.Ids = new Map([[shell.id, id]])
    // A client knows its own shells by ids in their names.
    const now = guidsOf(nameOfShell(request.operation))
    for (const [index, known] of guidsOf(shell.name).entries()) ids.set(known.toUpperCase(), now[index] ?? known)
    live.set(id, ReplayedShell.make(shell, ids))
    return { recorded, ids, key: undefined }
  }

  const inShell = (shell: ReplayedShell.ReplayedShell, { operation }: Request): Match | Mismatch => {
    const name = nameOf(operation)
    const commandId = commandIdOf(operation)
    const before = commandId === undefined ? undefined : shell.commands.get(commandId)
    const { exchanges } = shell.shell
    const mismatch = (): Mismatch => ({
      mismatch: `the recording has no ${name} here; ${expectation(exchanges, shell.shell)}`
    })
    if (operation._tag !== "Command" && commandId !== undefined && before === undefined) return mismatch()
    const recorded = take(exchanges, name, before)
    if (recorded === undefined) return mismatch()
    const command = shell.shell.commands.get(recorded.exchange.commandId?.toUpperCase() ?? "")
    if (operation._tag === "Command" && command !== undefined && commandId !== undefined) {
      shell.commands.set(commandId, command.id)
      shell.ids.set(command.id, commandId)
    }
    ReplayedShell.learnKey(shell, operation)
    const objection = ReplayedShell.listen(shell, operation, commandId ?? "")
    return objection === undefined ? { recorded, ids: shell.ids, key: shell.key } : { mismatch: objection }
  }

  const matched = (request: Request): Match | Mismatch => {
    if (request.operation._tag === "Create") return create(request)
    const shell = live.get((request.header.selectors["ShellId"] ?? "").toUpperCase())
    if (shell !== undefined) return inShell(shell, request)
    const name = nameOf(request.operation)
    const recorded = take(others, name, commandIdOf(request.operation))
    return recorded === undefined
      ? {
          mismatch: `the recording has no ${name} of a shell that it does not make; ${expectation(recording, undefined)}`
        }
      : // A list of shells names those of any.
        { recorded, ids: new Map([...live.values()].flatMap(({ ids }) => [...ids])), key: undefined }
  }

  return {
    next: (request) => {
      const { messageId } = request.header
      const earlier = answered.get(messageId)
      if (earlier !== undefined) return earlier
      const match = matched(request)
      if ("recorded" in match) answered.set(messageId, match)
      return match
    }
  }
})
