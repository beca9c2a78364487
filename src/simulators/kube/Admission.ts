/** How a write asks to be admitted: as steps that stop at each question, so that a write nobody questions stays atomic. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Failure from "./Failure.ts"
import type { Kind } from "./Kind.ts"
import type { KubeJson } from "./KubeJson.ts"

export type Operation = "CREATE" | "UPDATE" | "DELETE"

/** What an admission plugin is shown: admission.k8s.io AdmissionRequest without what the caller knows. */
export interface Question {
  readonly phase: "mutating" | "validating"
  readonly operation: Operation
  readonly kind: Kind
  readonly subresource: string
  readonly namespace: string
  /** "" for the objects of a deletecollection, as in the real server. */
  readonly name: string
  /** As the request's version presents it; undefined for a deletion. */
  readonly object: KubeJson | undefined
  readonly oldObject: KubeJson | undefined
  /** CreateOptions, UpdateOptions (patches, too) or DeleteOptions. */
  readonly options: KubeJson
  readonly dryRun: boolean
}

/** A write in steps: each question is answered with the object to go on with. */
export type Steps<A> = Generator<Question, A, KubeJson | undefined>

/** Thrown by a write that finds another state at its end than it read: it starts again. */
export class Stale extends Data.TaggedError("AdmissionStale") {}

/** Answers a question with the object to go on with. */
export type Admit = (question: Question) => Effect.Effect<KubeJson | undefined, Failure.Failure>

/** Runs a write that nobody questions, at once. Throws what the write throws. */
export const unquestioned = <A>(steps: Steps<A>): A => {
  for (let step = steps.next(); ; step = steps.next(step.value.object)) if (step.done === true) return step.value
}

const attempts = 100

/**
 * Runs a write; without `admit` atomically. Other writes may come between while somebody is asked: the write then
 * starts again on the new state, as the real server does on a lost compare-and-swap.
 */
export const run = <A>(steps: () => Steps<A>, admit: Admit | undefined): Effect.Effect<A, Failure.Failure> => {
  if (admit === undefined) return Failure.attempt(() => unquestioned(steps()))
  const once = Effect.gen(function* () {
    const going = steps()
    const next = (answer?: KubeJson) =>
      Effect.suspend(() => {
        try {
          return Effect.succeed(going.next(answer))
        } catch (error) {
          return error instanceof Failure.Failure || error instanceof Stale ? Effect.fail(error) : Effect.die(error)
        }
      })
    let step = yield* next()
    while (step.done !== true) step = yield* next(yield* admit(step.value))
    return step.value
  })
  const stale = (error: Failure.Failure | Stale): error is Stale => error instanceof Stale
  return once.pipe(
    Effect.retry({ times: attempts, while: stale }),
    Effect.catchIf(stale, () => Effect.die(new Error(`a write was overtaken ${attempts} times`)))
  )
}
