/** Faults as data: which call or job, which time, and what becomes of it. */
import * as Schema from "effect/Schema"

export const JobKind = Schema.Literals(["Create", "Expand", "Start", "Stop", "Shutdown", "Remove", "Mount", "Import"])
export type JobKind = typeof JobKind.Type

export const Fault = Schema.Struct({
  /** A function of our module, which then fails before it does anything, or a kind of job. */
  on: Schema.Union([Schema.Struct({ verb: Schema.String }), Schema.Struct({ job: JobKind })]),
  /** Which occurrence since the fault was put in, 1 being the next. */
  nth: Schema.Int,
  /** How many occurrences in a row; 1 unless told. */
  times: Schema.optionalKey(Schema.Int),
  /** VMM's error number; a job may also stay Running for ever, or end SucceedWithInfo. */
  outcome: Schema.Union([Schema.Struct({ code: Schema.Int }), Schema.Literals(["stuck", "info"])])
})
export type Fault = typeof Fault.Type

export type Outcome = Fault["outcome"]

/** The faults of one simulation and how often each has been met. */
export interface Faults {
  readonly inject: (fault: Fault) => void
  readonly ofVerb: (verb: string) => Outcome | undefined
  readonly ofJob: (job: JobKind) => Outcome | undefined
}

export const make = (faults: ReadonlyArray<Fault>): Faults => {
  const armed: Array<{ readonly fault: Fault; met: number }> = faults.map((fault) => ({ fault, met: 0 }))
  const meet = (concerns: (on: Fault["on"]) => boolean): Outcome | undefined => {
    let outcome: Outcome | undefined
    for (const entry of armed) {
      if (!concerns(entry.fault.on)) continue
      entry.met += 1
      const last = entry.fault.nth + (entry.fault.times ?? 1) - 1
      if (entry.met >= entry.fault.nth && entry.met <= last) outcome ??= entry.fault.outcome
    }
    return outcome
  }
  return {
    inject: (fault) => void armed.push({ fault, met: 0 }),
    ofVerb: (verb) => meet((on) => "verb" in on && on.verb.toLowerCase() === verb.toLowerCase()),
    ofJob: (job) => meet((on) => "job" in on && on.job === job)
  }
}
