/** Starts jobs: one exclusive lock a VM, latency, faults, an end that does not depend on who waits for it. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { JobKind } from "./Fault.ts"
import { isRunning } from "./Job.ts"
import type { Job } from "./Job.ts"
import type { Model } from "./Model.ts"
import type { Terminated } from "./PowerShellHost.ts"
import type { VirtualMachine } from "./VirtualMachine.ts"
import { vmmError } from "./VmmError.ts"

export interface Work {
  readonly kind: JobKind
  /** What VMM shows. */
  readonly name: string
  readonly cmdlet: string
  /** The VM that is locked while the job runs. */
  readonly vm: VirtualMachine | undefined
  readonly resultName: string
  readonly resultObjectId: string
  readonly millis: number
  /** Brings about the transitional state, together with the lock. */
  readonly begin: () => void
  /** What happens on the way, each at a share of the time, ascending. */
  readonly steps?: ReadonlyArray<{ readonly at: number; readonly run: () => void }>
  /** Brings about the end state; the lock is still held. */
  readonly succeed: Effect.Effect<void>
  readonly fail: () => void
  /** The job is bound to fail so. */
  readonly doomed?: { readonly code: number; readonly detail: string } | undefined
}

export interface Started {
  readonly job: Job
  /** The job as it ended. */
  readonly ended: Effect.Effect<Job>
}

/** Faults strike when this share of the time has gone. */
const half = 0.5

const finish = (model: Model, work: Work, job: Job, status: Job["status"]): void => {
  job.status = status
  job.endedAt = model.now()
  model.fibers.delete(job.id)
  if (work.vm !== undefined) {
    work.vm.modifiedAt = job.endedAt
    if (work.vm.lock === job) work.vm.lock = undefined
  }
}

const course = (model: Model, work: Work, job: Job): Effect.Effect<void> =>
  Effect.gen(function* () {
    const fault = model.faults.ofJob(work.kind)
    const error =
      typeof fault === "object" ? { code: fault.code, detail: "" } : fault === undefined ? work.doomed : undefined
    job.stuck = fault === "stuck"
    const until = error !== undefined || job.stuck ? half : 1
    let at = 0
    for (const step of work.steps ?? []) {
      if (step.at > until) break
      yield* Effect.sleep((step.at - at) * work.millis)
      at = step.at
      step.run()
    }
    yield* Effect.sleep((until - at) * work.millis)
    if (job.stuck) return yield* Effect.never
    if (error !== undefined) {
      job.error = error
      work.fail()
      return finish(model, work, job, "Failed")
    }
    yield* work.succeed
    const info = fault === "info" || model.entropy.fraction() < model.infoRate
    finish(model, work, job, info ? "SucceedWithInfo" : "Completed")
  })

/** Starts a job. Fails with 2602 when another job holds the VM. */
export const start = (model: Model, work: Work): Effect.Effect<Started, Terminated> =>
  Effect.suspend(() => {
    if (work.vm?.lock !== undefined) return Effect.fail(vmmError(2602, work.cmdlet))
    const job: Job = {
      id: model.entropy.guid(),
      kind: work.kind,
      name: work.name,
      cmdlet: work.cmdlet,
      resultName: work.resultName,
      resultObjectId: work.resultObjectId,
      startedAt: model.now(),
      expectedMillis: work.millis,
      status: "Running",
      endedAt: undefined,
      error: undefined,
      stuck: false
    }
    model.jobs.push(job)
    if (work.vm !== undefined) {
      work.vm.lock = job
      work.vm.mostRecentTask = job
    }
    work.begin()
    const fiber = model.run(
      course(model, work, job).pipe(
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            if (!isRunning(job)) return
            work.fail()
            finish(model, work, job, "Canceled")
          })
        )
      )
    )
    if (isRunning(job)) model.fibers.set(job.id, fiber)
    return Effect.succeed({ job, ended: Effect.as(Fiber.await(fiber), job) })
  })

/** A synchronous cmdlet: waits for its job, and fails as the job does. Who stops waiting does not stop the job. */
export const complete = (model: Model, work: Work): Effect.Effect<Job, Terminated> =>
  Effect.gen(function* () {
    const started = yield* start(model, work)
    const job = yield* started.ended
    if (job.status === "Completed" || job.status === "SucceedWithInfo") return job
    return yield* Effect.fail(
      vmmError(job.error?.code ?? 1730, work.cmdlet, {
        detail: job.error?.detail ?? `the job was ${job.status}`,
        job: { id: job.id, vmmServer: model.fabric.inventory.vmmServer.name }
      })
    )
  })

/** Stop-SCJob. */
export const cancel = (model: Model, jobId: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    const fiber = model.fibers.get(jobId)
    return fiber === undefined ? Effect.void : Fiber.interrupt(fiber)
  })
