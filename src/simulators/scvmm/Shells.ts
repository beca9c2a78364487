/** The shells of a simulated WinRM listener: who may have how many, and which of them a request concerns. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import type { FaultToWrite } from "../../../layers/wsman/Fault.ts"
import { cmdResource, commandResource, configResource, shellResource } from "../../../layers/wsman/SoapNames.ts"
import type { Create, Enumerate } from "../../../layers/wsman/SoapOperation.ts"
import type { Request } from "../../../layers/wsman/SoapRequest.ts"
import type { Answer } from "../../../layers/wsman/SoapResponse.ts"
import * as Guid from "../../../schemas/Guid.ts"
import * as CmdShell from "./CmdShell.ts"
import * as Enumerations from "./Enumerations.ts"
import type { Delivery } from "./Outbox.ts"
import { type Plugin, PluginRefusal } from "./Plugin.ts"
import type { PowerShellHost } from "./PowerShellHost.ts"
import * as PsrpServer from "./PsrpServer.ts"
import type { Quotas } from "./Quotas.ts"
import { configurationOf, idle, infoOf, type Shell, type ShellInfo, stateOf, stateWithMemory } from "./Shell.ts"
import * as ShellOperations from "./ShellOperations.ts"
import * as Faults from "./WinRmFaults.ts"

export interface Options {
  readonly host: PowerShellHost
  readonly quotas: Quotas
  /** Session configurations that exist, by name. */
  readonly configurations: ReadonlyArray<string>
  readonly versionTable: Readonly<Record<string, PsValue>>
  readonly delivery: Delivery
  readonly fragmentBytes: number
}

export interface Shells {
  /** The scope is the exchange's: it fails when the answer does not reach the client. */
  readonly perform: (userName: string, request: Request) => Effect.Effect<Answer, never, Scope.Scope>
  readonly list: Effect.Effect<ReadonlyArray<ShellInfo>>
  /** Commands begun since the start. */
  readonly commands: Effect.Effect<number>
}

const fault = (fault: FaultToWrite): Answer => ({ _tag: "Fault", fault })

const guid = /^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/u

