import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { fromErrorRecord } from "../../../layers/scvmm/Failure.ts"
import type { ErrorRecord } from "../../../layers/psrp/ErrorRecord.ts"
import { ErrorId } from "../../../schemas/vmm/Verb.ts"

const record = (fullyQualifiedErrorId: string, changes: Partial<ErrorRecord> = {}): ErrorRecord => ({
  message: "it failed",
  fullyQualifiedErrorId,
  exceptionTypes: [],
  category: 7,
  activity: "",
  reason: "",
  targetName: "",
  targetType: "",
  targetObject: null,
  ...changes
})

describe("error records", () => {
  it("of ours become their errors", () => {
    const reference = fromErrorRecord(
      "New-CapsVirtualMachine",
      record("ReferenceAmbiguous,New-CapsVirtualMachine", {
        targetObject: JSON.stringify({ Field: "cloud", Value: "c", Candidates: ["c (1)", "c (2)"] })
      })
    )
    assert.strictEqual(reference._tag, "ScvmmReferenceUnresolved")
    assert.strictEqual(reference.message, 'spec.cloud: VMM has several "c": c (1), c (2)')
    const missing = fromErrorRecord("Get-CapsVirtualMachine", record(ErrorId.virtualMachineNotFound), "x")
    assert.strictEqual(missing._tag === "ScvmmVirtualMachineNotFound" ? missing.id : "", "x")
    const tags = [
      ErrorId.virtualMachineNotOwned,
      ErrorId.virtualMachineExists,
      ErrorId.commitWindowElapsed,
      ErrorId.mediumNameInvalid
    ].map((id) => fromErrorRecord("f", record(`${id},f`, { targetObject: "{}" }))._tag)
    assert.deepStrictEqual(tags, [
      "ScvmmVirtualMachineNotOwned",
      "ScvmmCreateRefused",
      "ScvmmCreateRefused",
      "ScvmmFailure"
    ])
  })

  it("of VMM keep their number, whatever the language; locks are waited for", () => {
    const guard = fromErrorRecord(
      "Start-CapsVirtualMachine",
      record("640,Microsoft.SystemCenter.VirtualMachineManager.Cmdlets.NewNICCmdlet", {
        message:
          'La máquina virtual debe estar apagada (Error ID: 640, Detailed Error: )\n\nTo restart the job, run the following command:\nPS> Restart-Job -Job (Get-VMMServer h | Get-Job | where { $_.ID -eq "{1}"})'
      })
    )
    assert.isTrue(guard._tag === "ScvmmFailure")
    if (guard._tag !== "ScvmmFailure") return
    assert.strictEqual(guard.code, 640)
    assert.strictEqual(guard.retry, "backoff")
    assert.notInclude(guard.detail, "Restart-Job")
    for (const lock of ["2602,X", "802,X"]) {
      assert.deepStrictEqual(fromErrorRecord("f", record(lock)).retry, { afterMillis: 10_000 })
    }
  })

  it("of PowerShell have no number", () => {
    const failure = fromErrorRecord("f", record("CommandNotFoundException"))
    assert.isTrue(failure._tag === "ScvmmFailure" && failure.code === undefined)
  })

  it.prop(
    "any record becomes an error that can be told, with bounded text",
    {
      id: Schema.String,
      message: Schema.String,
      target: Schema.String
    },
    ({ id, message, target }) => {
      const error = fromErrorRecord("f", record(id, { message: message.repeat(500), targetObject: target }))
      assert.isAtMost(error.message.length, 2200)
    }
  )
})
