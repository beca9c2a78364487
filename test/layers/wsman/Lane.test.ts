import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Dial } from "../../../layers/Dial.ts"
import type { Credentials } from "../../../layers/wsman/Credentials.ts"
import * as Lane from "../../../layers/wsman/Lane.ts"
import { connect } from "../../../layers/wsman/Wsman.ts"
import { writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import type { Handler, Request } from "../../../schemas/http/Exchange.ts"
import { settle } from "../../harness/VirtualTime.ts"

const origin = "https://exec1.example:5986"
const credentials: Credentials = {
  authentication: "Basic",
  userName: "capi",
  password: Redacted.make("hunter2")
}
const options = { endpoint: { origin }, credentials, operationTimeoutSeconds: 20 }
const utf8 = new TextEncoder()
const soap = { "content-type": "application/soap+xml;charset=UTF-8" }

const over = (handler: Handler) => Dial.layerInProcess(new Map([[origin, handler]]))

/** A server that answers `answers` in turn, then the last for ever, and remembers what it was asked. */
const scripted = (...answers: ReadonlyArray<{ status: number; headers?: Record<string, string>; body?: string }>) => {
  const asked: Array<Request & { readonly connection: number }> = []
  const handler: Handler = (request, connection) => {
    asked.push({ ...request, connection: connection.id })
    const answer = answers[Math.min(asked.length, answers.length) - 1]
    return Effect.succeed({
      status: answer?.status ?? 500,
      headers: answer?.headers ?? soap,
      body: utf8.encode(answer?.body ?? "")
    })
  }
  return { asked, handler }
}

describe("Lane", () => {
  it.effect("posts to /wsman with credentials and nothing that tells of us, on one connection", () =>
    Effect.gen(function* () {
      const { asked, handler } = scripted({ status: 200, body: "<answer/>" })
      yield* Effect.gen(function* () {
        const lane = yield* Lane.make(options)
        assert.strictEqual(yield* lane.exchanges, 0)
        yield* Effect.withSpan(lane.post("<ä/>"), "caller")
        yield* Effect.forEach([1, 2, 3], () => lane.post("<ä/>"), { concurrency: "unbounded" })
        assert.strictEqual(yield* lane.exchanges, 4)
      }).pipe(Effect.scoped, Effect.provide(over(handler)))
      const [first] = asked
      assert.strictEqual(first?.method, "POST")
      assert.strictEqual(first?.target, "/wsman")
      assert.strictEqual(first?.headers["authorization"], `Basic ${btoa("capi:hunter2")}`)
      assert.strictEqual(first?.headers["content-type"], "application/soap+xml;charset=UTF-8")
      assert.strictEqual(new TextDecoder().decode(first?.body), "<ä/>")
      assert.deepStrictEqual(
        Object.keys(first?.headers ?? {}).filter((name) => /^(?:traceparent|b3)/u.test(name)),
        []
      )
      assert.strictEqual(new Set(asked.map(({ connection }) => connection)).size, 1)
    })
  )

  it.effect("sorts answers that are no envelope, and dials anew after each", () =>
    Effect.gen(function* () {
      const { asked, handler } = scripted(
        { status: 401, headers: { "www-authenticate": 'Negotiate, Kerberos, Basic realm="WSMAN"' } },
        { status: 403, headers: {} },
        { status: 404, headers: { "content-type": "text/html" }, body: "<html>" },
        { status: 200, headers: { "content-type": "text/html" }, body: "<html>" },
        { status: 504, headers: { "content-type": "text/html" }, body: "<html>" },
        { status: 503, headers: {} },
        { status: 400, headers: {} },
        { status: 500, body: "<fault/>" }
      )
      yield* Effect.gen(function* () {
        const lane = yield* Lane.make(options)
        const failures: Array<ReadonlyArray<unknown>> = []
        for (let at = 0; at < 7; at++) {
          const error = yield* Effect.flip(lane.post("<a/>"))
          failures.push([error._tag, error.sent, "kind" in error ? error.kind : undefined])
          assert.notInclude(JSON.stringify([error, error.message]), "hunter2")
        }
        assert.deepStrictEqual(failures, [
          ["WsmanAuthenticationFailed", false, undefined],
          ["WsmanAccessDenied", false, undefined],
          ["WsmanUnavailable", false, "notWinRM"],
          ["WsmanUnavailable", true, "notWinRM"],
          ["WsmanUnavailable", true, "notWinRM"],
          ["WsmanUnavailable", true, "other"],
          ["WsmanProtocol", true, undefined]
        ])
        assert.strictEqual(yield* lane.post("<a/>"), "<fault/>")
      }).pipe(Effect.scoped, Effect.provide(over(handler)))
      assert.strictEqual(new Set(asked.map(({ connection }) => connection)).size, 8)
    })
  )

  it.effect.each([
    ["EHOSTUNREACH", false, "refused", false],
    // The same code of a connection on which a request may have left.
    ["EHOSTUNREACH", true, "refused", true],
    ["ECONNREFUSED", true, "refused", false],
    ["ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC", true, "tls", true],
    ["CERT_HAS_EXPIRED", false, "tls", false],
    ["HPE_INVALID_CONSTANT", true, "notWinRM", true],
    ["ERR_SSL_WRONG_VERSION_NUMBER", false, "notWinRM", false]
  ] as const)("%s, the other side reached: %s, is %s, sent: %s", ([code, opened, kind, sent]) =>
    Effect.gen(function* () {
      const client = HttpClient.make((request) =>
        Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({ request, cause: Object.assign(new Error("x"), { code }) })
          })
        )
      ).pipe(HttpClient.mapRequest(HttpClientRequest.prependUrl(origin)))
      const connection = {
        client,
        intact: Effect.succeed(true),
        opened: Effect.succeed(opened),
        peerCertificate: Effect.undefined
      }
      const dial = Layer.succeed(Dial, {
        client: () => Effect.succeed(client),
        connection: () => Effect.succeed(connection)
      })
      const error = yield* Effect.flatMap(Lane.make(options), (lane) => Effect.flip(lane.post("<a/>"))).pipe(
        Effect.scoped,
        Effect.provide(dial)
      )
      assert.deepInclude(error, { _tag: "WsmanUnavailable", kind, sent })
    })
  )

  it.effect("takes no answer without end", () =>
    Effect.gen(function* () {
      let pieces = 0
      const endless = Stream.fromEffectRepeat(
        Effect.sync(() => {
          pieces++
          return new Uint8Array(64 * 1024)
        })
      )
      const handler: Handler = () => Effect.succeed({ status: 200, headers: soap, body: endless })
      const error = yield* Effect.flatMap(Lane.make(options), (lane) => Effect.flip(lane.post("<a/>"))).pipe(
        Effect.scoped,
        Effect.provide(over(handler))
      )
      assert.deepInclude(error, { _tag: "WsmanProtocol", sent: true })
      assert.isBelow(pieces, 200)
    })
  )

  it.effect("tells which schemes are offered instead", () =>
    Effect.gen(function* () {
      const { handler } = scripted({ status: 401, headers: { "www-authenticate": "Negotiate, Kerberos" } })
      const error = yield* Effect.flatMap(Lane.make(options), (lane) => Effect.flip(lane.post("<a/>"))).pipe(
        Effect.scoped,
        Effect.provide(over(handler))
      )
      assert.strictEqual(error.message, "the log-on was refused: HTTP 401; the listener offers Negotiate, Kerberos")
    })
  )

  it.effect("a call that is interrupted gives way to the next, on a new connection", () =>
    Effect.gen(function* () {
      const connections: Array<number> = []
      const handler: Handler = (_, connection) => {
        connections.push(connection.id)
        return connections.length === 1
          ? Effect.never
          : Effect.succeed({ status: 200, headers: soap, body: utf8.encode("<a/>") })
      }
      yield* Effect.gen(function* () {
        const lane = yield* Lane.make(options)
        const stuck = yield* Effect.forkChild(lane.post("<a/>"))
        const waiting = yield* Effect.forkChild(lane.post("<b/>"))
        yield* settle
        assert.strictEqual(connections.length, 1)
        yield* Fiber.interrupt(stuck)
        assert.strictEqual(yield* Fiber.join(waiting), "<a/>")
      }).pipe(Effect.scoped, Effect.provide(over(handler)))
      assert.strictEqual(new Set(connections).size, 2)
    })
  )

  it.effect("can still be used by what was made on it and closes in the same scope", () =>
    Effect.gen(function* () {
      const { asked, handler } = scripted({ status: 200, body: "<a/>" })
      const scope = yield* Scope.make()
      const wire = yield* Layer.build(over(handler))
      const lane = yield* Lane.make(options).pipe(Scope.provide(scope), Effect.provide(wire))
      yield* Scope.addFinalizer(scope, Effect.orDie(Effect.asVoid(lane.post("<last/>"))))
      yield* lane.post("<first/>")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(asked.length, 2)
    })
  )
})

