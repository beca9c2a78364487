/** What the API server and Cluster API demand of conditions (contract rules 25–27). */
import { assert } from "@effect/vitest"
import * as Contract from "../../../schemas/capi/Contract.ts"
import type { Finding } from "../../../schemas/kube/Condition.ts"
import { merge } from "../../../schemas/kube/Condition.ts"

/** metav1.Condition's own. */
const reasonPattern = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/u
const camelCase = /^[A-Z][A-Za-z0-9]*$/u
const types: ReadonlyArray<string> = Object.values(Contract.Condition)

/** Of several findings of one type the last is meant; the stored list has each type once. */
export const assertWellFormed = (findings: ReadonlyArray<Finding>): void => {
  for (const finding of findings) {
    assert.include(types, finding.type)
    assert.match(finding.reason, reasonPattern)
    assert.match(finding.reason, camelCase)
    assert.isAtMost(finding.reason.length, 1024)
  }
  const conditions = merge([], findings, "2026-01-01T00:00:00Z", 1)
  const stored = conditions.map((condition) => condition.type)
  assert.deepStrictEqual(stored, [...new Set(stored)])
  for (const condition of conditions) assert.isAtMost(condition.message.length, 32_768)
}

export const statusOf = (findings: ReadonlyArray<Finding>, type: string): Finding["status"] | undefined =>
  findings.findLast((finding) => finding.type === type)?.status
