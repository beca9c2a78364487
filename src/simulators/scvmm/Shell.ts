/**
 * A shell of the listener: who has it, whether its client is connected, when it was last used (MS-WSMV §3.1.1).
 *
 * Guarantees: a shell ends by Delete, by its IdleTimeOut or with the server, and nothing else; its commands end with it or
 * by Signal. One that is disconnected goes on, and keeps what its commands say.
 * Assumptions: time is the Clock's; a waiting Receive keeps its shell from being idle.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { cmdResource, namespaces } from "../../../layers/wsman/SoapNames.ts"
import type { ShellState } from "../../../layers/wsman/SoapShell.ts"
import type { Plugin } from "./Plugin.ts"
import type { Quotas } from "./Quotas.ts"

export interface Shell {
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
  readonly plugin: Plugin
  readonly scope: Scope.Closeable
  /** Open while no client is connected. */
  readonly disconnection: Latch.Latch
  /** SessionId of the client that it is connected to, or was last; "" of one that sends none. */
  client: string
  lastActivity: number
  /** Exchanges that wait. */
  waiting: number
  /** Commands begun. */
  begun: number
}

/** A shell as an observer sees it. */
export interface ShellInfo {
  readonly shellId: string
  readonly name: string | undefined
  readonly owner: string
  /** "" of a cmd shell. */
  readonly configurationName: string
  readonly state: "Connected" | "Disconnected"
  readonly pipelinesRunning: number
  /** Pipelines that ended or run, and were not terminated. */
  readonly pipelinesHeld: number
  readonly runTimeSeconds: number
  readonly inactivitySeconds: number
}

/** Name of the session configuration in a resource URI. */
export const configurationOf = (resourceUri: string): string | undefined => {
  const prefix = `${namespaces.powershell}/`
  return resourceUri.toLowerCase().startsWith(prefix) ? resourceUri.slice(prefix.length) : undefined
}

export const isDisconnected = (shell: Shell): boolean => shell.disconnection.isOpen()

/** What PowerShell takes without any module, as recorded. */
const emptyShellMegabytes = 58

export const memoryMegabytes = (shell: Shell, quotas: Quotas): number =>
  emptyShellMegabytes + shell.begun * quotas.pipelineMegabytes

const inactivitySeconds = (shell: Shell, now: number): number =>
  shell.waiting > 0 ? 0 : (now - shell.lastActivity) / 1000

export const infoOf = (shell: Shell, now: number): ShellInfo => {
  const commands = shell.plugin.commands()
  return {
    shellId: shell.id,
    name: shell.name,
    owner: shell.owner,
    configurationName: configurationOf(shell.resourceUri) ?? "",
    state: isDisconnected(shell) ? "Disconnected" : "Connected",
    pipelinesRunning: commands.filter(({ running }) => running).length,
    pipelinesHeld: commands.length,
    runTimeSeconds: (now - shell.created) / 1000,
    inactivitySeconds: inactivitySeconds(shell, now)
  }
}

/** What the answer to Create tells. Windows tells less of a cmd shell. */
export const stateOf = (shell: Shell, now: number): ShellState => ({
  shellId: shell.id,
  ...(shell.name === undefined ? {} : { name: shell.name }),
  resourceUri: shell.resourceUri,
  owner: shell.owner,
  ...(shell.resourceUri === cmdResource
    ? {}
    : { processId: shell.processId, state: isDisconnected(shell) ? "Disconnected" : "Connected" }),
  idleTimeoutSeconds: shell.idleTimeoutSeconds,
  inputStreams: shell.inputStreams,
  outputStreams: shell.outputStreams,
  runTimeSeconds: (now - shell.created) / 1000,
  inactivitySeconds: inactivitySeconds(shell, now)
})

/** What the answers to Get and Enumerate tell beside that. */
export const stateWithMemory = (shell: Shell, now: number, quotas: Quotas): ShellState => ({
  ...stateOf(shell, now),
  memoryUsedBytes: memoryMegabytes(shell, quotas) * 1024 * 1024,
  childProcesses: 0
})

/**
 * Disconnects the shell once nothing was asked of it for `disconnectIdleSeconds`, and returns once that has been so for its
 * IdleTimeOut, whatever its commands do.
 */
export const idle = Effect.fnUntraced(function* (shell: Shell, disconnectIdleSeconds: number) {
  for (;;) {
    const now = yield* Clock.currentTimeMillis
    const since = shell.waiting > 0 ? now : shell.lastActivity
    const expiry = since + shell.idleTimeoutSeconds * 1000
    if (expiry <= now) return
    const parting = shell.plugin.connect === undefined ? Infinity : since + disconnectIdleSeconds * 1000
    if (parting <= now) shell.disconnection.openUnsafe()
    const next = Math.min(expiry, parting > now ? parting : now + disconnectIdleSeconds * 1000)
    // What is left of a millisecond may be too little for the clock to move by.
    yield* Effect.sleep(Math.ceil(next - now))
  }
})
