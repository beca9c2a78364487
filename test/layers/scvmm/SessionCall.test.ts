import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { OutputTooLarge } from "../../../layers/psrp/PsrpError.ts"
import type { RunspacePool } from "../../../layers/psrp/RunspacePool.ts"
import * as SessionCall from "../../../layers/scvmm/SessionCall.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"

const stationOf = (invoke: RunspacePool["invoke"]): SessionCall.Station => ({
  execHost: "exec1",
  exchanges: Effect.succeed(0),
  pool: {
    shellId: "S",
    psVersion: undefined,
    invoke,
    reset: Effect.void,
    check: Effect.die("no look"),
    broken: Effect.succeed(Option.none())
  }
})

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
