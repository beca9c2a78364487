import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { ScvmmError } from "../../../../layers/scvmm/ScvmmError.ts"
import * as Errors from "../../../../layers/scvmm/ScvmmError.ts"
import {
  findingsOf,
  isScvmmError,
  leftNothing,
  reasonOf,
  sawEnd
} from "../../../../src/reconcilers/machine/Failures.ts"
import { SeedInvalid } from "../../../../src/reconcilers/machine/SeedCall.ts"
import { assertWellFormed, statusOf } from "../WellFormed.ts"

const at = { host: "exec-1", detail: "d" }
const call = { function: "New-CapsVirtualMachine", detail: "d" }

const unresolved = (reason: "NotFound" | "Ambiguous") =>
  new Errors.ReferenceUnresolved({ reason, field: "cloud", value: "x", candidates: ["a", "b"] })
const refused = (reason: Errors.CreateRefused["reason"]) => new Errors.CreateRefused({ reason, detail: "d" })
const failure = (code?: number) =>
  new Errors.VmmFailure({ ...call, errorId: "VMM", ...(code !== undefined && { code }) })
const unavailable = (reason: Errors.HostUnavailable["reason"]) =>
  new Errors.HostUnavailable({ ...at, reason, remedy: "r" })

/** Each error, its reason, and whether an attempt that met it may have left a VM. */
const table: ReadonlyArray<readonly [ScvmmError, string, boolean]> = [
  [unresolved("NotFound"), "ReferenceNotFound", true],
  [unresolved("Ambiguous"), "ReferenceAmbiguous", true],
  [new Errors.VirtualMachineNotFound({ id: "x" }), "VirtualMachineNotFound", false],
  [new Errors.VirtualMachineNotOwned({ id: "x", detail: "d" }), "VirtualMachineNotOwned", false],
  [refused("VirtualMachineExists"), "VirtualMachineExists", false],
  [refused("CommitWindowElapsed"), "CommitWindowElapsed", true],
  [refused("Superseded"), "Superseded", false],
  [failure(), "VmFailed", false],
  [failure(1730), "VmFailed", false],
  [failure(2602), "VirtualMachineLocked", false],
  [new Errors.AuthenticationFailed(at), "AuthenticationFailed", true],
  [unavailable("ConnectionFailed"), "ConnectionFailed", true],
  [unavailable("QuotaExceeded"), "QuotaExceeded", true],
  [new Errors.SessionLost({ ...at, function: "f" }), "SessionLost", false],
  [new Errors.OutcomeUnknown({ ...at, function: "f", asked: "id" }), "OutcomeUnknown", false],
  [new Errors.AnswerInvalid(call), "AnswerInvalid", false]
]

const Where = { deletion: Schema.Boolean, exists: Schema.Boolean }

describe("Failures", () => {
  it("every error has a reason", () => {
    for (const [error, reason] of table) assert.strictEqual(reasonOf(error), reason, error._tag)
  })

  it("an attempt is forgotten only where nothing can be left", () => {
    for (const [error, , nothing] of table) assert.strictEqual(leftNothing(error), nothing, reasonOf(error))
  })

  it("an attempt is waited for unless its end was seen", () => {
    const waits = table.filter(([error]) => !sawEnd(error)).map(([, reason]) => reason)
    assert.deepStrictEqual(waits, ["Superseded", "OutcomeUnknown"])
    assert.isTrue(sawEnd(new SeedInvalid({ message: "m" })))
  })

  it("what is not SCVMM's is told apart", () => {
    for (const [error] of table) assert.isTrue(isScvmmError(error))
    assert.isFalse(isScvmmError(new SeedInvalid({ message: "m" })))
    assert.isFalse(isScvmmError({ _tag: "KubeConflict" }))
  })

  it.prop("every error becomes well-formed conditions with its message", Where, (where) => {
    for (const [error, reason] of table) {
      const findings = findingsOf(error, where)
      assertWellFormed(findings)
      assert.strictEqual(statusOf(findings, "Ready"), "False")
      assert.isTrue(findings.some((it) => it.message === error.message))
      const unreachable = error._tag === "ScvmmAuthenticationFailed" || error._tag === "ScvmmHostUnavailable"
      assert.strictEqual(statusOf(findings, "ScvmmAvailable"), unreachable ? "False" : "True")
      // Of a VM that nobody could look at nothing new is said.
      if (unreachable) assert.isUndefined(statusOf(findings, "VmCreated"))
      else if (!where.deletion) {
        assert.strictEqual(statusOf(findings, "VmCreated"), where.exists ? "True" : "False")
        assert.isTrue(findings.some((it) => it.reason === reason))
      }
    }
  })
})
