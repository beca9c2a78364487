/** A runspace pool whose messages show no known secret: errors and warnings of PowerShell may repeat what a call was given. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { ErrorRecord } from "../psrp/ErrorRecord.ts"
import type { PipelineResult } from "../psrp/PipelineResult.ts"
import { PromptRefused, type PsrpError } from "../psrp/PsrpError.ts"
import { scrubber } from "../psrp/RedactedText.ts"
import type { RunspacePool } from "../psrp/RunspacePool.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"

export type Scrub = (text: string) => string

/** A variable shorter than this is a word rather than a secret, and would be found inside of others. */
const leastCharacters = 8

/** Of what the sessions of a provider are given: the password, and variables. */
export const scrubOf = ({
  password,
  userName,
  environment
}: Pick<ProviderConnection, "password" | "userName" | "environment">): Scrub =>
  scrubber([
    password,
    ...Object.values(environment).filter((value) => {
      const text = Redacted.value(value)
      return text.length >= leastCharacters && text !== userName
    })
  ])

const scrubRecord = (record: ErrorRecord, scrub: Scrub): ErrorRecord => ({
  ...record,
  message: scrub(record.message),
  ...(record.details !== undefined && { details: scrub(record.details) }),
  ...(record.recommendedAction !== undefined && { recommendedAction: scrub(record.recommendedAction) }),
  fullyQualifiedErrorId: scrub(record.fullyQualifiedErrorId),
  activity: scrub(record.activity),
  reason: scrub(record.reason),
  targetName: scrub(record.targetName),
  targetObject: typeof record.targetObject === "string" ? scrub(record.targetObject) : record.targetObject,
  ...(record.scriptStackTrace !== undefined && { scriptStackTrace: scrub(record.scriptStackTrace) })
})

/** What becomes messages; the output stays what it is. */
export const scrubResult = (result: PipelineResult, scrub: Scrub): PipelineResult => ({
  ...result,
  errors: result.errors.map((record) => scrubRecord(record, scrub)),
  ...(result.terminatingError !== undefined && { terminatingError: scrubRecord(result.terminatingError, scrub) }),
  warnings: result.warnings.map(scrub)
})

const scrubError = (error: PsrpError, scrub: Scrub): PsrpError =>
  error._tag === "PsrpPromptRefused" ? new PromptRefused({ prompt: scrub(error.prompt), sent: error.sent }) : error

export const scrubbed = (pool: RunspacePool, scrub: Scrub): RunspacePool => ({
  ...pool,
  invoke: (commands, options) =>
    pool.invoke(commands, options).pipe(
      Effect.map((result) => scrubResult(result, scrub)),
      Effect.mapError((error) => scrubError(error, scrub))
    )
})
