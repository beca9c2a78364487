import { assert, describe, it } from "@effect/vitest"
import { moment } from "../../../../src/cli/demo/Crash.ts"
import type { MachineRow, Phase, Snapshot } from "../../../../src/cli/demo/Snapshot.ts"

const row = (phase: Phase, vm: string | undefined): MachineRow => ({
  name: `${phase}-${vm ?? "none"}`,
  phase,
  vm,
  address: undefined,
  job: undefined
})
const running = row("Running", "Running")
const underCreation = row("Provisioning", "UnderCreation")
const expected = row("Provisioning", undefined)
const waiting = row("Pending", undefined)

const of = (machines: ReadonlyArray<MachineRow>): Snapshot => ({
  cluster: true,
  machines,
  virtualMachines: machines.filter(({ vm }) => vm !== undefined).length,
  complaints: []
})

describe("moment", () => {
  it("is when every machine that may have a VM has one or is in a creation that SCVMM works on", () => {
    assert.strictEqual(moment(of([running, expected]), 2), 1)
    assert.strictEqual(moment(of([running, underCreation, expected, expected]), 4), 2)
    // Who waits for its bootstrap data creates nothing yet.
    assert.strictEqual(moment(of([running, expected, waiting]), 2), 1)
  })

  it("is not while nothing is created, while a command is still on its way, or at an empty site", () => {
    assert.strictEqual(moment(of([running, running]), 2), 0)
    assert.strictEqual(moment(of([running, expected]), 1), 0)
    assert.strictEqual(moment(of([running, expected, expected]), 2), 0)
    assert.strictEqual(moment(of([expected]), 1), 0)
  })
})
