import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import type { ErrorRecord } from "../../../layers/psrp/ErrorRecord.ts"
import type { PipelineResult } from "../../../layers/psrp/PipelineResult.ts"
import { scrubOf, scrubResult } from "../../../layers/scvmm/ScrubbedPool.ts"

const scrub = scrubOf({
  userName: "EXAMPLE\\capscvmm",
  password: Redacted.make("pass"),
  environment: {
    TOKEN: Redacted.make("t0ken-of-the-site"),
    STAGE: Redacted.make("prod"),
    SCVMM_USERNAME: Redacted.make("EXAMPLE\\capscvmm")
  }
})

const all = "pass t0ken-of-the-site prod EXAMPLE\\capscvmm"
const cleaned = "[redacted] [redacted] prod EXAMPLE\\capscvmm"

const record: ErrorRecord = {
  message: all,
  details: all,
  recommendedAction: all,
  fullyQualifiedErrorId: all,
  exceptionTypes: ["System.Exception"],
  category: 0,
  activity: all,
  reason: all,
  targetName: all,
  targetType: "String",
  targetObject: all,
  scriptStackTrace: all
}

const result: PipelineResult = {
  state: "Failed",
  output: [all],
  errors: [record, record],
  terminatingError: record,
  warnings: [all, "nothing"],
  verbose: [],
  debug: [],
  information: [],
  progress: []
}

describe("what a session says", () => {
  it("is without password and variables, but for words and the user name; the output stays", () => {
    const expected = {
      ...record,
      message: cleaned,
      details: cleaned,
      recommendedAction: cleaned,
      fullyQualifiedErrorId: cleaned,
      activity: cleaned,
      reason: cleaned,
      targetName: cleaned,
      targetObject: cleaned,
      scriptStackTrace: cleaned
    }
    assert.deepStrictEqual(scrubResult(result, scrub), {
      ...result,
      errors: [expected, expected],
      terminatingError: expected,
      warnings: [cleaned, "nothing"]
    })
  })
})
