/** What each operation does to a shell of the listener (MS-WSMV §3.1.4). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { FaultToWrite } from "../../../layers/wsman/Fault.ts"
import type { Command, CommandLine, Connect, Receive, Signal } from "../../../layers/wsman/SoapOperation.ts"
import type { Request } from "../../../layers/wsman/SoapRequest.ts"
import type { Answer } from "../../../layers/wsman/SoapResponse.ts"
import type { StreamData } from "../../../layers/wsman/SoapStream.ts"
import * as Guid from "../../../schemas/Guid.ts"
import type { PluginRefusal } from "./Plugin.ts"
import type { Quotas } from "./Quotas.ts"
import { isDisconnected, memoryMegabytes, type Shell } from "./Shell.ts"
import * as Faults from "./WinRmFaults.ts"

/** Operations on a shell that exists, of a user that owns it. */
export interface ShellOperations {
  /** The scope is the exchange's: it fails when the answer does not reach the client. */
  readonly perform: (shell: Shell, request: Request) => Effect.Effect<Answer, never, Scope.Scope>
  /** Commands begun since the start. */
  readonly begun: () => number
}

const fault = (fault: FaultToWrite): Answer => ({ _tag: "Fault", fault })

const refused = (refusal: PluginRefusal): Answer => fault(Faults.pluginError(refusal.reason))

const guid = /^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/u

/** Room that headers and the markup around all streams take in an answer. */
const envelopeOverhead = 3072

/** Takes what there is for a Receive. */
const receive = Effect.fnUntraced(function* (shell: Shell, request: Request, operation: Receive, quotas: Quotas) {
  const commandId = operation.commandId?.toUpperCase()
  const outbox = commandId === undefined ? shell.plugin.outbox : shell.plugin.outboxOf(commandId)
  if (outbox === undefined) return fault(commandId === undefined ? Faults.invalidParameter : Faults.invalidSelectors)
  const { operationTimeoutSeconds = quotas.maxTimeoutSeconds, maxEnvelopeBytes = 153_600 } = request.header
  if (maxEnvelopeBytes < Faults.minEnvelopeBytes) return fault(Faults.envelopeTooSmall)
  const room = ((Math.min(maxEnvelopeBytes, quotas.maxEnvelopeBytes) - envelopeOverhead) * 3) / 4
  shell.waiting++
  const taken = yield* Effect.raceFirst(outbox.take(room), Effect.as(shell.disconnection.await, undefined)).pipe(
    Effect.timeoutOption(Math.min(operationTimeoutSeconds, quotas.maxTimeoutSeconds) * 1000),
    Effect.ensuring(
      Effect.map(Clock.currentTimeMillis, (now) => {
        shell.waiting--
        shell.lastActivity = now
      })
    )
  )
  if (Option.isNone(taken)) return fault(Faults.operationTimeout)
  if (taken.value === undefined) return fault(Faults.shellDisconnected)
  const { pieces, state, exitCode } = taken.value
  // Windows, too, is said to repeat what a Receive answered when the answer got lost.
  yield* Effect.addFinalizer((exit) =>
    Effect.sync(() => {
      if (Exit.isFailure(exit)) outbox.restore(pieces)
    })
  )
  if (state === "Gone") return fault(Faults.invalidSelectors)
  const id = commandId === undefined ? {} : { commandId }
  const ends = state === "Done" ? shell.plugin.marksEndOf : []
  return {
    _tag: "Received",
    streams: [
      ...pieces.map(({ stream, data }) => ({ name: stream, ...id, data })),
      ...ends.map((name) => ({ name, ...id, data: new Uint8Array(0), end: true }))
    ],
    ...id,
    ...(commandId === undefined ? {} : { state }),
    ...(state === "Done" ? { exitCode } : {})
  } satisfies Answer
})

const send = Effect.fnUntraced(function* (shell: Shell, streams: ReadonlyArray<StreamData>) {
  for (const stream of streams) {
    const id = stream.commandId?.toUpperCase()
    if (id !== undefined && shell.plugin.outboxOf(id) === undefined) return fault(Faults.invalidSelectors)
    const taken = yield* Effect.result(shell.plugin.send(id, stream))
    if (taken._tag === "Failure") return refused(taken.failure)
  }
  return { _tag: "Sent" } satisfies Answer
})

