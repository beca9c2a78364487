/**
 * The shells of a simulated WinRM listener, and what each operation does to them (MS-WSMV §3.1.4).
 *
 * Guarantees: a shell ends by Delete, by its IdleTimeOut or with the server, and nothing else; its pipelines end with it
 * or by Signal. An operation that changes something is carried out even when its client goes away meanwhile.
 * Assumptions: time is the Clock's; a waiting Receive keeps its shell from being idle.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { namespaces, shellResource, signals } from "../../../layers/wsman/SoapNames.ts"
import type { Create, Receive, Signal } from "../../../layers/wsman/SoapOperation.ts"
import type { Request } from "../../../layers/wsman/SoapRequest.ts"
import type { Answer } from "../../../layers/wsman/SoapResponse.ts"
import type { ShellState } from "../../../layers/wsman/SoapShell.ts"
import type { StreamData } from "../../../layers/wsman/SoapStream.ts"
import type { FaultToWrite } from "../../../layers/wsman/Fault.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import * as Guid from "../../../schemas/Guid.ts"
import type { Delivery } from "./Outbox.ts"
import type { PowerShellHost } from "./PowerShellHost.ts"
import * as PsrpServer from "./PsrpServer.ts"
import * as Faults from "./WinRmFaults.ts"

export interface Quotas {
  /** Default 30. */
  readonly maxShellsPerUser: number
  /** Commands that nobody terminated yet. Default 1000. */
  readonly maxCommandsPerShell: number
  /** Default 1024. */
  readonly maxMemoryPerShellMegabytes: number
  /** What a pipeline takes of its shell's memory and never gives back. Default 0. */
  readonly pipelineMegabytes: number
  /** Longer OperationTimeouts are cut to this. Default 60. */
  readonly maxTimeoutSeconds: number
  /** IdleTimeOut of a shell that asks for none. Default 7200. */
  readonly idleTimeoutSeconds: number
  /** Of a request. Default 512000. */
  readonly maxEnvelopeBytes: number
}

export const defaultQuotas: Quotas = {
  maxShellsPerUser: 30,
  maxCommandsPerShell: 1000,
  maxMemoryPerShellMegabytes: 1024,
  pipelineMegabytes: 0,
  maxTimeoutSeconds: 60,
  idleTimeoutSeconds: 7200,
  maxEnvelopeBytes: 512_000
}

export interface Options {
  readonly host: PowerShellHost
  readonly quotas: Quotas
  /** Session configurations that exist, by name. */
  readonly configurations: ReadonlyArray<string>
  readonly versionTable: Readonly<Record<string, PsValue>>
  readonly delivery: Delivery
}

/** A shell as an observer sees it. */
export interface ShellInfo {
  readonly shellId: string
  readonly name: string | undefined
  readonly owner: string
  readonly configurationName: string
  readonly pipelinesRunning: number
  /** Pipelines that ended or run, and were not terminated. */
  readonly pipelinesHeld: number
  readonly runTimeSeconds: number
  readonly inactivitySeconds: number
}

interface Shell {
  readonly id: string
  readonly name: string | undefined
  readonly owner: string
  readonly resourceUri: string
  readonly processId: number
  readonly inputStreams: ReadonlyArray<string>
  readonly outputStreams: ReadonlyArray<string>
  readonly idleTimeoutSeconds: number
  /** Milliseconds of the Clock. */
  readonly created: number
  readonly psrp: PsrpServer.PsrpServer
  readonly scope: Scope.Closeable
  lastActivity: number
  /** Exchanges that wait. */
  waiting: number
  /** Pipelines begun. */
  begun: number
}

export interface Shells {
  /** The scope is the exchange's: it fails when the answer does not reach the client. */
  readonly perform: (userName: string, request: Request) => Effect.Effect<Answer, never, Scope.Scope>
  readonly list: Effect.Effect<ReadonlyArray<ShellInfo>>
  /** Pipelines begun since the start. */
  readonly pipelines: Effect.Effect<number>
}

const fault = (fault: FaultToWrite): Answer => ({ _tag: "Fault", fault })

const nameOf = (resourceUri: string): string | undefined => {
  const prefix = `${namespaces.powershell}/`
  return resourceUri.toLowerCase().startsWith(prefix) ? resourceUri.slice(prefix.length) : undefined
}

/** What PowerShell takes without any module, as recorded. */
const emptyShellMegabytes = 58

/** Room that headers and the markup of streams take in an answer. */
const envelopeOverhead = 3072

