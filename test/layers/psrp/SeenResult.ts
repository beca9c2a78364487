/** Compares what our client reports of a call with what PowerShell's own client was recorded to report. */
import { assert } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import { categoryName, type ErrorRecord } from "../../../layers/psrp/ErrorRecord.ts"
import type { PipelineResult } from "../../../layers/psrp/PipelineResult.ts"
import { toJs } from "../../../layers/psrp/PsJson.ts"
import { differences } from "./Described.ts"
import type { Seen, SeenError } from "./Recording.ts"

const compareError = (expected: SeenError, actual: ErrorRecord): void => {
  const { target, ...parts } = expected
  assert.deepStrictEqual(
    {
      fullyQualifiedErrorId: actual.fullyQualifiedErrorId,
      message: actual.message,
      details: actual.details ?? null,
      recommendedAction: actual.recommendedAction ?? null,
      category: categoryName(actual.category),
      activity: actual.activity,
      reason: actual.reason,
      targetName: actual.targetName,
      targetType: actual.targetType,
      exceptionTypes: actual.exceptionTypes.map((type) => `Deserialized.${type}`),
      stack: actual.scriptStackTrace ?? null
    },
    parts
  )
  assert.deepStrictEqual(differences(target, actual.targetObject), [])
}

const compareErrors = (expected: ReadonlyArray<SeenError>, actual: ReadonlyArray<ErrorRecord>): void => {
  assert.strictEqual(actual.length, expected.length)
  for (const [index, error] of actual.entries()) {
    const seen = expected[index]
    if (seen !== undefined) compareError(seen, error)
  }
}

/** Every part of the call: state, output, error records, each stream. */
export const compareSeen = (seen: Seen, result: PipelineResult): void => {
  assert.strictEqual(result.state, seen.state)
  assert.strictEqual(result.errors.length > 0, seen.hadErrors)
  assert.strictEqual(result.output.length, seen.output.length)
  seen.output.forEach((expected, index) => {
    const actual = result.output[index] ?? null
    assert.deepStrictEqual(differences(expected, actual, `$[${index}]`), [])
    if (expected?.["plain"] === undefined) return
    const secret = toJs(actual)
    assert.isTrue(Redacted.isRedacted(secret) && Redacted.value(secret) === expected["plain"])
  })
  compareErrors(seen.errors ?? [], result.errors)
  if (seen.terminatingError !== undefined) {
    assert.isDefined(result.terminatingError)
    if (result.terminatingError !== undefined) compareError(seen.terminatingError, result.terminatingError)
  } else assert.isUndefined(result.terminatingError)
  assert.deepStrictEqual(result.warnings, seen.warnings ?? [])
  assert.deepStrictEqual(result.verbose, seen.verbose ?? [])
  assert.deepStrictEqual(result.debug, seen.debug ?? [])
  assert.deepStrictEqual(
    result.information.map(({ source, tags }) => ({ source, tags })),
    (seen.information ?? []).map(({ source, tags }) => ({ source, tags }))
  )
  seen.information?.forEach((expected, index) => {
    assert.deepStrictEqual(differences(expected.message, result.information[index]?.messageData ?? null), [])
  })
  assert.deepStrictEqual(
    result.progress.map((record) => ({
      activity: record.activity,
      id: record.activityId,
      parent: record.parentActivityId,
      status: record.statusDescription,
      operation: record.currentOperation ?? null,
      percent: record.percentComplete,
      seconds: record.secondsRemaining,
      type: record.completed ? "Completed" : "Processing"
    })),
    [...(seen.progress ?? [])]
  )
}
