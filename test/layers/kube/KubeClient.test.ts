/** KubeClient against a scripted server: what a real one seldom says. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import type { RawEvent } from "../../../layers/kube/KubeClient.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import type { KubeError } from "../../../layers/kube/KubeError.ts"
import { ConfigMap } from "../../../schemas/kube/Core.ts"
import * as Patch from "../../../schemas/kube/Patch.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { bytes, configMap, json, list, scripted, status } from "./Scripted.ts"

const key = { namespace: "ns", name: "one" }
const get = Effect.flatMap(KubeClient, (kube) => kube.get(ConfigMap, key))
const patch = Effect.flatMap(KubeClient, (kube) => kube.patch(ConfigMap, key, Patch.merge({ data: { a: "1" } })))
const html = "<html><head><style>p {}</style></head><body><h1>Bad\n Gateway</h1></body></html>"

const errorOf = (answer: Parameters<typeof scripted>[0]) => {
  const server = scripted(answer)
  return Effect.map(inTime(Effect.flip(get)).pipe(Effect.provide(server.layer)), (error) => ({ error, ...server }))
}

describe("KubeClient on a scripted server", () => {
  it.effect("sends what the API conventions want", () => {
    const server = scripted((_, index) => json(index === 0 ? 201 : 200, configMap("one", "1")), { prefix: "/k8s/c-1" })
    return Effect.gen(function* () {
      const kube = yield* KubeClient
      yield* kube.create(ConfigMap, "ns", { metadata: { name: "one" } }, { fieldValidation: "Strict", dryRun: true })
      yield* kube.patch(ConfigMap, key, Patch.json([{ op: "remove", path: "/data" }]), { subresource: "status" })
      yield* kube.delete(ConfigMap, key, { uid: "u", resourceVersion: "7", propagationPolicy: "Background" })
      assert.deepStrictEqual(
        server.asked.map((it) => [
          it.method,
          it.target,
          it.headers["content-type"],
          JSON.parse(new TextDecoder().decode(it.body))
        ]),
        [
          [
            "POST",
            "/k8s/c-1/api/v1/namespaces/ns/configmaps?fieldManager=capscvmm&fieldValidation=Strict&dryRun=All",
            "application/json",
            { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" } }
          ],
          [
            "PATCH",
            "/k8s/c-1/api/v1/namespaces/ns/configmaps/one/status?fieldManager=capscvmm",
            "application/json-patch+json",
            [{ op: "remove", path: "/data" }]
          ],
          [
            "DELETE",
            "/k8s/c-1/api/v1/namespaces/ns/configmaps/one",
            "application/json",
            {
              apiVersion: "v1",
              kind: "DeleteOptions",
              preconditions: { uid: "u", resourceVersion: "7" },
              propagationPolicy: "Background"
            }
          ]
        ]
      )
      assert.strictEqual(server.asked[0]?.headers["authorization"], "Bearer s3cret-token")
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("a server that takes long to turn a request away is asked for half a minute, not ten times", () => {
    const busy = Effect.delay(Effect.succeed(json(429, status(429, "TooManyRequests"))), "15 seconds")
    const server = scripted(() => busy)
    return Effect.gen(function* () {
      const error = yield* inTime(Effect.flip(get))
      assert.strictEqual(error._tag, "KubeTooManyRequests")
      assert.isAtMost(yield* Clock.currentTimeMillis, 40_000)
      assert.strictEqual(server.asked.length, 2)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("reads are repeated on a 5xx that asks for it and on a lost connection; a 429 is waited for", () =>
    Effect.gen(function* () {
      const server = scripted((_, index) =>
        index === 0
          ? Effect.die("cut")
          : index === 1
            ? json(504, status(504, "Timeout", { details: { retryAfterSeconds: 2 } }))
            : index === 2
              ? json(429, status(429, "TooManyRequests"), { "retry-after": "3" })
              : json(200, configMap("one", "1"))
      )
      const quiet = Logger.layer([])
      const object = yield* inTime(get).pipe(Effect.provide([server.layer, quiet]))
      assert.strictEqual(object.metadata.name, "one")
      assert.strictEqual(server.asked.length, 4)
    })
  )

  it.effect("writes are repeated on 429 and on nothing else", () =>
    Effect.gen(function* () {
      const busy = scripted((_, index) =>
        index < 3 ? json(429, status(429, "TooManyRequests"), { "retry-after": "1" }) : json(200, configMap("one", "1"))
      )
      const object = yield* inTime(patch).pipe(Effect.provide(busy.layer))
      assert.strictEqual(object.metadata.name, "one")
      assert.deepStrictEqual(
        busy.asked.map(({ method, body }) => `${method} ${new TextDecoder().decode(body)}`),
        Array.from({ length: 4 }, () => 'PATCH {"data":{"a":"1"}}')
      )
      for (const code of [500, 503, 504]) {
        const server = scripted(() => json(code, status(code, "x"), { "retry-after": "1" }))
        yield* inTime(Effect.flip(patch)).pipe(Effect.provide(server.layer))
        assert.strictEqual(server.asked.length, 1)
      }
      const dying = scripted(() => Effect.die("cut"))
      const error = yield* inTime(Effect.flip(patch)).pipe(Effect.provide([dying.layer, Logger.layer([])]))
      assert.strictEqual(error._tag, "KubeUnreachable")
      assert.strictEqual(dying.asked.length, 1)
    })
  )

  it.effect("a 429 that does not end is the caller's after half a minute, asked less and less often", () =>
    Effect.gen(function* () {
      for (const [after, least, most] of [
        ["0", 6, 8],
        ["1", 6, 8],
        ["9", 3, 4]
      ] as const) {
        const started = yield* Clock.currentTimeMillis
        const { error, asked } = yield* errorOf(() => json(429, status(429, "x"), { "retry-after": after }))
        assert.strictEqual(error._tag, "KubeTooManyRequests")
        assert.isAtLeast(asked.length, least)
        assert.isAtMost(asked.length, most)
        assert.isAtMost((yield* Clock.currentTimeMillis) - started, 31_000)
      }
    })
  )

  it.effect("a long Retry-After is the caller's to wait", () =>
    Effect.gen(function* () {
      const { error, asked } = yield* errorOf(() => json(429, status(429, "x"), { "retry-after": "120" }))
      assert.strictEqual(asked.length, 1)
      assert.deepStrictEqual(error.retry, { afterMillis: 120_000 })
      const dated = yield* errorOf(() =>
        json(429, status(429, "x"), { "retry-after": "Thu, 01 Jan 1970 00:01:30 GMT" })
      )
      assert.deepStrictEqual(dated.error.retry, { afterMillis: 90_000 })
      const skewed = yield* errorOf(() =>
        json(429, status(429, "x"), {
          "retry-after": "Sat, 21 Nov 2026 12:01:30 GMT",
          date: "Sat, 21 Nov 2026 12:00:00 GMT",
          "x-kubernetes-pf-flowschema-uid": "flow",
          "x-kubernetes-pf-prioritylevel-uid": "level"
        })
      )
      assert.deepStrictEqual(skewed.error.retry, { afterMillis: 90_000 })
      assert.include(skewed.error.message, "(priority level level)")
      const absurd = yield* errorOf(() => json(503, status(503, "x"), { "retry-after": "86400" }))
      assert.deepStrictEqual(absurd.error.retry, { afterMillis: 300_000 })
    })
  )

  it.effect("a foreign page is told in one line", () =>
    Effect.gen(function* () {
      const { error } = yield* errorOf(() => ({
        status: 502,
        headers: { "content-type": "text/html" },
        body: bytes(html)
      }))
      assert.strictEqual(error.message, "GET /api/v1/namespaces/ns/configmaps/one: status 502: Bad Gateway")
      const fine = yield* errorOf(() => ({ status: 200, headers: { "content-type": "text/html" }, body: bytes(html) }))
      assert.strictEqual(fine.error._tag, "KubeServerFault")
      assert.include(fine.error.message, "not JSON (text/html)")
      const half = yield* errorOf(() => ({ status: 200, headers: {}, body: bytes('{"metadata":{') }))
      assert.strictEqual(half.error._tag, "KubeServerFault")
    })
  )

  it.effect.each([
    [401, "KubeForbidden"],
    [403, "KubeForbidden"],
    [404, "KubeNotFound"],
    [409, "KubeConflict"],
    [410, "KubeGone"],
    [400, "KubeInvalid"],
    [415, "KubeInvalid"],
    [422, "KubeInvalid"],
    [429, "KubeTooManyRequests"],
    [500, "KubeServerFault"],
    [504, "KubeServerFault"]
  ] as const)("%j", ([code, tag]) =>
    Effect.gen(function* () {
      const { error } = yield* errorOf(() => json(code, status(code, "x")))
      assert.strictEqual(error._tag, tag)
      assert.include(error.message, "told: x")
    })
  )

  it.effect("a silent server is given up after the time limit, and no credentials are in the error", () =>
    Effect.gen(function* () {
      const { error } = yield* errorOf(() => Effect.never)
      assert.strictEqual(error._tag, "KubeUnreachable")
      assert.include(error.message, "no answer in time")
      const cut = yield* errorOf(() => Effect.die("cut")).pipe(Effect.provide(Logger.layer([])))
      for (const it of [error, cut.error]) {
        const everything = inspect(it, { depth: 20 }) + JSON.stringify(it) + Cause.pretty(Cause.fail(it))
        assert.notInclude(everything, "s3cret-token")
      }
    })
  )

  it.effect("an answer without end is cut, a foreign page's too", () =>
    Effect.gen(function* () {
      const piece = new Uint8Array(1024 * 1024).fill(32)
      for (const [code, most] of [
        [200, 129],
        [502, 2]
      ] as const) {
        let sent = 0
        const body = Stream.fromEffectRepeat(
          Effect.sync(() => {
            sent += 1
            return piece
          })
        )
        const { error } = yield* errorOf(() => ({ status: code, headers: {}, body }))
        assert.strictEqual(error._tag, "KubeServerFault")
        assert.match(error.message, /the answer is longer than \d+ MiB/u)
        // What waits in the connection's buffers was sent as well.
        assert.isAtMost(sent, most + 140)
      }
    })
  )

  it.effect("follows pages, and starts over when the token expires on the way", () =>
    Effect.gen(function* () {
      let expired = false
      const server = scripted(
        ({ query }) => {
          const next = query.get("continue")
          if (query.get("limit") === null)
            return list(
              "9",
              [1, 2, 3, 4].map((n) => configMap(`m${n}`, "1"))
            )
          if (next === null) return list("5", [configMap("m1", "1")], "a")
          if (next === "a") return list("5", [configMap("m2", "1")], "b")
          expired = true
          return json(410, status(410, "Expired"))
        },
        { pageSize: 1 }
      )
      const listing = yield* Effect.flatMap(KubeClient, (kube) => kube.list(ConfigMap)).pipe(
        Effect.provide(server.layer)
      )
      assert.isTrue(expired)
      assert.strictEqual(listing.resourceVersion, "9")
      assert.strictEqual(listing.items.length, 4)
    })
  )

  it.effect("keeps what does not decode out of the list, by key", () =>
    Effect.gen(function* () {
      const bad = { ...configMap("bad", "1"), data: { a: 1 } }
      const server = scripted(() => list("5", [configMap("good", "1"), bad]))
      const listing = yield* Effect.flatMap(KubeClient, (kube) => kube.list(ConfigMap)).pipe(
        Effect.provide(server.layer)
      )
      assert.deepStrictEqual(
        listing.items.map((item) => item.metadata.name),
        ["good"]
      )
      assert.deepStrictEqual(
        listing.undecodable.map((item) => item.key),
        [{ namespace: "ns", name: "bad" }]
      )
      assert.include(listing.undecodable[0]?.message, '["data"]["a"]')
    })
  )

  it.effect("a watch: events, bookmarks, an ERROR, a half line, silence", () =>
    Effect.gen(function* () {
      const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`
      const whole =
        line("ADDED", configMap("ö", "1")) +
        line("BOOKMARK", { metadata: { resourceVersion: "5" } }) +
        line("ERROR", status(410, "Expired"))
      // Cut in the middle of a character and of a line.
      const cuts = [...bytes(whole)].map((byte) => new Uint8Array([byte]))
      const answers: ReadonlyArray<Stream.Stream<Uint8Array>> = [
        Stream.fromIterable(cuts),
        Stream.make(bytes(line("ADDED", configMap("a", "1"))), bytes('{"type":"ADDED","obj')),
        Stream.concat(Stream.make(bytes(line("ADDED", configMap("a", "1")))), Stream.never)
      ]
      const server = scripted((_, index) => ({ status: 200, headers: {}, body: answers[index] ?? Stream.empty }))
      const watch = Effect.gen(function* () {
        const kube = yield* KubeClient
        const seen: Array<RawEvent> = []
        const exit = yield* Effect.exit(
          Stream.runForEach(kube.watch(ConfigMap, { namespace: "ns", resourceVersion: "1" }), (event) =>
            Effect.sync(() => void seen.push(event))
          )
        )
        return { seen, exit }
      })
      const tell = (event: RawEvent) => (event.type === "ERROR" ? event.error._tag : event.type)
      yield* Effect.gen(function* () {
        const first = yield* inTime(watch)
        assert.deepStrictEqual(first.seen.map(tell), ["OPENED", "ADDED", "BOOKMARK", "KubeGone"])
        assert.deepInclude(first.seen[1], { object: configMap("ö", "1") })
        const half = yield* inTime(watch)
        assert.deepStrictEqual(half.seen.map(tell), ["OPENED", "ADDED", "KubeServerFault"])
        const opened = yield* Clock.currentTimeMillis
        const silent = yield* inTime(watch)
        assert.deepStrictEqual(silent.seen.map(tell), ["OPENED", "ADDED"])
        assert.strictEqual(silent.exit._tag, "Failure")
        const timeout = Number(server.asked[2]?.query.get("timeoutSeconds"))
        assert.isAtLeast(timeout, 300)
        assert.isBelow(timeout, 600)
        const lasted = (yield* Clock.currentTimeMillis) - opened
        assert.isAtLeast(lasted, (timeout + 30) * 1000)
        assert.isAtMost(lasted, (timeout + 32) * 1000)
        assert.strictEqual(server.asked[2]?.query.get("allowWatchBookmarks"), "true")
      }).pipe(Effect.provide(server.layer))
    })
  )

  it.effect("a line without end is not kept", () =>
    Effect.gen(function* () {
      const piece = bytes('"'.padEnd(1024 * 1024, "x"))
      let sent = 0
      const body = Stream.fromEffectRepeat(
        Effect.sync(() => {
          sent += 1
          return piece
        })
      )
      const server = scripted(() => ({ status: 200, headers: {}, body }))
      const error = yield* Effect.flatMap(KubeClient, (kube) =>
        Effect.flip(Stream.runDrain(kube.watch(ConfigMap, { resourceVersion: "1" })))
      ).pipe(inTime, Effect.provide(server.layer))
      assert.include(error.message, "a line of a watch is longer than 16 MiB")
      assert.isAtMost(sent, 17 + 140)
    })
  )

  it.effect("one span a request, named for the verb, and counted", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span(options) {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const server = scripted(() => json(404, status(404, "NotFound")))
      yield* Effect.flip(get).pipe(Effect.withTracer(tracer), Effect.provide(server.layer))
      assert.deepStrictEqual(
        spans.map((span) => [span.name, Object.fromEntries(span.attributes)]),
        [
          [
            "KubeClient.get",
            {
              "k8s.verb": "get",
              "k8s.resource": "configmaps",
              "k8s.namespace": "ns",
              "k8s.name": "one",
              "http.response.status_code": 404
            }
          ]
        ]
      )
      const metrics = yield* Metric.snapshot
      const found = metrics.find(
        (metric) =>
          metric.id === "rest_client_requests_total" &&
          metric.attributes?.["code"] === "404" &&
          metric.attributes["host"] === "api:8080" &&
          metric.attributes["method"] === "GET"
      )
      assert.isDefined(found)
    })
  )

  it.effect("counts and measures requests by client-go's names, watches unmeasured", () =>
    Effect.gen(function* () {
      const server = scripted(
        ({ query }, index) =>
          query.get("watch") !== null
            ? { status: 200, headers: {}, body: new Uint8Array() }
            : index === 0
              ? json(429, status(429, "TooManyRequests"), { "retry-after": "1" })
              : json(200, configMap("one", "1")),
        { host: "metered" }
      )
      yield* Effect.gen(function* () {
        yield* patch
        yield* Effect.flatMap(KubeClient, (kube) => Stream.runDrain(kube.watch(ConfigMap, { resourceVersion: "1" })))
      }).pipe(inTime, Effect.provide(server.layer))
      const found = (yield* Metric.snapshot)
        .filter(({ attributes }) => attributes?.["host"] === "metered")
        .map(({ id, attributes, ...metric }) => {
          const { host: _, ...labels } = attributes ?? {}
          return [id, labels, metric.type === "Counter" || metric.type === "Histogram" ? Number(metric.state.count) : 0]
        })
        .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
      assert.deepStrictEqual(found, [
        ["rest_client_request_duration_seconds", { verb: "PATCH" }, 2],
        ["rest_client_request_retries_total", { code: "429", verb: "PATCH" }, 1],
        ["rest_client_requests_total", { code: "200", method: "GET" }, 1],
        ["rest_client_requests_total", { code: "200", method: "PATCH" }, 1],
        ["rest_client_requests_total", { code: "429", method: "PATCH" }, 1]
      ])
    })
  )

  it.effect("a warning is logged once", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const log = Logger.layer([
        Logger.make(
          (options) => void lines.push(JSON.stringify(options.fiber.getRef(References.CurrentLogAnnotations)))
        )
      ])
      const warning = '299 - "unknown field \\"spec.a\\"", 299 - "spec.b is deprecated"'
      const server = scripted(() => json(200, configMap("one", "1"), { warning }))
      yield* Effect.andThen(get, get).pipe(Effect.provide(Layer.merge(server.layer, log)))
      assert.strictEqual(lines.length, 2)
      assert.include(lines[0], String.raw`unknown field \"spec.a\"`)
    })
  )
})

describe("the retry that a KubeError asks for", () => {
  it.effect("is there for each", () =>
    Effect.gen(function* () {
      const { error } = yield* errorOf(() =>
        json(422, status(422, "Invalid", { details: { causes: [{ field: "spec.a" }] } }))
      )
      const retry: KubeError["retry"] = error.retry
      assert.strictEqual(retry, "backoff")
      assert.deepStrictEqual(error._tag === "KubeInvalid" && error.causes, [
        { field: "spec.a", reason: "", message: "" }
      ])
    })
  )
})
