/** A PowerShell host that answers our functions from the model: it runs no PowerShell, it knows which functions a script defines. */
import * as Effect from "effect/Effect"
import { toJs } from "../../../layers/psrp/PsJson.ts"
import { newVirtualMachine } from "./CreateFunction.ts"
import { expandVirtualDisk } from "./DiskFunctions.ts"
import { importMedium, mountMedium, removeLeftover } from "./MediumFunctions.ts"
import { type Model, pause } from "./Model.ts"
import { removeVirtualMachine, startVirtualMachine, stopVirtualMachine } from "./PowerFunctions.ts"
import type { Terminated } from "./PowerShellHost.ts"
import type { Command, PowerShellHost, Runspace, Streams } from "./PowerShellHost.ts"
import { connectServer, findVirtualMachine, getVirtualMachine, getVirtualMachineList } from "./ReadFunctions.ts"
import type { Caller, SimulatedFunction } from "./SimulatedFunction.ts"
import { extend } from "./SessionScript.ts"
import { bindingError, commandNotFound, vmmError } from "./VmmError.ts"

type Functions = ReadonlyMap<string, SimulatedFunction>

const usual: ReadonlyArray<SimulatedFunction> = [
  connectServer,
  getVirtualMachine,
  findVirtualMachine,
  getVirtualMachineList,
  newVirtualMachine,
  expandVirtualDisk,
  startVirtualMachine,
  stopVirtualMachine,
  removeVirtualMachine,
  importMedium,
  mountMedium,
  removeLeftover
]

/** Names of the functions that a script defines, in lower case. */
export const definitions = (script: string): ReadonlyArray<string> =>
  [...script.matchAll(/^[ \t]*function\s+(?:(?:global|script):)?([A-Za-z][\w-]*)\s*(?:\([^)]*\)\s*)?\{/gimu)].flatMap(
    ([, name]) => (name === undefined ? [] : [name.toLowerCase()])
  )

/** What ends in the host's own display: nothing travels on. */
const sinks: ReadonlySet<string> = new Set(["out-null", "out-default"])

const call = (
  functions: Functions,
  caller: Caller,
  defined: ReadonlySet<string>,
  command: Command,
  streams: Streams
): Effect.Effect<ReadonlyArray<string>, Terminated> =>
  Effect.gen(function* () {
    const key = command.name.toLowerCase()
    const target = functions.get(key)
    if (target === undefined || !defined.has(key)) return yield* Effect.fail(commandNotFound(command.name))
    const { model } = caller
    model.calls.set(target.name, (model.calls.get(target.name) ?? 0) + 1)
    const given: Array<readonly [string, unknown]> = []
    for (const { name, value } of command.parameters) {
      if (name === undefined) {
        return yield* Effect.fail(
          bindingError(
            "NamedParameterNotFound",
            target.name,
            "A positional parameter cannot be found that accepts argument."
          )
        )
      }
      given.push([name.replace(/^-|:$/gu, ""), toJs(value)])
    }
    if (!caller.connected && target !== connectServer) {
      return yield* Effect.fail(vmmError(1615, "Get-SCVirtualMachine"))
    }
    const fault = model.faults.ofVerb(target.name)
    if (fault === "stuck") return yield* Effect.never
    if (typeof fault === "object") return yield* Effect.fail(vmmError(fault.code, target.name))
    return yield* target.invoke(caller, given, streams)
  })

const invoke =
  (functions: Functions, caller: Caller, defined: Set<string>) =>
  (commands: ReadonlyArray<Command>, streams: Streams): Effect.Effect<void, Terminated> =>
    Effect.gen(function* () {
      let output: ReadonlyArray<string> = []
      for (const command of commands) {
        if (command.isScript) {
          for (const name of definitions(command.name)) defined.add(name)
          for (const name of yield* extend(caller, command.parameters)) defined.add(name)
        } else if (sinks.has(command.name.toLowerCase())) output = []
        else output = yield* call(functions, caller, defined, command, streams)
      }
      yield* Effect.forEach(output, streams.output, { discard: true })
    })

/**
 * The PowerShell of one exec host. Every session has functions and a connection of its own.
 * @param others stand in for the usual functions of the same name
 */
export const make = (model: Model, execHost: string, others: ReadonlyArray<SimulatedFunction> = []): PowerShellHost => {
  const functions: Functions = new Map([...usual, ...others].map((entry) => [entry.name.toLowerCase(), entry]))
  return {
    open: ({ installed = false }) =>
      Effect.map(pause(model, "session"), (): Runspace => {
        const caller: Caller = { model, execHost, environment: new Map(), connected: installed }
        return { invoke: invoke(functions, caller, new Set(installed ? functions.keys() : [])) }
      })
  }
}
