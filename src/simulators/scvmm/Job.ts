/** A VMM job (Task): a record that outlives the session that started it. */
import * as DateTime from "effect/DateTime"
import type { Job as JobDocument } from "../../../schemas/vmm/Job.ts"
import type { JobKind } from "./Fault.ts"
import { vmmText } from "./VmmError.ts"

export interface Job {
  readonly id: string
  readonly kind: JobKind
  /** What VMM shows: "Create virtual machine". */
  readonly name: string
  readonly cmdlet: string
  /** The object it works on. */
  readonly resultName: string
  readonly resultObjectId: string
  /** Milliseconds since the epoch, and how many it will take. */
  readonly startedAt: number
  readonly expectedMillis: number
  status: "Running" | "Completed" | "SucceedWithInfo" | "Failed" | "Canceled"
  endedAt: number | undefined
  error: { readonly code: number; readonly detail: string } | undefined
  /** Stays Running until it is cancelled. */
  stuck: boolean
}

export const isRunning = (job: Job): boolean => job.status === "Running"

/** Percent: 100 only when done well, and standing still once it failed. */
export const progress = (job: Job, now: number): number => {
  if (job.status === "Completed" || job.status === "SucceedWithInfo") return 100
  const elapsed = (job.endedAt ?? now) - job.startedAt
  const share = job.expectedMillis <= 0 ? 1 : elapsed / job.expectedMillis
  return Math.max(0, Math.min(job.stuck ? 50 : 99, Math.floor(share * 100)))
}

/** ISO 8601 in UTC. */
export const timestamp = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

export const document = (job: Job, now: number): JobDocument => ({
  Id: job.id,
  Name: job.name,
  Cmdlet: job.cmdlet,
  Status: job.status,
  Progress: progress(job, now),
  StartTime: timestamp(job.startedAt),
  ...(job.endedAt === undefined ? {} : { EndTime: timestamp(job.endedAt) }),
  ...(job.error === undefined
    ? {}
    : {
        ErrorCode: job.error.code,
        ErrorMessage: [vmmText(job.error.code).problem, job.error.detail].filter((text) => text !== "").join(" "),
        RecommendedAction: vmmText(job.error.code).recommendedAction
      })
})
