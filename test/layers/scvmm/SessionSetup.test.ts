import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { toJs } from "../../../layers/psrp/PsJson.ts"
import { type ProviderConnection, ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import { invocationOf, script } from "../../../layers/scvmm/SessionSetup.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import type { SimulatedFunction } from "../../../src/simulators/scvmm/SimulatedFunction.ts"
import * as PowerShell from "./PowerShellSource.ts"
import * as Site from "./Site.ts"

const redacted = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Redacted.make(text)]))

const with_ = (extraFunctions: Readonly<Record<string, string>>, environment: Readonly<Record<string, string>> = {}) =>
  ({
    ...Site.connection,
    extraFunctions: redacted(extraFunctions),
    environment: redacted(environment)
  }) satisfies ProviderConnection

/** A function that a provider brings along, as it was defined in the predecessor. */
const ask: Verb.Verb<{ readonly spec: string }, unknown> = {
  name: "AddVMSpec",
  effect: "read",
  parameters: Schema.Struct({ spec: Schema.String }),
  answer: Schema.Unknown
}
/** Answers what it was given and what it sees of the session. */
const addVmSpec: SimulatedFunction = {
  name: "AddVMSpec",
  invoke: ({ environment }, given) =>
    Effect.succeed([JSON.stringify({ given, environment: Object.fromEntries([...environment].toSorted()) })])
}

const run = <A, E>(effect: Effect.Effect<A, E, ScvmmSession>) =>
  Effect.gen(function* () {
    const site = yield* Site.make({ functions: [addVmSpec] })
    const result = yield* effect.pipe(Effect.provide(Site.sessions(site)), Effect.scoped, Effect.result, Site.elapse())
    return { site, result }
  })

const call = (connection: ProviderConnection) =>
  Effect.andThen(ScvmmSession, (session) => session.run(connection, ask, { spec: "{}" }))

describe("a session with an administrator's functions and variables", () => {
  it.effect("has them both, beside ours", () =>
    Effect.gen(function* () {
      const connection = with_({ AddVMSpec: "param($spec) '{}'", Helper: "1" }, { Site_Token: "t0ken", EMPTY: "" })
      const { result } = yield* run(
        Effect.andThen(ScvmmSession, (session) =>
          Effect.all([
            session.run(connection, ask, { spec: "{}" }),
            session.run(connection, Verb.GetVirtualMachineList, { Ids: [] })
          ])
        )
      )
      assert.deepStrictEqual(result._tag === "Success" ? result.success : result.failure.message, [
        { given: [["spec", "{}"]], environment: { EMPTY: "", SITE_TOKEN: "t0ken" } },
        { VirtualMachines: [], Missing: [] }
      ])
    })
  )

  it.effect("lacks them when the provider has none", () =>
    Effect.gen(function* () {
      const { result } = yield* run(call(with_({ Other: "1" })))
      assert.deepInclude(result._tag === "Failure" ? { ...result.failure } : {}, {
        errorId: "CommandNotFoundException"
      })
    })
  )

  it.effect("is not opened with one that does not parse, which is named", () =>
    Effect.gen(function* () {
      const { result } = yield* run(call(with_({ Good: "{}", AddVMSpec: "param($spec) { 'S3cret'" })))
      assert.strictEqual(result._tag, "Failure")
      if (result._tag !== "Failure") return
      assert.deepInclude(result.failure, { _tag: "ScvmmHostUnavailable", reason: "ExtraFunctionInvalid" })
      assert.match(result.failure.message, /spec\.extraFunctions\.AddVMSpec is not taken: line 1: Missing closing/u)
      assert.notInclude(result.failure.message, "S3cret")
    })
  )
})

describe("the script that defines them", () => {
  it("is not sent when there is nothing to define", () => {
    assert.isUndefined(invocationOf(Site.connection))
  })

  it("takes every text as secure strings of a length that .NET takes", () => {
    const body = "ä".repeat(70_000)
    const invocation = invocationOf(with_({ Long: body, None: "" }, { A: "b" }))
    const plain = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(plain)
      return Redacted.isRedacted(value) ? Redacted.value(value) : assert.fail("in the clear")
    }
    const values = (name: string) => {
      const value = toJs(invocation?.parameters[name] ?? null)
      return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, plain(item)]))
    }
    assert.deepStrictEqual(values("Environment"), { A: "b" })
    const { Long: parts, None: none } = values("Functions")
    assert.deepStrictEqual(none, [])
    assert.isTrue(Array.isArray(parts) && parts.join("") === body && parts.every((part) => part.length <= 65_536))
  })

  it("is PowerShell that our reader can read, and leaves no variable of its own", () => {
    const commands = PowerShell.calls(PowerShell.tokens(script)).map(({ command }) => command)
    assert.deepStrictEqual(commands, ["Set-StrictMode", "Set-Item", "Remove-Variable"])
    const open = PowerShell.tokens(script).filter(({ kind }) => kind === "open").length
    assert.strictEqual(PowerShell.tokens(script).filter(({ kind }) => kind === "close").length, open)
  })
})
