/** A VMM job (Task) as our functions report it. */
import * as Schema from "effect/Schema"

export const Job = Schema.Struct({
  Id: Schema.String,
  /** What VMM shows: "Create virtual machine". */
  Name: Schema.String,
  /** The cmdlet that started it. */
  Cmdlet: Schema.optionalKey(Schema.String),
  /** NotStarted, Running, Completed, SucceedWithInfo, Failed, Canceled; other names may come. */
  Status: Schema.String,
  /** Percent. */
  Progress: Schema.Int,
  /** ISO 8601 UTC. */
  StartTime: Schema.String,
  EndTime: Schema.optionalKey(Schema.String),
  /** VMM's error number and texts, of a failed job. */
  ErrorCode: Schema.optionalKey(Schema.Int),
  ErrorMessage: Schema.optionalKey(Schema.String),
  RecommendedAction: Schema.optionalKey(Schema.String)
})
export type Job = typeof Job.Type

/** Progress as objects tell it, in steps of 25 %: every change of it is a write, and a job is looked at for minutes. */
export const quarters = ({ Progress }: Pick<Job, "Progress">): number =>
  Math.floor(Math.max(0, Math.min(100, Progress)) / 25) * 25

/** Whether the job still runs or waits; a failed job is not a busy one (script check C1). */
export const isActive = (job: Job): boolean => job.Status === "Running" || job.Status === "NotStarted"