export const make = Effect.fn("Shells.make")(function* (options: Options) {
  const { quotas, host, delivery } = options
  const scope = yield* Effect.scope
  const shells = new Map<string, Shell>()
  const operations = ShellOperations.make(quotas)
  const enumerations = Enumerations.make()
  const configurations = new Set(options.configurations.map((name) => name.toLowerCase()))
  /** Requests that are being carried out, by user. */
  const inFlight = new Map<string, number>()
  let processes = 4000

  const close = (shell: Shell): Effect.Effect<void> =>
    Effect.suspend(() => {
      shells.delete(shell.id)
      shell.plugin.abandon()
      return Scope.close(shell.scope, Exit.void)
    })

  const exceeded = (userName: string): FaultToWrite | undefined => {
    const owners = [...shells.values()].map(({ owner }) => owner)
    if (!owners.includes(userName) && new Set(owners).size >= quotas.maxConcurrentUsers) return Faults.maxShellUsers
    return owners.filter((owner) => owner === userName).length >= quotas.maxShellsPerUser
      ? Faults.maxShellsPerUser(quotas.maxShellsPerUser)
      : undefined
  }

  const pluginOf = (
    { header: { options: given } }: Request,
    { creationXml }: Create,
    own: { readonly userName: string; readonly shellId: string; readonly scope: Scope.Closeable }
  ): Effect.Effect<Plugin, PluginRefusal> =>
    creationXml === undefined
      ? CmdShell.make({ ...own, host, delivery, codePage: given["WINRS_CODEPAGE"] })
      : PsrpServer.make({ ...own, ...options }, creationXml)

  const create = Effect.fnUntraced(function* (
    userName: string,
    request: Request,
    operation: Create
  ): Effect.fn.Return<Answer> {
    const { header } = request
    const powershell = configurationOf(header.resourceUri) !== undefined
    if (powershell !== (operation.creationXml !== undefined))
      return fault(
        Faults.schemaInvalid(`a shell of ${header.resourceUri} ${powershell ? "needs" : "has no"} creationXml`)
      )
    if (powershell && !/^2\.\d+$/u.test(header.options["protocolversion"] ?? "")) return fault(Faults.protocolVersion)
    const refused = exceeded(userName)
    if (refused !== undefined) return fault(refused)
    const id = (operation.shellId ?? (yield* Guid.random)).toUpperCase()
    if (!guid.test(id)) return fault(Faults.shellIdInvalid)
    if (shells.has(id)) return fault(Faults.shellExists)
    const now = yield* Clock.currentTimeMillis
    const own = yield* Scope.fork(scope)
    const made = yield* Effect.result(pluginOf(request, operation, { userName, shellId: id, scope: own }))
    if (made._tag === "Failure") {
      yield* Scope.close(own, Exit.void)
      return fault(Faults.pluginError(made.failure.reason))
    }
    processes += 4
    const shell: Shell = {
      id,
      name: operation.name,
      owner: userName,
      resourceUri: header.resourceUri,
      processId: processes,
      inputStreams: operation.inputStreams,
      outputStreams: operation.outputStreams,
      idleTimeoutSeconds: operation.idleTimeoutSeconds ?? quotas.idleTimeoutSeconds,
      created: now,
      plugin: made.success,
      scope: own,
      disconnection: Latch.makeUnsafe(false),
      client: header.sessionId ?? "",
      lastActivity: now,
      waiting: 0,
      begun: 0
    }
    shells.set(id, shell)
    // The end of its own scope would interrupt its closing: that happens in the server's.
    yield* Effect.forkIn(
      Effect.andThen(
        idle(shell, quotas.disconnectIdleSeconds),
        Effect.forkIn(close(shell), scope, { startImmediately: true })
      ),
      own
    )
    return { _tag: "Created", shell: stateOf(shell, now) }
  })

  /** All shells, or the commands of one. */
  const enumerate = Effect.fnUntraced(function* (resourceUri: string, operation: Enumerate): Effect.fn.Return<Answer> {
    const { filter } = operation
    if (resourceUri.toLowerCase() === shellResource) {
      const now = yield* Clock.currentTimeMillis
      const states = [...shells.values()].map((shell) => stateWithMemory(shell, now, quotas))
      return { _tag: "Enumerated", page: yield* enumerations.begin(operation, states) }
    }
    if (filter["ShellId"] === undefined) return fault(Faults.commandFilterExpected)
    const shell = shells.get(filter["ShellId"].toUpperCase())
    if (shell === undefined) return fault(Faults.invalidSelectors)
    const commands = shell.plugin.commands().map(({ commandId, commandLine, running }) => ({
      commandId,
      commandLine,
      state: running ? ("Running" as const) : ("Done" as const)
    }))
    return { _tag: "Enumerated", page: yield* enumerations.begin(operation, commands) }
  })

  /** Operations on no shell in particular. */
  const onListener = Effect.fnUntraced(function* (request: Request): Effect.fn.Return<Answer | undefined> {
    const { operation } = request
    const resource = request.header.resourceUri.toLowerCase()
    const lists = resource === shellResource || resource === commandResource.toLowerCase()
    if (operation._tag === "Enumerate" && lists) return yield* enumerate(resource, operation)
    if (operation._tag === "Pull" && lists) {
      const page = yield* enumerations.next(operation)
      return "items" in page ? { _tag: "Pulled", page } : fault(page)
    }
    if (operation._tag !== "Get" || resource !== configResource) return undefined
    return {
      _tag: "Config",
      config: {
        maxEnvelopeKilobytes: Math.floor(quotas.maxEnvelopeBytes / 1024),
        maxTimeoutMillis: quotas.maxTimeoutSeconds * 1000
      }
    }
  })

  const carryOut = Effect.fnUntraced(function* (
    userName: string,
    request: Request
  ): Effect.fn.Return<Answer, never, Scope.Scope> {
    const { header, operation } = request
    const answered = yield* onListener(request)
    if (answered !== undefined) return answered
    const resource = header.resourceUri.toLowerCase()
    const known = resource === cmdResource || configurations.has(configurationOf(resource) ?? "")
    if (!known && !(operation._tag === "Get" && resource === shellResource))
      return fault(Faults.invalidResourceUri(header.resourceUri))
    if (operation._tag === "Create") return yield* Effect.uninterruptible(create(userName, request, operation))
    const shell = shells.get((header.selectors["ShellId"] ?? "").toUpperCase())
    if (shell === undefined) return fault(Faults.invalidSelectors)
    if (shell.owner !== userName) return fault(Faults.accessDenied)
    if (operation._tag === "Get")
      return { _tag: "Shell", shell: stateWithMemory(shell, yield* Clock.currentTimeMillis, quotas) }
    if (operation._tag === "Delete")
      return yield* Effect.uninterruptible(Effect.as(close(shell), { _tag: "Deleted" } satisfies Answer))
    return yield* operations.perform(shell, request)
  })

  const perform: Shells["perform"] = (userName, request) =>
    Effect.suspend(() => {
      const before = inFlight.get(userName) ?? 0
      if (before >= quotas.maxConcurrentOperationsPerUser)
        return Effect.succeed(fault(Faults.maxOperationsPerUser(quotas.maxConcurrentOperationsPerUser)))
      inFlight.set(userName, before + 1)
      return Effect.ensuring(
        carryOut(userName, request),
        Effect.sync(() => void inFlight.set(userName, (inFlight.get(userName) ?? 1) - 1))
      )
    })

  return {
    perform,
    list: Effect.map(Clock.currentTimeMillis, (now) => [...shells.values()].map((shell) => infoOf(shell, now))),
    commands: Effect.sync(operations.begun)
  } satisfies Shells
})
