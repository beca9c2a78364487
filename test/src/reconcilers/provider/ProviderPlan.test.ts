import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Contract from "../../../../schemas/capi/Contract.ts"
import { plan, stands, unavailable, usable, waiting } from "../../../../src/reconcilers/provider/ProviderPlan.ts"
import { connection } from "../../../layers/scvmm/Site.ts"
import { scvmmProvider } from "../Objects.ts"
import { assertWellFormed, statusOf } from "../WellFormed.ts"

const flag = Schema.Boolean

describe("ProviderPlan", () => {
  it.prop(
    "hands off what is moved, paused or not held; judged only with the finalizer; released only without machines",
    { moving: flag, paused: flag, retry: flag, deleting: flag, held: flag, machines: Schema.Array(Schema.String) },
    (it) => {
      const step = plan({
        provider: scvmmProvider({
          metadata: {
            ...(it.deleting && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
            finalizers: ["foreign/finalizer", ...(it.held ? [Contract.providerFinalizer] : [])],
            annotations: {
              ...(it.moving && { [Contract.deleteForMoveAnnotation]: "" }),
              ...(it.retry && { [Contract.retryAuthAnnotation]: "" }),
              ...(it.paused && { [Contract.pausedAnnotation]: "" })
            }
          }
        }),
        machines: it.machines
      })
      const expected = () => {
        if (it.moving || (it.deleting && !it.held)) return "Ignore"
        if (it.paused) return "Paused"
        if (it.retry && it.held && (!it.deleting || it.machines.length > 0)) return "RetryLogOn"
        if (!it.deleting) return it.held ? "Judge" : "AddFinalizer"
        return it.machines.length > 0 ? "AwaitMachines" : "Release"
      }
      assert.strictEqual(step._tag, expected())
    }
  )

  it("a check stands for its time, and for one spec and Secret", () => {
    const check = { connection, atMillis: 1000 }
    assert.isTrue(stands(check, { ...connection, password: Redacted.make("x") }, 1999, 1000))
    assert.isFalse(stands(check, connection, 2000, 1000))
    assert.isFalse(stands(undefined, connection, 1000, 1000))
    for (const change of [{ uid: "x" }, { specVersion: "x" }, { credentialVersion: "x" }]) {
      assert.isFalse(stands(check, { ...connection, ...change }, 1000, 1000))
    }
  })

  it("conditions", () => {
    for (const findings of [usable, unavailable("R", "m"), waiting(["a"])]) assertWellFormed(findings)
    assert.strictEqual(statusOf(usable, "Ready"), "True")
    assert.strictEqual(statusOf(unavailable("R", "m"), "ScvmmAvailable"), "False")
    const names = ["e", "b", "g", "a", "f", "c", "d"]
    assert.deepStrictEqual(waiting(names), waiting(names.toReversed()))
    assert.match(waiting(names)[0]?.message ?? "", /7 .*a, b, c, d, e, …/u)
    assert.strictEqual(statusOf(waiting(names), "Ready"), "False")
  })
})
