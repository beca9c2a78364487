import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Ref from "effect/Ref"
import * as http from "node:http"
import * as BindAddress from "../../../src/http/BindAddress.ts"
import * as HealthServer from "../../../src/http/HealthServer.ts"
import * as MetricsServer from "../../../src/http/MetricsServer.ts"
import * as Exposition from "../../harness/Exposition.ts"

const local = { host: "127.0.0.1", port: 0 }
const well = Effect.succeed(undefined)

interface Got {
  readonly status: number
  readonly body: string
  readonly headers: http.IncomingHttpHeaders
}

const ask = (address: Required<BindAddress.BindAddress>, path: string, method = "GET") =>
  Effect.callback<Got, Error>((resume) => {
    const request = http.request({ ...address, path, method, agent: false }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            headers: response.headers
          })
        )
      )
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    request.end()
  })

describe("BindAddress", () => {
  it.each([
    [":8081", { port: 8081 }],
    ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
    ["localhost:65535", { host: "localhost", port: 65_535 }],
    ["[::1]:8443", { host: "::1", port: 8443 }]
  ] as const)("reads %s", (text, address) => {
    assert.deepStrictEqual(BindAddress.parse(text), address)
  })
  it.each(["", "0", "8081", ":", ":65536", ":-1", "a b:1", "::1:8443", "http://x:1", ":8081x"])(
    "refuses %o",
    (text) => {
      assert.isUndefined(BindAddress.parse(text))
    }
  )
  it("writes IPv6 with brackets", () => {
    assert.strictEqual(BindAddress.format({ host: "::1", port: 1 }), "[::1]:1")
    assert.strictEqual(BindAddress.format({ host: "127.0.0.1", port: 1 }), "127.0.0.1:1")
  })
})

describe("HealthServer", () => {
  it.live("is alive at once, ready when nothing is pending, and names what is", () =>
    Effect.gen(function* () {
      const pending = yield* Ref.make<ReadonlyArray<string>>(["toys.toys.example", "boxes.toys.example"])
      const ailing = yield* Ref.make<string | undefined>(undefined)
      const address = yield* HealthServer.serve({ address: local, ailing: Ref.get(ailing), pending: Ref.get(pending) })
      assert.isAbove(address.port, 0)
      assert.deepInclude(yield* ask(address, "/healthz"), { status: 200, body: "ok\n" })
      assert.deepInclude(yield* ask(address, "/readyz"), {
        status: 503,
        body: "[-] toys.toys.example not ready\n[-] boxes.toys.example not ready\n"
      })
      yield* Ref.set(pending, [])
      assert.deepInclude(yield* ask(address, "/readyz?verbose=1"), { status: 200, body: "ok\n" })
      assert.deepInclude(yield* ask(address, "/readyz", "HEAD"), { status: 200, body: "" })
      yield* Ref.set(ailing, "leader election: nothing for 40 s")
      const ill = { status: 503, body: "[-] leader election: nothing for 40 s\n" }
      assert.deepInclude(yield* ask(address, "/healthz"), ill)
      assert.strictEqual((yield* ask(address, "/metrics")).status, 404)
      assert.strictEqual((yield* ask(address, "/__proto__")).status, 404)
      assert.strictEqual((yield* ask(address, "/healthz", "POST")).status, 405)
    }).pipe(Effect.scoped)
  )

  it.live("a port that is taken is an error; it is free again when the scope has closed", () =>
    Effect.gen(function* () {
      const pending = Effect.succeed([])
      const address = yield* Effect.scoped(
        Effect.gen(function* () {
          const address = yield* HealthServer.serve({ address: local, ailing: well, pending })
          const error = yield* Effect.flip(Effect.scoped(HealthServer.serve({ address, ailing: well, pending })))
          assert.strictEqual(error._tag, "ServeError")
          return address
        })
      )
      yield* Effect.scoped(HealthServer.serve({ address, ailing: well, pending }))
    })
  )
})

describe("MetricsServer", () => {
  it.live("gives ours and the process's metrics as Prometheus text", () =>
    Effect.gen(function* () {
      yield* Metric.update(Metric.withAttributes(Metric.counter("toys_total"), { colour: 'r"ed' }), 3)
      const address = yield* MetricsServer.serve(local)
      const first = yield* ask(address, "/metrics")
      assert.strictEqual(first.status, 200)
      assert.strictEqual(first.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
      const before = Exposition.parse(first.body)
      assert.strictEqual(Exposition.valueOf(before, "toys_total", { colour: 'r"ed' }), 3)
      assert.strictEqual(before.get("process_cpu_seconds_total")?.type, "counter")
      const value = (families: typeof before, name: string) => Exposition.valueOf(families, name, {}) ?? 0
      assert.isAbove(value(before, "process_resident_memory_bytes"), 1_000_000)
      assert.isAbove(value(before, "nodejs_heap_size_used_bytes"), 1_000_000)
      const after = Exposition.parse((yield* ask(address, "/metrics")).body)
      assert.isAbove(value(before, "process_cpu_seconds_total"), 0)
      assert.isAtLeast(value(after, "process_cpu_seconds_total"), value(before, "process_cpu_seconds_total"))
    }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
