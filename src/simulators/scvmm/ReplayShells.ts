/** A wire recording by shell: what was done in each, in order, and what its commands ran. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage, MessageType } from "../../../layers/psrp/Message.ts"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"
import type { Request } from "../../../layers/wsman/SoapRequest.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import type { Recorded } from "./ReplayFile.ts"

export interface Command {
  readonly id: string
  /** Names of what it runs; scripts have none. */
  readonly runs: ReadonlyArray<string>
  /** Of its CREATE_PIPELINE, until that is whole. */
  readonly line: number
}

export interface Shell {
  readonly id: string
  readonly name: string
  /** In the order of the file. */
  readonly exchanges: Array<Recorded>
  readonly commands: Map<string, Command>
}

/** The fragments that a request carries. */
export const payloadsOf = (operation: Operation): ReadonlyArray<Uint8Array> => {
  switch (operation._tag) {
    case "Create":
      return operation.creationXml === undefined ? [] : [operation.creationXml]
    case "Command":
      return [operation.arguments]
    case "Send":
      return operation.streams.map(({ data }) => data)
    default:
      return []
  }
}

export const nameOfShell = (operation: Operation | undefined): string =>
  operation?._tag === "Create" ? (operation.name ?? "") : ""

/** What CREATE_PIPELINE runs, when it is whole. */
export const runsOf = (message: Uint8Array): ReadonlyArray<string> | undefined => {
  const decoded = Result.getOrUndefined(decodeMessage(message))
  if (decoded?.type !== MessageType.CreatePipeline) return undefined
  const pipeline = Result.getOrUndefined(readCreatePipeline(decoded.data))
  return pipeline?.statements.flat().map(({ name, isScript }) => (isScript ? "" : name))
}

const requestOf = ({ exchange }: Recorded): Effect.Effect<Request | undefined> =>
  Effect.map(Effect.result(readRequest(exchange.request)), (read) =>
    Result.isSuccess(read) && !("_tag" in read.success) ? read.success : undefined
  )

/** The recording by shell; what concerns none of its shells stays by itself. */
export const shellsOf = Effect.fnUntraced(function* (recording: ReadonlyArray<Recorded>) {
  const shells: Array<Shell> = []
  const byId = new Map<string, Shell>()
  const inputs = new Map<Shell, Defragmenter>()
  const others: Array<Recorded> = []
  for (const recorded of recording) {
    const { exchange } = recorded
    const request = ["Create", "Command", "Send"].includes(exchange.operation) ? yield* requestOf(recorded) : undefined
    const id = exchange.shellId?.toUpperCase() ?? ""
    if (exchange.operation === "Create") {
      const shell: Shell = {
        id,
        name: nameOfShell(request?.operation),
        exchanges: [recorded],
        commands: new Map()
      }
      shells.push(shell)
      byId.set(id, shell)
      inputs.set(shell, new Defragmenter())
      continue
    }
    const shell = byId.get(id)
    if (shell === undefined) {
      others.push(recorded)
      continue
    }
    shell.exchanges.push(recorded)
    if (request === undefined) continue
    const commandId = exchange.commandId?.toUpperCase() ?? ""
    if (exchange.operation === "Command") {
      shell.commands.set(commandId, { id: commandId, runs: [], line: recorded.line })
    }
    for (const data of payloadsOf(request.operation)) {
      for (const message of Result.getOrElse(inputs.get(shell)?.push(data) ?? Result.succeed([]), () => [])) {
        const runs = runsOf(message)
        const command = shell.commands.get(commandId)
        if (runs !== undefined && command !== undefined) shell.commands.set(commandId, { ...command, runs })
      }
    }
  }
  return { shells, others }
})
