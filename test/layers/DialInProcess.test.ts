/** Dial within this process: identity, interruption, streaming, and the mute end of a crash. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Dial } from "../../layers/Dial.ts"
import { classify } from "../../layers/DialFailure.ts"
import type { Handler } from "../../schemas/http/Exchange.ts"

const origin = "https://server:1"
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const ok = (body: string) => ({ status: 200, headers: { "Content-Type": "text/plain" }, body: bytes(body) })

const over = (handler: Handler) => Dial.layerInProcess(new Map([[origin, handler]]))

const open = Effect.flatMap(Dial, (dial) => dial.connection({ origin }))
const pooled = Effect.flatMap(Dial, (dial) => dial.client({ origin }))

describe("Dial in process", () => {
  it.effect("hands a whole exchange over", () =>
    Effect.gen(function* () {
      const client = yield* pooled
      const body = Stream.make(bytes("str"), bytes("eamed"))
      const response = yield* client.post("/a/b?c=d", { body: HttpBody.stream(body), headers: { "X-Own": "1" } })
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers["content-type"], "text/plain")
      assert.strictEqual(yield* response.text, "POST /a/b?c=d 1 server:1 true streamed")
    }).pipe(
      Effect.provide(
        over(({ method, target, headers, body }, { secure }) =>
          Effect.succeed(
            ok([method, target, headers["x-own"], headers["host"], secure, new TextDecoder().decode(body)].join(" "))
          )
        )
      )
    )
  )

  it.effect("gives each connection an identity of its own and one request at a time", () => {
    let running = 0
    return Effect.gen(function* () {
      const [one, two] = [yield* open, yield* open]
      const id = (connection: typeof one) => Effect.flatMap(connection.client.get("/"), (response) => response.text)
      const all = yield* Effect.all([id(one), id(one), id(two), id(one)], { concurrency: "unbounded" }).pipe(
        Effect.forkChild
      )
      yield* TestClock.adjust("1 minute")
      const [a, b, c, d] = yield* Fiber.join(all)
      assert.strictEqual(a, b)
      assert.strictEqual(a, d)
      assert.notStrictEqual(a, c)
      assert.isTrue(yield* one.intact)
    }).pipe(
      Effect.provide(
        over((_, connection) =>
          Effect.gen(function* () {
            running += 1
            assert.isAtMost(running, 2)
            yield* Effect.sleep("1 second")
            running -= 1
            return ok(String(connection.id))
          })
        )
      )
    )
  })

  it.effect("an interrupted request interrupts its handler, closes its scope and costs the connection", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      const layer = over(({ target }, connection) =>
        target === "/"
          ? Effect.succeed(ok(String(connection.id)))
          : Effect.acquireRelease(Deferred.succeed(started, undefined), () => Deferred.succeed(closed, undefined)).pipe(
              Effect.andThen(Effect.never)
            )
      )
      yield* Effect.gen(function* () {
        const connection = yield* open
        const id = Effect.flatMap(connection.client.get("/"), (response) => response.text)
        const before = yield* id
        const slow = yield* Effect.forkChild(connection.client.get("/slow"))
        yield* Deferred.await(started)
        yield* Fiber.interrupt(slow)
        yield* Deferred.await(closed)
        assert.isFalse(yield* connection.intact)
        assert.notStrictEqual(yield* id, before)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("streams an answer as it comes, and stops the server when its reader stops", () =>
    Effect.gen(function* () {
      let sent = 0
      const closed = yield* Deferred.make<void>()
      const layer = over(() =>
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Deferred.succeed(closed, undefined))
          const tick = Effect.delay(
            Effect.sync(() => bytes(`${(sent += 1)}`)),
            "1 second"
          )
          return { status: 200, headers: {}, body: Stream.fromEffectRepeat(tick) }
        })
      )
      yield* Effect.gen(function* () {
        const client = yield* pooled
        const response = yield* client.get("/")
        const reading = yield* response.stream.pipe(
          Stream.mapEffect(() => Clock.currentTimeMillis),
          Stream.take(3),
          Stream.runCollect,
          Effect.forkChild
        )
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* Fiber.join(reading), [1000, 2000, 3000])
        yield* Deferred.await(closed)
        assert.strictEqual(sent, 3)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("refuses where no server is, and cuts where one dies", () =>
    Effect.gen(function* () {
      const dial = yield* Dial
      const elsewhere = yield* dial.client({ origin: "http://nowhere:1" })
      assert.strictEqual(classify(yield* Effect.flip(elsewhere.get("/"))).kind, "refused")
      const connection = yield* open
      assert.strictEqual(classify(yield* Effect.flip(connection.client.get("/"))).kind, "reset")
      assert.isFalse(yield* connection.intact)
    }).pipe(Effect.provide(over(() => Effect.die("bug in the server"))))
  )

  it.effect("a closed connection fails, and its exchanges with it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(open, scope)
      const running = yield* Effect.forkChild(Effect.flip(connection.client.get("/")), { startImmediately: true })
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(classify(yield* Fiber.join(running)).kind, "reset")
      assert.strictEqual(classify(yield* Effect.flip(connection.client.get("/"))).kind, "reset")
    }).pipe(Effect.provide(over(() => Effect.never)))
  )

  it.effect("after a crash nothing arrives and nothing answers", () =>
    Effect.gen(function* () {
      let arrived = 0
      let interrupted = 0
      const handler: Handler = ({ target }) =>
        Effect.gen(function* () {
          arrived += 1
          if (target !== "/hang") return ok("")
          return yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (interrupted += 1)))
        })
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(over(handler), scope)
      yield* Effect.gen(function* () {
        const client = yield* pooled
        const answered = (path: string) => Effect.forkChild(client.get(path), { startImmediately: true })
        const before = yield* answered("/hang")
        yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        const after = yield* answered("/late")
        yield* TestClock.adjust("1 hour")
        assert.isUndefined(before.pollUnsafe())
        assert.isUndefined(after.pollUnsafe())
        assert.deepStrictEqual([arrived, interrupted], [1, 1])
        yield* Fiber.interruptAll([before, after])
      }).pipe(Effect.provideContext(context))
    })
  )

  it.effect("two operators on one simulator never share an identity", () =>
    Effect.gen(function* () {
      const handler: Handler = (_, connection) => Effect.succeed(ok(String(connection.id)))
      const incarnation = Effect.gen(function* () {
        const connection = yield* open
        return yield* Effect.flatMap(connection.client.get("/"), (response) => response.text)
      }).pipe(Effect.provide(over(handler)), Effect.scoped)
      assert.notStrictEqual(yield* incarnation, yield* incarnation)
    })
  )
})
