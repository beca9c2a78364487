/** A Jaeger that takes spans by OTLP and keeps them in memory. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as path from "node:path"
import { exited, freePort, spawn } from "./Process.ts"

export interface Span {
  readonly traceID: string
  readonly spanID: string
  readonly operationName: string
  readonly tags: ReadonlyArray<{ readonly key: string; readonly value: unknown }>
  readonly references: ReadonlyArray<{ readonly refType: string; readonly traceID: string; readonly spanID: string }>
}

export interface Jaeger {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string
  /** The text that the query API answers to a GET; undefined when it answers 404. */
  readonly query: (target: string) => Effect.Effect<string | undefined>
  /** The spans of a trace; none when it is unknown. */
  readonly trace: (id: string) => Effect.Effect<ReadonlyArray<Span>>
}

const listeners = [
  "admin.http",
  "collector.grpc-server",
  "collector.http-server",
  "collector.otlp.grpc",
  "collector.otlp.http",
  "query.http-server",
  "query.grpc-server"
] as const

/** Lives as long as its scope; its log is written into `folder`. */
export const start = Effect.fnUntraced(function* (binary: string, folder: string) {
  const ports = yield* Effect.all(Object.fromEntries(listeners.map((name) => [name, freePort])), {
    concurrency: "unbounded"
  })
  const origin = (name: (typeof listeners)[number]) => `http://127.0.0.1:${ports[name] ?? 0}`
  const child = yield* spawn(
    binary,
    listeners.map((name) => `--${name}.host-port=127.0.0.1:${ports[name] ?? 0}`),
    path.join(folder, "jaeger.log"),
    { SPAN_STORAGE_TYPE: "memory" }
  )
  const query = (target: string) =>
    Effect.promise(async () => {
      const answer = await fetch(`${origin("query.http-server")}${target}`)
      return answer.status === 404 ? undefined : answer.text()
    })
  yield* Effect.suspend(() =>
    exited(child)
      ? Effect.die(new Error("Jaeger exited"))
      : Effect.tryPromise(() => fetch(`${origin("query.http-server")}/api/services`))
  ).pipe(Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }), Effect.orDie)
  return {
    endpoint: origin("collector.otlp.http"),
    query,
    trace: (id) =>
      Effect.map(query(`/api/traces/${id}`), (text) => {
        // The shape of Jaeger's own JSON, of which only these members are read.
        const answer = JSON.parse(text ?? `{"data":[]}`) as { readonly data: ReadonlyArray<{ spans: Array<Span> }> }
        return answer.data.flatMap(({ spans }) => spans)
      })
  } satisfies Jaeger as Jaeger
})
