/** The fence of a Dial: what changes something leaves only while it is open, and is asked again on the socket itself. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as http from "node:http"
import type * as net from "node:net"
import { Dial } from "../../layers/Dial.ts"
import { classify, notLeader } from "../../layers/DialFailure.ts"
import type { Fence } from "../../layers/Fence.ts"
import { NotLeader } from "../../layers/Fence.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../layers/kube/KubeConfig.ts"
import * as Lane from "../../layers/wsman/Lane.ts"
import { Namespace } from "../../schemas/kube/Core.ts"

const gate = () => {
  let refusal: NotLeader | undefined
  let asked = 0
  const fence: Fence = { refusal: () => (asked++, refusal) }
  return {
    fence,
    asked: () => asked,
    close: () => void (refusal = new NotLeader({ detail: "lease ns/name" })),
    open: () => void (refusal = undefined)
  }
}

/** A listener that keeps what arrives; `accept` is run with each connection before it is read. */
const server = (accept: (socket: net.Socket) => void = () => undefined) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly origin: string; readonly seen: Array<string>; readonly sockets: () => number }>(
      (resume) => {
        const seen: Array<string> = []
        let sockets = 0
        const listener = http.createServer((request, response) => {
          seen.push(`${request.method} ${request.url}`)
          if (request.url !== "/slow") response.end("ok")
        })
        listener.on("connection", (socket) => {
          sockets++
          accept(socket)
        })
        listener.listen(0, "127.0.0.1", () => {
          const address = listener.address()
          const port = address !== null && typeof address === "object" ? address.port : 0
          resume(Effect.succeed({ origin: `http://127.0.0.1:${port}`, seen, sockets: () => sockets, listener }))
        })
      }
    ),
    (it) =>
      Effect.sync(() => {
        // Made above.
        const { listener } = it as unknown as { readonly listener: http.Server }
        listener.closeAllConnections()
        listener.close()
      })
  )

const dial = (fence: Fence, inner: Layer.Layer<Dial> = Dial.layerUndici) =>
  Layer.provide(Dial.layerFenced(fence), inner)

