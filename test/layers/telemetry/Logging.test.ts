import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestConsole from "effect/testing/TestConsole"
import * as Tracer from "effect/Tracer"
import * as Logging from "../../../layers/telemetry/Logging.ts"

const environment = (variables: Record<string, string>) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(variables))

const lines = Effect.map(TestConsole.errorLines, (all) =>
  all.map((line) => JSON.parse(String(line)) as Record<string, unknown>)
)

const logging = (options: Logging.Options = { format: "json" }, variables: Record<string, string> = {}) => {
  const provide = Effect.provide(Logging.layer(options), { local: true })
  return <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(provide, environment(variables))
}

class Refused extends Schema.TaggedError<Refused>()("Refused", { host: Schema.String }) {
  override get message() {
    return `${this.host} refused`
  }
}

describe("Logging", () => {
  it.effect("a line holds text, annotations, details, and the ids of its span", () =>
    Effect.gen(function* () {
      const span = yield* Effect.gen(function* () {
        yield* Effect.logInfo("built", { size: 3 }, "at last")
        return yield* Effect.currentSpan
      }).pipe(
        Effect.withSpan("Toy.build"),
        Effect.annotateLogs({ controller: "toy", namespace: "play", name: "bear", message: "not the message" }),
        logging()
      )
      assert.deepStrictEqual(yield* lines, [
        {
          timestamp: "1970-01-01T00:00:00.000Z",
          level: "info",
          message: "built at last",
          controller: "toy",
          namespace: "play",
          name: "bear",
          message_: "not the message",
          details: { size: 3 },
          trace_id: span.traceId,
          span_id: span.spanId
        }
      ])
    })
  )

  it.effect("lines stay events of their span", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      class Span extends Tracer.NativeSpan {
        override event(name: string): void {
          events.push(name)
        }
      }
      yield* Effect.logInfo("built").pipe(
        Effect.withSpan("Toy.build"),
        logging(),
        Effect.provideService(Tracer.Tracer, Tracer.make({ span: (options) => new Span(options) }))
      )
      assert.deepStrictEqual(events, ["built"])
    })
  )

  it.effect("secrets never show, wherever they stand", () =>
    Effect.gen(function* () {
      const password = Redacted.make("hunter2")
      const deep = { user: "u", login: { password, list: [password], map: new Map([["p", password]]) } }
      yield* Effect.logError(password, deep, Cause.fail(new Error("no", { cause: deep }))).pipe(
        Effect.annotateLogs({ password, deep }),
        logging()
      )
      yield* Effect.logError("pretty", deep).pipe(
        Effect.annotateLogs({ password, deep }),
        logging({ format: "pretty" })
      )
      const all = (yield* TestConsole.errorLines).join("\n")
      assert.notInclude(all, "hunter2")
      assert.include(all, "<redacted>")
    })
  )

  it.effect("errors come with their cause as text", () =>
    Effect.gen(function* () {
      yield* Effect.logError("reconcile died", Cause.die(new Refused({ host: "vmm1" }))).pipe(logging())
      const [line] = yield* lines
      assert.strictEqual(line?.["message"], "reconcile died")
      assert.include(String(line?.["error_stack"]), "Refused: vmm1 refused")
    })
  )

  it.effect("whatever is logged makes a line", () =>
    Effect.gen(function* () {
      const cycle: Record<string, unknown> = { big: 10n, nan: Number.NaN, symbol: Symbol("s"), set: new Set([1]) }
      cycle["self"] = cycle
      yield* Effect.logInfo("odd", cycle, undefined, null, new Error("e")).pipe(logging())
      const [line] = yield* lines
      assert.deepStrictEqual(line?.["details"], [
        { big: "10", nan: "NaN", symbol: "Symbol(s)", set: [1], self: "…" },
        null,
        null,
        "Error: e"
      ])
    })
  )

  it.effect("the level comes from the option, else LOG_LEVEL, else is info", () =>
    Effect.gen(function* () {
      const all = Effect.all([Effect.logDebug("debug"), Effect.logInfo("info"), Effect.logWarning("warn")])
      yield* logging()(all)
      yield* logging({ format: "json" }, { LOG_LEVEL: "DEBUG" })(all)
      yield* logging({ format: "json", level: "Warn" }, { LOG_LEVEL: "debug" })(all)
      assert.deepStrictEqual(
        (yield* lines).map(({ message }) => message),
        ["info", "warn", "debug", "info", "warn", "warn"]
      )
    })
  )

  it.effect("an unknown level or format is an error that names it", () =>
    Effect.gen(function* () {
      const level = yield* Effect.flip(logging({}, { LOG_LEVEL: "loud" })(Effect.void))
      assert.match(level.message, /one of all, trace, debug/u)
      const format = yield* Effect.flip(logging({}, { LOG_FORMAT: "xml" })(Effect.void))
      assert.match(format.message, /LOG_FORMAT/u)
    })
  )

  it.effect("pretty is one line of text", () =>
    Effect.gen(function* () {
      yield* Effect.logWarning("built").pipe(
        Effect.annotateLogs({ controller: "toy", reason: "Toy added" }),
        logging({ format: "pretty" })
      )
      assert.deepStrictEqual(yield* TestConsole.errorLines, [
        '00:00:00.000 WARN  built controller=toy reason="Toy added"'
      ])
    })
  )

  it.effect("stdout when asked", () =>
    Effect.gen(function* () {
      yield* Effect.logInfo("built").pipe(logging({ format: "json", stream: "stdout" }))
      assert.strictEqual((yield* TestConsole.logLines).length, 1)
      assert.strictEqual((yield* TestConsole.errorLines).length, 0)
    })
  )
})
