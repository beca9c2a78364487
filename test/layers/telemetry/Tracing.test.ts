import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { execFileSync } from "node:child_process"
import * as path from "node:path"
import * as zlib from "node:zlib"
import * as Tracing from "../../../layers/telemetry/Tracing.ts"

interface Received {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** A collector that keeps what it is sent. */
const collector = Effect.acquireRelease(
  Effect.callback<{ readonly origin: string; readonly received: Array<Received>; readonly server: http.Server }>(
    (resume) => {
      const received: Array<Received> = []
      const server = http.createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          const raw = Buffer.concat(chunks)
          const body = request.headers["content-encoding"] === "gzip" ? zlib.gunzipSync(raw) : raw
          received.push({ path: request.url ?? "", headers: request.headers, body })
          response.end()
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({ origin: `http://127.0.0.1:${port}`, received, server }))
      })
    }
  ),
  ({ server }) =>
    Effect.sync(() => {
      server.close()
      server.closeAllConnections()
    })
)

/** The packages read the process's own environment, our decision reads the ConfigProvider: both see the same. */
const environment =
  (variables: Readonly<Record<string, string>>) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const before = { ...process.env }
        for (const name of Object.keys(process.env).filter((name) => name.startsWith("OTEL_"))) delete process.env[name]
        Object.assign(process.env, variables)
        return before
      }),
      () =>
        Effect.provideService(self, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { ...variables } })),
      (before) =>
        Effect.sync(() => {
          for (const name of Object.keys(variables)) delete process.env[name]
          Object.assign(process.env, before)
        })
    )

const traced = Effect.logInfo("half way").pipe(
  Effect.withSpan("Toy.build", { attributes: { "k8s.name": "bear" } }),
  Effect.withSpan("Controller.reconcile", { root: true }),
  Effect.provide(Tracing.layer, { local: true }),
  Effect.provide(Logger.layer([Logger.tracerLogger]))
)

describe("Tracing", () => {
  it.live("exports when an endpoint is set, under the usual names", () =>
    Effect.gen(function* () {
      const { origin, received } = yield* collector
      yield* traced.pipe(
        environment({
          OTEL_EXPORTER_OTLP_ENDPOINT: origin,
          OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=toys",
          OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=nursery"
        })
      )
      assert.isAbove(received.length, 0)
      const text = Buffer.concat(received.map(({ body }) => body)).toString("latin1")
      for (const expected of [
        "cluster-api-provider-scvmm",
        "nursery",
        "Controller.reconcile",
        "Toy.build",
        "half way",
        "bear"
      ]) {
        assert.include(text, expected)
      }
      assert.strictEqual(received[0]?.path, "/v1/traces")
      assert.strictEqual(received[0]?.headers["x-tenant"], "toys")
      assert.strictEqual(received[0]?.headers["content-type"], "application/x-protobuf")
    }).pipe(Effect.scoped)
  )

  it.live("the environment's service name wins", () =>
    Effect.gen(function* () {
      const { origin, received } = yield* collector
      yield* traced.pipe(environment({ OTEL_EXPORTER_OTLP_ENDPOINT: origin, OTEL_SERVICE_NAME: "workshop" }))
      yield* traced.pipe(
        environment({ OTEL_EXPORTER_OTLP_ENDPOINT: origin, OTEL_RESOURCE_ATTRIBUTES: "service.name=attic" })
      )
      const texts = received.map(({ body }) => body.toString("latin1"))
      assert.strictEqual(texts.length, 2)
      assert.isTrue(texts[0]?.includes("workshop") === true && !texts[0].includes("cluster-api-provider-scvmm"))
      assert.isTrue(texts[1]?.includes("attic") === true && !texts[1].includes("cluster-api-provider-scvmm"))
    }).pipe(Effect.scoped)
  )

  it.live("does nothing when it is not asked to, or told not to", () =>
    Effect.gen(function* () {
      const { origin, received } = yield* collector
      const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: origin }
      yield* traced.pipe(environment({}))
      yield* traced.pipe(environment({ ...endpoint, OTEL_SDK_DISABLED: "true" }))
      yield* traced.pipe(environment({ ...endpoint, OTEL_TRACES_EXPORTER: "none" }))
      yield* traced.pipe(environment({ ...endpoint, OTEL_TRACES_SAMPLER: "always_off" }))
      assert.strictEqual(received.length, 0)
    }).pipe(Effect.scoped)
  )

  it("loads no OpenTelemetry package without an endpoint", () => {
    const root = path.resolve(import.meta.dirname, "../../..")
    const program = `
      import { registerHooks } from "node:module"
      const loaded = []
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      const { layer } = await import("./layers/telemetry/Tracing.ts")
      const Effect = await import("effect/Effect")
      await Effect.runPromise(Effect.provide(Effect.void, layer))
      process.stdout.write(String(loaded.filter((url) => url.includes("opentelemetry")).length) + " " + String(loaded.length > 10))`
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("OTEL_")))
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: root, env })
    assert.strictEqual(output.toString(), "0 true")
  })
})
