import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ProgressRecord } from "../../../layers/psrp/InformationalRecord.ts"
import { OutputTooLarge } from "../../../layers/psrp/PsrpError.ts"
import * as SessionCall from "../../../layers/scvmm/SessionCall.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import { stationOf } from "./Station.ts"

describe("output over the size limit", () => {
  const endless = stationOf(() => Effect.fail(new OutputTooLarge({ limitBytes: 52_428_800, sent: true })))

  it.effect("of a read is an answer that nobody asked for, and is not asked for again", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(SessionCall.run(endless, Verb.GetVirtualMachineList, { Ids: [] }))
      assert.deepInclude(error, { _tag: "ScvmmAnswerInvalid", function: "Get-CapsVirtualMachineList" })
      assert.match(error.message, /answered more than 52428800 bytes; .*look for what else writes output on exec1/u)
    })
  )

  it.effect("of a mutation leaves its outcome open", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(SessionCall.run(endless, Verb.StartVirtualMachine, { Id: "1" }))
      assert.deepInclude(error, { _tag: "ScvmmOutcomeUnknown", function: "Start-CapsVirtualMachine" })
    })
  )
})

describe("the progress of a call", () => {
  const record = (activity: string, percentComplete: number): ProgressRecord => ({
    activity,
    percentComplete,
    activityId: 0,
    parentActivityId: -1,
    statusDescription: "",
    secondsRemaining: -1,
    completed: false
  })
  const silent = {
    state: "Completed" as const,
    output: [],
    errors: [],
    warnings: [],
    verbose: [],
    debug: [],
    information: [],
    progress: []
  }

  it.effect("is what the function says of itself, not what it calls", () =>
    Effect.gen(function* () {
      const told: Array<number> = []
      const records = [
        record("Get-CapsVirtualMachineList", 10),
        record("Import-SCLibraryPhysicalResource", 99),
        record("Get-CapsVirtualMachineList", -1),
        record("Get-CapsVirtualMachineList", 80)
      ]
      const station = stationOf((_, options) =>
        Effect.as(
          Effect.forEach(records, (progress) => options?.onProgress?.(progress) ?? Effect.void),
          silent
        )
      )
      yield* SessionCall.run(
        station,
        Verb.GetVirtualMachineList,
        { Ids: [] },
        { onProgress: (percent) => Effect.sync(() => void told.push(percent)) }
      )
      assert.deepStrictEqual(told, [10, 80])
    })
  )
})