export const make = Effect.fn("Shells.make")(function* (options: Options) {
  const { quotas } = options
  const scope = yield* Effect.scope
  const shells = new Map<string, Shell>()
  const configurations = new Set(options.configurations.map((name) => name.toLowerCase()))
  let processes = 4000
  let pipelines = 0

  const close = (shell: Shell): Effect.Effect<void> =>
    Effect.suspend(() => {
      shells.delete(shell.id)
      shell.psrp.abandon()
      return Scope.close(shell.scope, Exit.void)
    })

  /** Ends the shell once nothing was asked of it for its IdleTimeOut, whatever its pipelines do. */
  const watchIdle = Effect.fnUntraced(function* (shell: Shell) {
    for (;;) {
      const now = yield* Clock.currentTimeMillis
      const due = (shell.waiting > 0 ? now : shell.lastActivity) + shell.idleTimeoutSeconds * 1000
      if (due <= now) break
      yield* Effect.sleep(due - now)
    }
    // Not in the shell's own scope, whose end would interrupt its closing.
    yield* Effect.forkIn(close(shell), scope, { startImmediately: true })
  })

  const infoOf = (shell: Shell, now: number) =>
    ({
      shellId: shell.id,
      ...(shell.name === undefined ? {} : { name: shell.name }),
      resourceUri: shell.resourceUri,
      owner: shell.owner,
      processId: shell.processId,
      idleTimeoutSeconds: shell.idleTimeoutSeconds,
      inputStreams: shell.inputStreams,
      outputStreams: shell.outputStreams,
      state: "Connected",
      runTimeSeconds: (now - shell.created) / 1000,
      inactivitySeconds: shell.waiting > 0 ? 0 : (now - shell.lastActivity) / 1000
    }) satisfies ShellState

  const create = Effect.fnUntraced(function* (
    userName: string,
    request: Request,
    operation: Create
  ): Effect.fn.Return<Answer> {
    if (operation.creationXml === undefined) return fault(Faults.pluginError("Create without creationXml"))
    const version = request.header.options["protocolversion"] ?? ""
    if (!/^2\.\d+$/u.test(version)) return fault(Faults.protocolVersion)
    const mine = [...shells.values()].filter(({ owner }) => owner === userName)
    if (mine.length >= quotas.maxShellsPerUser) return fault(Faults.maxShellsPerUser(quotas.maxShellsPerUser))
    const id = (operation.shellId ?? (yield* Guid.random)).toUpperCase()
    if (shells.has(id) || !/^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/u.test(id)) return fault(Faults.shellExists)
    const now = yield* Clock.currentTimeMillis
    const own = yield* Scope.fork(scope)
    const psrp = yield* PsrpServer.make({
      host: options.host,
      userName,
      shellId: id,
      versionTable: options.versionTable,
      scope: own,
      delivery: options.delivery
    })
    const accepted = yield* Effect.result(psrp.receive(operation.creationXml))
    if (accepted._tag === "Failure") {
      yield* Scope.close(own, Exit.void)
      return fault(Faults.pluginError(accepted.failure.reason))
    }
    processes += 4
    const shell: Shell = {
      id,
      name: operation.name,
      owner: userName,
      resourceUri: request.header.resourceUri,
      processId: processes,
      inputStreams: operation.inputStreams,
      outputStreams: operation.outputStreams,
      idleTimeoutSeconds: operation.idleTimeoutSeconds ?? quotas.idleTimeoutSeconds,
      created: now,
      psrp,
      scope: own,
      lastActivity: now,
      waiting: 0,
      begun: 0
    }
    shells.set(id, shell)
    yield* Effect.forkIn(watchIdle(shell), own)
    return { _tag: "Created", shell: infoOf(shell, now) }
  })

  const command = Effect.fnUntraced(function* (shell: Shell, requested: string | undefined, data: Uint8Array) {
    const commandId = (requested ?? (yield* Guid.random)).toUpperCase()
    if (shell.psrp.pipelineOutbox(commandId) !== undefined)
      return fault(Faults.pluginError(`command ${commandId} exists already`))
    if (shell.psrp.pipelines().held >= quotas.maxCommandsPerShell)
      return fault(Faults.maxCommandsPerShell(quotas.maxCommandsPerShell))
    if (emptyShellMegabytes + shell.begun * quotas.pipelineMegabytes > quotas.maxMemoryPerShellMegabytes)
      return fault(Faults.outOfMemory)
    return yield* shell.psrp.receiveFor(commandId, data).pipe(
      Effect.map((): Answer => {
        pipelines++
        shell.begun++
        return { _tag: "CommandStarted", commandId }
      }),
      Effect.catch((refusal) => Effect.succeed(fault(Faults.pluginError(refusal.reason))))
    )
  })

  const send = Effect.fnUntraced(function* (shell: Shell, streams: ReadonlyArray<StreamData>) {
    for (const { name, commandId, data } of streams) {
      const id = commandId?.toUpperCase()
      if (id !== undefined && shell.psrp.pipelineOutbox(id) === undefined) return fault(Faults.invalidSelectors)
      // Answers to host calls, which this host never makes.
      if (name === "pr") continue
      const refused = yield* Effect.result(
        id === undefined ? shell.psrp.receive(data) : shell.psrp.receiveFor(id, data)
      )
      if (refused._tag === "Failure") return fault(Faults.pluginError(refused.failure.reason))
    }
    return { _tag: "Sent" } satisfies Answer
  })

  const receive = Effect.fnUntraced(function* (shell: Shell, request: Request, operation: Receive) {
    const commandId = operation.commandId?.toUpperCase()
    const outbox = commandId === undefined ? shell.psrp.outbox : shell.psrp.pipelineOutbox(commandId)
    if (outbox === undefined) return fault(Faults.invalidSelectors)
    const { operationTimeoutSeconds = quotas.maxTimeoutSeconds, maxEnvelopeBytes = 153_600 } = request.header
    const room = ((Math.min(maxEnvelopeBytes, quotas.maxEnvelopeBytes) - envelopeOverhead) * 3) / 4
    shell.waiting++
    const batch = yield* outbox.take(room).pipe(
      Effect.timeoutOption(Math.min(operationTimeoutSeconds, quotas.maxTimeoutSeconds) * 1000),
      Effect.ensuring(
        Effect.map(Clock.currentTimeMillis, (now) => {
          shell.waiting--
          shell.lastActivity = now
        })
      )
    )
    if (Option.isNone(batch)) return fault(Faults.operationTimeout)
    const { fragments, state } = batch.value
    // Windows, too, is said to repeat what a Receive answered when the answer got lost.
    yield* Effect.addFinalizer((exit) =>
      Effect.sync(() => {
        if (Exit.isFailure(exit)) outbox.restore(fragments)
      })
    )
    if (state === "Gone") return fault(Faults.invalidSelectors)
    const id = commandId === undefined ? {} : { commandId }
    return {
      _tag: "Received",
      streams: fragments.map((data) => ({ name: "stdout", ...id, data })),
      ...id,
      ...(commandId === undefined ? {} : { state }),
      ...(state === "Done" ? { exitCode: 0 } : {})
    } satisfies Answer
  })

  const signal = (shell: Shell, operation: Signal): Answer => {
    const id = operation.commandId?.toUpperCase() ?? ""
    // Any other code closes the command, as PowerShell's own plugin does.
    const known = operation.code === signals.stop ? shell.psrp.stop(id) : shell.psrp.terminate(id)
    return known ? { _tag: "Signalled" } : fault(Faults.invalidSelectors)
  }

  const perform = Effect.fnUntraced(function* (
    userName: string,
    request: Request
  ): Effect.fn.Return<Answer, never, Scope.Scope> {
    const { header, operation } = request
    const configuration = nameOf(header.resourceUri)
    const known = configuration !== undefined && configurations.has(configuration.toLowerCase())
    if (!known && !(operation._tag === "Get" && header.resourceUri === shellResource))
      return fault(Faults.invalidResourceUri(header.resourceUri))
    if (operation._tag === "Create") return yield* Effect.uninterruptible(create(userName, request, operation))
    const shell = shells.get((header.selectors["ShellId"] ?? "").toUpperCase())
    if (shell === undefined) return fault(Faults.invalidSelectors)
    if (shell.owner !== userName) return fault(Faults.accessDenied)
    const now = yield* Clock.currentTimeMillis
    if (operation._tag === "Get") return { _tag: "Shell", shell: infoOf(shell, now) }
    shell.lastActivity = now
    switch (operation._tag) {
      case "Command":
        return yield* Effect.uninterruptible(command(shell, operation.commandId, operation.arguments))
      case "Send":
        return yield* Effect.uninterruptible(send(shell, operation.streams))
      case "Receive":
        return yield* receive(shell, request, operation)
      case "Signal":
        return signal(shell, operation)
      case "Delete":
        return yield* Effect.uninterruptible(Effect.as(close(shell), { _tag: "Deleted" } satisfies Answer))
      default:
        return fault(Faults.actionNotSupported(operation._tag))
    }
  })

  const list = Effect.map(Clock.currentTimeMillis, (now) =>
    [...shells.values()].map((shell): ShellInfo => {
      const { running, held } = shell.psrp.pipelines()
      const { runTimeSeconds, inactivitySeconds } = infoOf(shell, now)
      return {
        shellId: shell.id,
        name: shell.name,
        owner: shell.owner,
        configurationName: nameOf(shell.resourceUri) ?? "",
        pipelinesRunning: running,
        pipelinesHeld: held,
        runTimeSeconds,
        inactivitySeconds
      }
    })
  )

  return { perform, list, pipelines: Effect.sync(() => pipelines) } satisfies Shells
})
