/** PowerShell's plugin behind a shell: the PSRP of a runspace pool and its pipelines, server's side (MS-PSRP §3.2). */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import { signals } from "../../../layers/wsman/SoapNames.ts"
import * as Outbox from "./Outbox.ts"
import { type Plugin, PluginRefusal } from "./Plugin.ts"
import type { PowerShellHost } from "./PowerShellHost.ts"
import * as PsrpPipelines from "./PsrpPipelines.ts"
import * as PsrpPool from "./PsrpPool.ts"
import * as PsrpWire from "./PsrpWire.ts"
import * as Runspaces from "./Runspaces.ts"

export interface Options {
  readonly host: PowerShellHost
  readonly userName: string
  /** Upper-case GUID, also the pool's. */
  readonly shellId: string
  /** Entries of $PSVersionTable. */
  readonly versionTable: Readonly<Record<string, PsValue>>
  /** The shell's: its end interrupts all pipelines. */
  readonly scope: Scope.Scope
  readonly delivery: Outbox.Delivery
  /** Of a whole fragment, its header included. */
  readonly fragmentBytes: number
}

/** Opens the pool that creationXml asks for. */
export const make = Effect.fnUntraced(function* (
  options: Options,
  creationXml: Uint8Array
): Effect.fn.Return<Plugin, PluginRefusal> {
  const { host, scope, shellId, userName, delivery } = options
  const wire = PsrpWire.make(shellId, options.fragmentBytes)
  const outbox = Outbox.make(delivery)
  const runspaces = yield* Runspaces.make(host, { userName, shellId }, scope)
  const pool = PsrpPool.make({ wire, outbox, runspaces, versionTable: options.versionTable, scope })
  const pipelines = PsrpPipelines.make({ userName, wire, runspaces, delivery, scope })
  yield* pool.receive(creationXml)
  return {
    outbox,
    outboxOf: pipelines.outboxOf,
    marksEndOf: [],
    begin: (commandId, command) =>
      command._tag === "Command"
        ? pipelines.receive(commandId, command.arguments)
        : Effect.fail(new PluginRefusal({ reason: "a runspace pool runs no command line" })),
    send: (commandId, { name, data }) => {
      // Answers to host calls, which this host never makes.
      if (name === "pr") return Effect.void
      return commandId === undefined ? pool.receive(data) : pipelines.receive(commandId, data)
    },
    // Any other code closes the command, as PowerShell's own plugin does.
    signal: (commandId, code) => pipelines.end(commandId, code === signals.stop ? "stop" : "terminate"),
    connect: (connectXml) => Effect.tap(pool.connect(connectXml), () => Effect.sync(pipelines.renumber)),
    abandon: () => {
      outbox.abandon()
      pipelines.abandon()
    },
    commands: pipelines.list
  }
})
