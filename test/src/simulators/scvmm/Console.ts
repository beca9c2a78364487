/** Calls the simulated PowerShell as a client of the session does: module first, then functions by name with typed arguments. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { fromJs } from "../../../../layers/psrp/PsJson.ts"
import type { PsValue } from "../../../../layers/psrp/PsValue.ts"
import { Credential } from "../../../../schemas/vmm/Credential.ts"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import type {
  Command,
  Failure,
  PowerShellHost,
  Runspace,
  Streams
} from "../../../../src/simulators/scvmm/PowerShellHost.ts"

export const verbs = [
  Verb.ConnectServer,
  Verb.GetVirtualMachine,
  Verb.FindVirtualMachine,
  Verb.GetVirtualMachineList,
  Verb.NewVirtualMachine,
  Verb.ExpandVirtualDisk,
  Verb.StartVirtualMachine,
  Verb.StopVirtualMachine,
  Verb.RemoveVirtualMachine,
  Verb.ImportMedium,
  Verb.MountMedium,
  Verb.RemoveLeftover
]

export const moduleText = verbs.map((verb) => `function ${verb.name} {\n  [CmdletBinding()]\n  param()\n}`).join("\n")

export const userName = "EXAMPLE\\capi"
export const password = "simulated-password"
export const credentials = { Credential: new Credential({ userName, password: Redacted.make(password) }) }
export const server = "vmm.example.test"

export const collect = (
  runspace: Runspace,
  commands: ReadonlyArray<Command>
): Effect.Effect<ReadonlyArray<PsValue>, Failure> =>
  Effect.gen(function* () {
    const values: Array<PsValue> = []
    const streams: Streams = {
      output: (value) => Effect.sync(() => void values.push(value)),
      error: (failure) => Effect.die(failure),
      warning: () => Effect.void,
      verbose: () => Effect.void,
      debug: () => Effect.void,
      information: () => Effect.void,
      progress: () => Effect.void,
      input: Stream.empty
    }
    yield* Effect.mapError(runspace.invoke(commands, streams), (terminated) => terminated.failure)
    return values
  })

export const commandOf = <P, A>(verb: Verb.Verb<P, A>, parameters: P): Command => ({
  name: verb.name,
  isScript: false,
  parameters: Object.entries(parameters as Record<string, unknown>).map(([name, value]) => ({
    name,
    value: Result.getOrThrow(fromJs(value))
  }))
})

export interface Console {
  readonly runspace: Runspace
  /** All documents of one call. */
  readonly runAll: <P, A>(verb: Verb.Verb<P, A>, parameters: P) => Effect.Effect<ReadonlyArray<A>, Failure>
  /** The one document of a call. */
  readonly run: <P, A>(verb: Verb.Verb<P, A>, parameters: P) => Effect.Effect<A, Failure>
}

export const consoleOf = (runspace: Runspace): Console => {
  const runAll = <P, A>(verb: Verb.Verb<P, A>, parameters: P): Effect.Effect<ReadonlyArray<A>, Failure> =>
    Effect.flatMap(
      collect(runspace, [commandOf(verb, parameters)]),
      Effect.forEach((value) =>
        typeof value === "string"
          ? Effect.orDie(Schema.decodeUnknownEffect(verb.answer)(JSON.parse(value)))
          : Effect.die("an output object that is no text")
      )
    )
  return {
    runspace,
    runAll,
    run: (verb, parameters) =>
      Effect.flatMap(runAll(verb, parameters), ([first, ...more]) =>
        first === undefined || more.length > 0 ? Effect.die("not exactly one document") : Effect.succeed(first)
      )
  }
}

/** A session with the module, not yet connected. Takes the time that PowerShell takes to start. */
export const open = (host: PowerShellHost): Effect.Effect<Console, never, Scope.Scope> =>
  Effect.gen(function* () {
    const runspace = yield* host.open({
      userName: userName,
      shellId: "00000000-0000-4000-8000-000000000001"
    })
    yield* Effect.orDie(collect(runspace, [{ name: moduleText, isScript: true, parameters: [] }]))
    return consoleOf(runspace)
  })

/** A connected session. Takes the time that connecting takes. */
export const connect = (host: PowerShellHost): Effect.Effect<Console, Failure, Scope.Scope> =>
  Effect.tap(open(host), (console) => console.run(Verb.ConnectServer, { VMMServer: server, ...credentials }))