describe("a fenced Dial", () => {
  it.live("refuses what changes something before it dials, and lets reads pass", () =>
    Effect.gen(function* () {
      const { fence, close, open } = gate()
      const { origin, seen, sockets } = yield* server()
      yield* Effect.gen(function* () {
        const { client, connection } = yield* Dial
        const pooled = yield* client({ origin })
        const { client: single } = yield* connection({ origin })
        close()
        for (const http of [pooled, single]) {
          for (const change of [http.post("/"), http.patch("/"), http.put("/"), http.del("/")]) {
            const error = yield* Effect.flip(change)
            assert.instanceOf(notLeader(error), NotLeader)
            assert.strictEqual(classify(error).kind, "fenced")
          }
        }
        assert.strictEqual(sockets(), 0)
        yield* pooled.get("/read")
        open()
        assert.strictEqual((yield* pooled.post("/a")).status, 200)
        assert.strictEqual((yield* single.post("/b")).status, 200)
        assert.deepStrictEqual(seen, ["GET /read", "POST /a", "POST /b"])
      }).pipe(Effect.provide(dial(fence)))
    })
  )

  it.live(
    "asks again when the connection is there: what was let through before is refused then, and the socket lives",
    () =>
      Effect.gen(function* () {
        const { fence, asked, close, open } = gate()
        // The fence closes while the connection is being made.
        const { origin, seen } = yield* server(() => close())
        yield* Effect.gen(function* () {
          const { client } = yield* (yield* Dial).connection({ origin })
          const held = new Promise<void>((resolve) => setImmediate(resolve))
          const posted = yield* Effect.forkChild(client.post("/late"), { startImmediately: true })
          yield* Effect.promise(() => held)
          const error = yield* Effect.flip(Fiber.join(posted))
          assert.instanceOf(notLeader(error), NotLeader)
          assert.isAtLeast(asked(), 2)
          assert.deepStrictEqual(seen, [])
          open()
          assert.strictEqual((yield* client.post("/then")).status, 200)
          assert.deepStrictEqual(seen, ["POST /then"])
        }).pipe(Effect.provide(dial(fence)))
      })
  )

  it.live("asks a request that waited for its turn on the one socket when that comes", () =>
    Effect.gen(function* () {
      const { fence, close } = gate()
      const { origin, seen } = yield* server()
      yield* Effect.gen(function* () {
        const { client } = yield* (yield* Dial).connection({ origin })
        const first = yield* Effect.forkChild(client.post("/slow"), { startImmediately: true })
        while (seen.length === 0) yield* Effect.yieldNow
        const second = yield* Effect.forkChild(Effect.flip(client.post("/second")), { startImmediately: true })
        yield* Effect.yieldNow
        close()
        yield* Fiber.interrupt(first)
        assert.instanceOf(notLeader(yield* Fiber.join(second)), NotLeader)
        assert.deepStrictEqual(seen, ["POST /slow"])
      }).pipe(Effect.provide(dial(fence)))
    })
  )

  it.effect("in process too, when the request's turn has come", () =>
    Effect.gen(function* () {
      const { fence, close } = gate()
      const seen: Array<string> = []
      const release = yield* Deferred.make<void>()
      const inProcess = Dial.layerInProcess(
        new Map([
          [
            "http://server:1",
            ({ method, target }) => {
              seen.push(`${method} ${target}`)
              const answer = { status: 200, headers: {}, body: new Uint8Array() }
              return Effect.as(target === "/slow" ? Deferred.await(release) : Effect.void, answer)
            }
          ]
        ])
      )
      yield* Effect.gen(function* () {
        const { client } = yield* (yield* Dial).connection({ origin: "http://server:1" })
        const first = yield* Effect.forkChild(client.post("/slow"), { startImmediately: true })
        const second = yield* Effect.forkChild(Effect.flip(client.post("/second")), { startImmediately: true })
        while (seen.length === 0) yield* Effect.yieldNow
        close()
        yield* Deferred.succeed(release, undefined)
        assert.strictEqual((yield* Fiber.join(first)).status, 200)
        assert.instanceOf(notLeader(yield* Fiber.join(second)), NotLeader)
        assert.strictEqual((yield* client.get("/read")).status, 200)
        assert.deepStrictEqual(seen, ["POST /slow", "GET /read"])
      }).pipe(Effect.provide(dial(fence, inProcess)))
    })
  )

  it.effect("makes a write to Kubernetes a NotLeader, and an exchange with WinRM one that was not sent", () =>
    Effect.gen(function* () {
      const { fence, close } = gate()
      const seen: Array<string> = []
      const answer = (value: object) => ({
        status: 200,
        headers: { "content-type": "application/json" },
        body: new TextEncoder().encode(JSON.stringify(value))
      })
      const object = { metadata: { name: "n", uid: "u", resourceVersion: "1" } }
      const inProcess = Dial.layerInProcess(
        new Map([
          [
            "https://server:1",
            ({ method, target }) => Effect.sync(() => (seen.push(`${method} ${target}`), answer(object)))
          ]
        ])
      )
      close()
      yield* Effect.gen(function* () {
        const kube = yield* KubeClient
        yield* kube.get(Namespace, { namespace: "", name: "n" })
        assert.strictEqual((yield* Effect.flip(kube.create(Namespace, "", object)))._tag, "NotLeader")
        assert.strictEqual((yield* Effect.flip(kube.delete(Namespace, { namespace: "", name: "n" })))._tag, "NotLeader")
        const lane = yield* Lane.make({
          endpoint: { origin: "https://server:1" },
          credentials: { authentication: "Basic", userName: "u", password: Redacted.make("p") },
          operationTimeoutSeconds: 60
        })
        assert.deepInclude(yield* Effect.flip(lane.post("<Envelope/>")), {
          _tag: "WsmanUnavailable",
          kind: "fenced",
          sent: false
        })
        assert.deepStrictEqual(seen, ["GET /api/v1/namespaces/n"])
      }).pipe(
        Effect.provide(KubeClient.layer(KubeConfig.fixed({ server: "https://server:1", token: Redacted.make("t") }))),
        Effect.provide(dial(fence, inProcess))
      )
    }).pipe(Effect.scoped)
  )
})
