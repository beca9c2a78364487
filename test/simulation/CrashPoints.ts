/** Every exchange of an operator's life with one machine, and what becomes of the machine when the operator is cut there. */
import * as Duration from "effect/Duration"
import type { Life, Plan } from "./MachineLife.ts"
import { live } from "./MachineLife.ts"
import type { Options, Outcome } from "./Universe.ts"
import type { Fate, Point } from "./Wire.ts"

export interface Cut {
  /** The exchange, from 1. */
  readonly point: number
  readonly fate: Fate
}

export interface Report {
  readonly runs: number
  /** One line for each run in which something was broken, and what. */
  readonly failures: ReadonlyArray<string>
  /** Of the longest run, in virtual milliseconds. */
  readonly longest: number
  /** Of all runs together, in virtual milliseconds. */
  readonly virtual: number
}

/** The exchanges of an undisturbed life, in their order; throws when something is broken in it. */
export const points = (options: Options): ReadonlyArray<Point> => {
  const seen: Array<Point> = []
  const { value } = live(options, {
    fate: (_operator, point) => {
      seen.push(point)
      return "deliver"
    }
  })
  if (value.violations.length > 0) throw new Error(`undisturbed: ${value.violations.join("; ")}`)
  return seen
}

/** The first operator meets `cuts`; whoever succeeds it is left alone. */
export const plan = (cuts: ReadonlyArray<Cut>, restartAfter: Duration.Input = 0): Plan => ({
  restartAfter,
  fate: (operator, { index }) =>
    operator === 1 ? (cuts.find(({ point }) => point === index)?.fate ?? "deliver") : "deliver"
})

const attempt = (options: Options, given: Plan): Outcome<Life> | string => {
  try {
    return live(options, given)
  } catch (error) {
    // What the machine died of, or that it came to no end: the finding of this run.
    return String(error)
  }
}

/** Lets the event loop turn: a test's runner must hear from it. */
const breathe = () => new Promise<void>((resume) => void setImmediate(resume))

/** Lives through every plan, each in a universe of its own. */
export const explore = async (options: Options, plans: Iterable<Named>): Promise<Report> => {
  const failures: Array<string> = []
  let runs = 0
  let longest = 0
  let virtual = 0
  for (const { name, plan } of plans) {
    runs += 1
    const outcome = attempt(options, plan)
    if (typeof outcome === "string") failures.push(`${name}: ${outcome}`)
    else {
      longest = Math.max(longest, outcome.millis)
      virtual += outcome.millis
      if (outcome.value.violations.length > 0) failures.push(`${name}: ${outcome.value.violations.join("; ")}`)
    }
    await breathe()
  }
  return { runs, failures, longest, virtual }
}

export interface Named {
  readonly name: string
  readonly plan: Plan
}

/** Each point with each fate, one after the other. */
export const everywhere = (
  points: ReadonlyArray<Point>,
  fates: ReadonlyArray<Fate>,
  restartAfter: Duration.Input = 0
): ReadonlyArray<Named> =>
  points.flatMap(({ index, text }) =>
    fates.map((fate) => ({ name: `${fate} ${index} (${text})`, plan: plan([{ point: index, fate }], restartAfter) }))
  )

/** For the line that a test prints. */
export const summary = ({ failures, longest, runs, virtual }: Report, points: number): string =>
  `crash points: ${points}, runs: ${runs}, violations: ${failures.length}, ${Duration.format(Duration.minutes(Math.round(virtual / 60_000)))} of virtual time, the longest life ${Math.round(longest / 1000)} s`