describe("Wsman", () => {
  it.effect("refuses an answer to another message, and an answer without what it must hold", () =>
    Effect.gen(function* () {
      let relatesTo: string | undefined = "uuid:other"
      const handler: Handler = (request) =>
        Effect.gen(function* () {
          const asked = yield* Effect.orDie(readRequest(new TextDecoder().decode(request.body)))
          const own = "header" in asked ? asked.header.messageId : ""
          const body = writeResponse({ messageId: "uuid:1", relatesTo: relatesTo ?? own }, { _tag: "Sent" })
          return { status: 200, headers: soap, body: utf8.encode(body) }
        })
      yield* Effect.gen(function* () {
        const wsman = yield* connect({ ...options, configurationName: "Microsoft.PowerShell" })
        const other = yield* Effect.flip(wsman.command("S", "C", new Uint8Array(1)))
        assert.deepInclude(other, { _tag: "WsmanProtocol", sent: true })
        relatesTo = undefined
        yield* wsman.send("S", "stdin", new Uint8Array(1))
        const empty = yield* Effect.flip(wsman.receive("S"))
        assert.deepInclude(empty, { _tag: "WsmanProtocol", sent: true })
        assert.strictEqual(yield* wsman.exchanges, 3)
      }).pipe(Effect.scoped, Effect.provide(over(handler)))
    })
  )

  it.effect("its largest Send fits the envelope that every Windows takes", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const { handler } = scripted({ status: 200, body: "<a/>" })
      const measured: Handler = (request, connection) => {
        sizes.push(request.body.length)
        return handler(request, connection)
      }
      yield* Effect.gen(function* () {
        const wsman = yield* connect({ ...options, configurationName: "Microsoft.PowerShell" })
        const id = "0".repeat(36)
        yield* Effect.exit(wsman.send(id, "stdin", new Uint8Array(wsman.maxFragmentBytes), id))
        yield* Effect.exit(wsman.command(id, id, new Uint8Array(wsman.maxFragmentBytes)))
      }).pipe(Effect.scoped, Effect.provide(over(measured)))
      for (const size of sizes) {
        assert.isAtMost(size, 153_600)
        assert.isAbove(size, 152_000)
      }
      assert.strictEqual(sizes.length, 2)
    })
  )
})
