import { assert, describe, it } from "@effect/vitest"
import * as Scenario from "../../../../src/cli/demo/Scenario.ts"
import * as Summary from "../../../../src/cli/demo/Summary.ts"

const good: Summary.Summary = {
  ready: 12_968.4,
  crash: undefined,
  machines: 6,
  created: 8,
  steps: [
    { title: "bring up", startedAt: 0, endedAt: 12_968.4 },
    { title: "scale", startedAt: 12_969, endedAt: undefined }
  ],
  calls: new Map([
    ["Get-CapsVirtualMachine", 2],
    ["New-CapsVirtualMachine", 8],
    ["Find-CapsVirtualMachine", 8]
  ]),
  exchanges: 90,
  duplicates: [],
  leftovers: []
}

const crash = { killedAt: 5074.4, backAt: 6638, creating: 2, abandoned: ["A", "B", "C"] }

describe("Summary", () => {
  it("adds up for a program", () => {
    assert.deepStrictEqual(Summary.json({ ...good, duplicates: ["uid"], leftovers: ["medium a", "medium b"] }), {
      ready_seconds: 12.968,
      machines: 6,
      scvmm_calls: 18,
      exchanges: 90,
      duplicates: 1,
      leftovers: 2
    })
    assert.propertyVal(Summary.json({ ...good, ready: undefined }), "ready_seconds", null)
  })

  it("tells a person the most frequent calls first, exchanges for each machine, and what was left by name", () => {
    assert.deepStrictEqual(Summary.lines({ ...good, leftovers: ["medium a"] }), [
      "Summary",
      "  bring up                                                     13.0 s",
      "  scale                                                      not reached",
      "  SCVMM calls    18",
      "    Find-CapsVirtualMachine             8",
      "    New-CapsVirtualMachine              8",
      "    Get-CapsVirtualMachine              2",
      "  HTTP exchanges 90, 11.3 for each of 8 machines",
      "  duplicates     0",
      "  leftovers      1",
      "    medium a"
    ])
  })

  it("says when the operator was killed, when it was back, and when the cluster was ready all the same", () => {
    assert.deepInclude(Summary.json({ ...good, crash }), {
      ready_seconds: 12.968,
      killed_seconds: 5.074,
      back_seconds: 6.638,
      creating_when_killed: 2,
      abandoned_shells: 3
    })
    const of = (more: Partial<Summary.Summary>) =>
      Summary.lines({ ...good, crash, ...more }).filter((line) => /operator|IdleTimeOut/u.test(line))
    assert.deepStrictEqual(of({}), [
      "  operator       killed at 5.1 s amid 2 creations, back at 6.6 s, cluster ready at 13.0 s",
      "                 3 shells of the killed process were left to WinRM's IdleTimeOut"
    ])
    assert.deepStrictEqual(of({ crash: { ...crash, creating: 1, abandoned: ["A"] }, ready: undefined }), [
      "  operator       killed at 5.1 s amid 1 creation, back at 6.6 s, cluster not ready",
      "                 1 shell of the killed process was left to WinRM's IdleTimeOut"
    ])
  })

  it("finds nothing wrong but duplicates and leftovers", () => {
    assert.isUndefined(Summary.verdict(good))
    assert.strictEqual(Summary.verdict({ ...good, leftovers: ["medium a"] }), "left behind: medium a")
    assert.strictEqual(
      Summary.verdict({ ...good, duplicates: ["uid"], leftovers: ["medium a", "medium b"] }),
      "machines with more than one VM: uid; left behind: medium a, medium b"
    )
  })
})

describe("scaleSteps", () => {
  it("goes up by two, then to one less than at the start, never to none", () => {
    assert.deepStrictEqual([1, 2, 3, 10].map(Scenario.scaleSteps), [
      [3, 1],
      [4, 1],
      [5, 2],
      [12, 9]
    ])
  })
})
