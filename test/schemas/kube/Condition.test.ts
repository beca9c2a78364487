import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Finding } from "../../../schemas/kube/Condition.ts"
import { Condition, merge, Status } from "../../../schemas/kube/Condition.ts"

const Type = Schema.Literals(["Ready", "Paused", "VmCreated", "VmRunning", "Deleting"])
const Stored = Schema.Array(Schema.Struct({ ...Condition.fields, type: Type }))
const Findings = Schema.Array(
  Schema.Struct({ type: Type, status: Status, reason: Schema.Literals(["A", "B"]), message: Schema.String })
)
const early = "2026-01-01T00:00:00Z"
const late = "2026-01-02T00:00:00Z"

const last = (findings: ReadonlyArray<Finding>, type: string): Finding | undefined =>
  findings.findLast((it) => it.type === type)

describe("Condition.merge", () => {
  it.prop("says what was found, once per type, sorted", { stored: Stored, findings: Findings }, (given) => {
    const after = merge(given.stored, given.findings, late, 7)
    const types = after.map((it) => it.type)
    assert.deepStrictEqual(types, [...new Set(types)].toSorted())
    assert.sameMembers(types, [...new Set([...given.stored, ...given.findings].map((it) => it.type))])
    for (const it of after) {
      const finding = last(given.findings, it.type)
      if (finding === undefined) continue
      assert.deepStrictEqual([it.status, it.reason, it.message], [finding.status, finding.reason, finding.message])
      assert.strictEqual(it.observedGeneration, 7)
    }
  })

  it.prop("leaves conditions without a finding alone, but for their shape", { stored: Stored }, ({ stored }) => {
    for (const it of merge(stored, [], late, 7)) {
      const old = stored.findLast((candidate) => candidate.type === it.type)
      assert.strictEqual(it.status, old?.status)
      assert.strictEqual(it.observedGeneration, old?.observedGeneration)
      assert.strictEqual(it.message, old?.message ?? "")
      assert.strictEqual(it.reason, (old?.reason ?? "") === "" ? "Unspecified" : old?.reason)
    }
  })

  it.prop("moves the transition time with the status alone", { stored: Stored, findings: Findings }, (given) => {
    const before = merge(given.stored, [], early, 1)
    // One finding a type: several of one type in one pass may change the status and change it back.
    const findings = given.findings.filter((it) => last(given.findings, it.type) === it)
    for (const it of merge(before, findings, late, 2)) {
      const old = before.find((candidate) => candidate.type === it.type)
      assert.strictEqual(it.lastTransitionTime, old?.status === it.status ? old.lastTransitionTime : late)
    }
  })

  it.prop("changes nothing the second time", { stored: Stored, findings: Findings }, (given) => {
    const findings = given.findings.filter((it) => last(given.findings, it.type) === it)
    const once = merge(given.stored, findings, early, 3)
    assert.deepStrictEqual(merge(once, findings, late, 3), once)
  })
})
