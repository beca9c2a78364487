/** A client under measurement as a process of its own: answers the questions on its standard input, a line of JSON each. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as readline from "node:readline"
import { Question, type Ran, Target } from "./Wire.ts"

export interface Caller {
  /** What comes before each run, and is not measured. */
  readonly begin?: Effect.Effect<void>
  /** Characters of the text that Get-Text answered to this length. */
  readonly call: (length: number) => Effect.Effect<number, unknown>
}

const parse = <A>(schema: Schema.Codec<A, unknown>, text: string): A =>
  Schema.decodeUnknownSync(schema)(JSON.parse(text))

export const target = (): Target => parse(Target, process.argv[2] ?? "")

/** `open`: a session of its own for one caller, until the scope closes. */
export const serve = <E>(open: Effect.Effect<Caller, E, Scope.Scope>): void => {
  const callers: Array<Caller> = []

  const checked = (caller: Caller, length: number) =>
    Effect.flatMap(caller.call(length), (got) =>
      got < length ? Effect.die(new Error(`${got} characters of ${length}`)) : Effect.void
    )

  const timed = (call: Effect.Effect<void, unknown>, pauseMillis: number, millis: Array<number>) =>
    Effect.gen(function* () {
      const began = performance.now()
      yield* call
      millis.push(performance.now() - began)
      if (pauseMillis > 0) yield* Effect.sleep(pauseMillis)
    })

  const measured = (work: (millis: Array<number>) => Effect.Effect<unknown, unknown>) =>
    Effect.gen(function* () {
      const millis: Array<number> = []
      const cpu = process.cpuUsage()
      const began = performance.now()
      yield* work(millis)
      const wallMillis = performance.now() - began
      const { system, user } = process.cpuUsage(cpu)
      return { millis, wallMillis, cpuMicros: system + user } satisfies Ran
    })

  const answer = Effect.fnUntraced(function* (question: Question) {
    switch (question.op) {
      case "open":
        while (callers.length < question.callers) callers.push(yield* open)
        return {}
      case "cold":
        return yield* measured((millis) => {
          const began = performance.now()
          return Effect.scoped(
            Effect.flatMap(open, (caller) =>
              Effect.tap(checked(caller, question.length), () =>
                Effect.sync(() => millis.push(performance.now() - began))
              )
            )
          )
        })
      case "run":
        for (const { begin } of callers.slice(0, question.callers)) if (begin !== undefined) yield* begin
        return yield* measured((millis) =>
          Effect.forEach(
            callers.slice(0, question.callers),
            (caller) =>
              Effect.replicateEffect(
                timed(checked(caller, question.length), question.pauseMillis, millis),
                Math.ceil(question.calls / question.callers),
                { discard: true }
              ),
            { concurrency: "unbounded", discard: true }
          )
        )
    }
  })

  const program = Stream.fromAsyncIterable(readline.createInterface({ input: process.stdin }), (error) => error).pipe(
    Stream.runForEach((line) =>
      Effect.map(answer(parse(Question, line)), (answered) => {
        process.stdout.write(`${JSON.stringify(answered)}\n`)
      })
    ),
    Effect.scoped,
    // Its standard output is for answers alone.
    Effect.tapCause((cause) =>
      Effect.sync(() => {
        process.stderr.write(`${Cause.prettyErrors(cause).map(String).join("; ")}\n`)
      })
    )
  )
  NodeRuntime.runMain(program, { disableErrorReporting: true })
}