const signal = (shell: Shell, { commandId = "", code }: Signal): Answer =>
  shell.plugin.signal(commandId.toUpperCase(), code) ? { _tag: "Signalled" } : fault(Faults.invalidSelectors)

const disconnect = (shell: Shell): Answer => {
  if (shell.plugin.connect === undefined) return fault(Faults.disconnectNotSupported)
  if (isDisconnected(shell)) return fault(Faults.alreadyDisconnected)
  shell.disconnection.openUnsafe()
  return { _tag: "Disconnected" }
}

/** By the client that has the shell; one that is connected stays so. */
const reconnect = (shell: Shell, client: string): Answer => {
  if (shell.plugin.connect === undefined) return fault(Faults.disconnectNotSupported)
  if (client !== shell.client) return fault(Faults.otherClient)
  shell.disconnection.closeUnsafe()
  return { _tag: "Reconnected" }
}

/** A client takes a shell over, then each of its commands. */
const connect = Effect.fnUntraced(function* (
  shell: Shell,
  client: string,
  operation: Connect
): Effect.fn.Return<Answer> {
  const { plugin } = shell
  if (plugin.connect === undefined) return fault(Faults.disconnectNotSupported)
  if (!isDisconnected(shell) && client !== shell.client) return fault(Faults.connectedToOther)
  const { commandId, connectXml } = operation
  if (commandId !== undefined)
    return plugin.outboxOf(commandId.toUpperCase()) === undefined
      ? fault(Faults.invalidSelectors)
      : { _tag: "Connected", connected: {} }
  if (connectXml === undefined) return fault(Faults.schemaInvalid("Connect without connectXml"))
  const answered = yield* Effect.result(plugin.connect(connectXml))
  if (answered._tag === "Failure") return refused(answered.failure)
  shell.client = client
  shell.disconnection.closeUnsafe()
  return {
    _tag: "Connected",
    connected: {
      inputStreams: shell.inputStreams,
      outputStreams: shell.outputStreams,
      connectResponseXml: answered.success
    }
  }
})

export const make = (quotas: Quotas): ShellOperations => {
  let begun = 0

  const command = Effect.fnUntraced(function* (shell: Shell, operation: Command | CommandLine) {
    const { plugin } = shell
    const commandId = (operation.commandId ?? (yield* Guid.random)).toUpperCase()
    if (!guid.test(commandId)) return fault(Faults.commandIdInvalid)
    if (plugin.outboxOf(commandId) !== undefined) return fault(Faults.commandExists)
    if (plugin.commands().length >= quotas.maxCommandsPerShell)
      return fault(Faults.maxCommandsPerShell(quotas.maxCommandsPerShell))
    if (memoryMegabytes(shell, quotas) > quotas.maxMemoryPerShellMegabytes) return fault(Faults.outOfMemory)
    return yield* plugin.begin(commandId, operation).pipe(
      Effect.map((): Answer => {
        begun++
        shell.begun++
        return { _tag: "CommandStarted", commandId }
      }),
      Effect.catch((refusal) => Effect.succeed(refused(refusal)))
    )
  })

  const perform: ShellOperations["perform"] = Effect.fnUntraced(function* (shell, request) {
    const { header, operation } = request
    const client = header.sessionId ?? ""
    shell.lastActivity = yield* Clock.currentTimeMillis
    switch (operation._tag) {
      case "Disconnect":
        return disconnect(shell)
      case "Reconnect":
        return reconnect(shell, client)
      case "Connect":
        return yield* Effect.uninterruptible(connect(shell, client, operation))
    }
    if (isDisconnected(shell)) return fault(Faults.shellDisconnected)
    // What changes something is carried out even when its client goes away meanwhile.
    switch (operation._tag) {
      case "Command":
      case "CommandLine":
        return yield* Effect.uninterruptible(command(shell, operation))
      case "Send":
        return yield* Effect.uninterruptible(send(shell, operation.streams))
      case "Receive":
        return yield* receive(shell, request, operation, quotas)
      case "Signal":
        return signal(shell, operation)
      default:
        return fault(Faults.actionNotSupported(operation._tag))
    }
  })

  return { perform, begun: () => begun }
}
