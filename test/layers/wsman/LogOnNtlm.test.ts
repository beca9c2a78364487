/** Lanes that log on by NTLM: once for each connection, sealed where nothing else protects, and never in doubt. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { X509Certificate } from "node:crypto"
import { Dial } from "../../../layers/Dial.ts"
import { open } from "../../../layers/psrp/RunspacePool.ts"
import * as Lane from "../../../layers/wsman/Lane.ts"
import { requiredFlags } from "../../../layers/wsman/NtlmFlag.ts"
import * as Spnego from "../../../layers/wsman/Spnego.ts"
import { connect } from "../../../layers/wsman/Wsman.ts"
import type { Connection, Handler, Request } from "../../../schemas/http/Exchange.ts"
import * as CertificateAuthority from "../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import * as NtlmAcceptor from "../../../src/simulators/scvmm/NtlmAcceptor.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as EchoHost from "../../src/simulators/scvmm/EchoHost.ts"
import { flipped } from "./Bytes.ts"
import { settle } from "../../harness/VirtualTime.ts"
import { call, credentials, listener, options, origin, over, secureOrigin, user, within } from "./LogOnSite.ts"

const latin = new TextDecoder("latin1")

/** Answers nothing but 200 and an envelope, once the client has logged on. */
const acceptor = (grants = NtlmAcceptor.usualGrants) => {
  const serverChallenge = new Uint8Array(8).fill(1)
  const tokens: Array<Uint8Array> = []
  const handler: Handler = (request) =>
    Effect.gen(function* () {
      const token = /^Negotiate (\S+)$/u.exec(request.headers["authorization"] ?? "")?.[1]
      if (token !== undefined) tokens.push(yield* Effect.orDie(Effect.fromResult(Base64.decode(token))))
      const [negotiate] = tokens
      const challenged = Result.getOrThrow(
        NtlmAcceptor.challenge(negotiate ?? new Uint8Array(0), {
          computerName: "EXEC1",
          serverChallenge,
          epochMillis: 0,
          grants
        })
      )
      const offer = { "www-authenticate": `Kerberos, Negotiate ${Base64.encode(challenged.challenge)}` }
      const soap = { "content-type": "application/soap+xml;charset=UTF-8" }
      return tokens.length === 1
        ? { status: 401, headers: offer, body: new Uint8Array(0) }
        : {
            status: 200,
            headers: soap,
            body: token === undefined ? new TextEncoder().encode("<a/>") : new Uint8Array(0)
          }
    })
  return { tokens, handler }
}

describe("a lane that logs on by NTLM", () => {
  it.effect("does so once for each connection, and shows nothing of what it carries", () =>
    Effect.gen(function* () {
      const site = yield* listener()
      yield* within(site, (pool) =>
        Effect.gen(function* () {
          for (const text of ["straße 𝄞", "two", "three"]) {
            const { output } = yield* pool.invoke([call(text)])
            assert.deepStrictEqual(output, [text])
          }
        })
      )
      const { asked, server } = site
      assert.strictEqual(site.logOns(), 4)
      assert.strictEqual(new Set(asked.map(({ connection }) => connection)).size, 2)
      for (const { body, headers } of asked) {
        assert.notMatch(latin.decode(body), /Envelope|capi/u)
        const isLogOn = headers["authorization"] !== undefined
        assert.strictEqual(body.length === 0, isLogOn)
        assert.strictEqual(headers["content-type"]?.startsWith("multipart/encrypted"), !isLogOn)
      }
      assert.strictEqual(yield* server.refusedLogOns, 0)
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )

  it.effect("is refused once with a wrong password, and says nothing of it", () =>
    Effect.gen(function* () {
      const { handler, server, logOns } = yield* listener()
      const wrong = { ...credentials, password: Redacted.make("hunter2") }
      const error = yield* Effect.flatMap(Lane.make({ ...options, credentials: wrong }), (lane) =>
        Effect.flip(lane.post("<a/>"))
      ).pipe(Effect.scoped, Effect.provide(over(handler)))
      assert.deepInclude(error, { _tag: "WsmanAuthenticationFailed", sent: false })
      assert.notInclude(JSON.stringify([error, error.message]), "hunter2")
      assert.strictEqual(yield* server.refusedLogOns, 1)
      assert.strictEqual(logOns(), 2)
    })
  )

  it.effect.each([origin, secureOrigin])("logs on again when %s forgot it, and the request is carried out once", (at) =>
    Effect.gen(function* () {
      const forgotten = new Map<number, Connection>()
      let forget = false
      const site = yield* listener((handler) => (request, connection) => {
        if (forget && request.headers["authorization"] === undefined) {
          forget = false
          forgotten.set(connection.id, { ...connection })
        }
        return handler(request, forgotten.get(connection.id) ?? connection)
      })
      yield* within(
        site,
        (pool) =>
          Effect.gen(function* () {
            yield* pool.invoke([call("one")])
            yield* settle
            const before = site.logOns()
            forget = true
            assert.deepStrictEqual((yield* pool.invoke([call("two")])).output, ["two"])
            assert.strictEqual(site.logOns(), before + 2)
          }),
        at
      )
      assert.strictEqual(yield* site.server.pipelines, 2)
      assert.strictEqual(yield* site.server.refusedLogOns, 0)
    })
  )

  it.effect("gives up a connection with a sealed request that was cancelled, even where it seems to be in order", () =>
    Effect.gen(function* () {
      let stuck = true
      const site = yield* listener((handler) => (request, connection) => {
        const hold = stuck && request.headers["authorization"] === undefined
        return hold ? Effect.never : handler(request, connection)
      })
      // What was sealed for the request is spent, whether or not the socket is lost with it.
      const intact = Layer.effect(
        Dial,
        Effect.map(Dial, ({ client, connection }) => ({
          client,
          connection: (endpoint) =>
            Effect.map(connection(endpoint), (socket) => ({ ...socket, intact: Effect.succeed(true) }))
        }))
      )
      yield* Effect.gen(function* () {
        const lane = yield* Lane.make(options)
        const first = yield* Effect.forkChild(lane.post("<a/>"))
        yield* settle
        assert.strictEqual(site.logOns(), 2)
        yield* Fiber.interrupt(first)
        stuck = false
        assert.include(yield* lane.post("<b/>"), "Envelope")
        assert.strictEqual(site.logOns(), 4)
        assert.strictEqual(new Set(site.asked.map(({ connection }) => connection)).size, 2)
        // Each was sealed once, for a connection that had just logged on.
        assert.strictEqual(site.asked.length, 6)
      }).pipe(Effect.scoped, Effect.provide(Layer.provide(intact, over(site.handler))))
    })
  )

  it.effect("stops a pipeline whose call was interrupted, and goes on", () =>
    Effect.gen(function* () {
      const site = yield* listener()
      yield* within(site, (pool) =>
        Effect.gen(function* () {
          const sleeping = yield* Effect.forkChild(
            pool.invoke([{ name: "Start-Sleep", parameters: { "-Seconds": 600 } }])
          )
          yield* settle
          yield* Fiber.interrupt(sleeping)
          assert.deepStrictEqual(
            (yield* site.server.shells).map(({ pipelinesRunning }) => pipelinesRunning),
            [0]
          )
          assert.deepStrictEqual((yield* pool.invoke([call("after")])).output, ["after"])
        })
      )
      assert.strictEqual(yield* site.server.refusedLogOns, 0)
      assert.deepStrictEqual(yield* site.server.shells, [])
    })
  )

  it.effect("takes no answer in the clear, and none that was changed", () =>
    Effect.gen(function* () {
      const clear = acceptor()
      const inTheClear = yield* Effect.flatMap(Lane.make(options), (lane) => Effect.flip(lane.post("<a/>"))).pipe(
        Effect.scoped,
        Effect.provide(over(clear.handler))
      )
      assert.deepInclude(inTheClear, { _tag: "WsmanProtocol", sent: true })
      assert.include(inTheClear.message, "in the clear")

      let spoil = true
      const site = yield* listener(
        (handler) => (request, connection) =>
          Effect.map(handler(request, connection), (answer) => {
            if (!spoil || !(answer.body instanceof Uint8Array) || answer.body.length === 0) return answer
            const body = answer.body.slice()
            body[300] = (body[300] ?? 0) ^ 1
            return { ...answer, body }
          })
      )
      yield* Effect.gen(function* () {
        const lane = yield* Lane.make(options)
        const changed = yield* Effect.flip(lane.post("<a/>"))
        assert.deepInclude(changed, { _tag: "WsmanProtocol", sent: true })
        assert.include(changed.message, "signature")
        spoil = false
        assert.include(yield* lane.post("<a/>"), "Envelope")
      }).pipe(Effect.scoped, Effect.provide(over(site.handler)))
    })
  )

  it.effect("sends no proof of its password where sealing is not granted, or NTLM not offered", () =>
    Effect.gen(function* () {
      for (const missing of requiredFlags) {
        const { tokens, handler } = acceptor(NtlmAcceptor.usualGrants.filter((name) => name !== missing))
        const error = yield* Effect.flatMap(Lane.make(options), (lane) => Effect.flip(lane.post("<a/>"))).pipe(
          Effect.scoped,
          Effect.provide(over(handler))
        )
        assert.deepInclude(error, { _tag: "WsmanAuthenticationUnsupported", sent: false })
        assert.include(error.message, missing)
        assert.strictEqual(tokens.length, 1)
      }
      const kerberos: Handler = () =>
        Effect.succeed({ status: 401, headers: { "www-authenticate": "Kerberos" }, body: new Uint8Array(0) })
      const error = yield* Effect.flatMap(Lane.make(options), (lane) => Effect.flip(lane.post("<a/>"))).pipe(
        Effect.scoped,
        Effect.provide(over(kerberos))
      )
      assert.deepInclude(error, { _tag: "WsmanAuthenticationUnsupported", sent: false })
      assert.include(error.message, "the listener offers Kerberos")
    })
  )

  it.effect("reads a challenge that is wrapped, and answers it so", () =>
    Effect.gen(function* () {
      const wrapping =
        (handler: Handler): Handler =>
        (request, connection) =>
          Effect.gen(function* () {
            const header = request.headers["authorization"]
            const token = header === undefined ? undefined : Result.getOrThrow(Base64.decode(header.slice(10)))
            const read =
              token !== undefined && Spnego.isWrapped(token) ? Result.getOrThrow(Spnego.decode(token)) : undefined
            const bare = read === undefined ? header : `Negotiate ${Base64.encode(read.token ?? new Uint8Array(0))}`
            const headers = bare === undefined ? request.headers : { ...request.headers, authorization: bare }
            wrapped += read === undefined ? 0 : 1
            const answer = yield* handler({ ...request, headers }, connection)
            const challenge = /^Negotiate ([^\s,]+)/u.exec(answer.headers["www-authenticate"] ?? "")?.[1]
            if (challenge === undefined) return answer
            const inner = Spnego.encodeResp({
              state: Spnego.NegState.acceptIncomplete,
              mechanism: Spnego.Mechanism.ntlm,
              token: Result.getOrThrow(Base64.decode(challenge))
            })
            return { ...answer, headers: { "www-authenticate": `Negotiate ${Base64.encode(inner)}` } }
          })
      let wrapped = 0
      const site = yield* listener(wrapping)
      yield* within(site, (pool) =>
        Effect.gen(function* () {
          assert.deepStrictEqual((yield* pool.invoke([call("one")])).output, ["one"])
        })
      )
      assert.strictEqual(wrapped, 2)
      assert.strictEqual(yield* site.server.refusedLogOns, 0)
    })
  )

  it.effect("takes a challenge that is wrapped wrongly for none", () =>
    Effect.gen(function* () {
      for (const token of [Uint8Array.of(0xa1, 2, 0x30), Spnego.encodeResp({ state: Spnego.NegState.reject })]) {
        const handler: Handler = () =>
          Effect.succeed({
            status: 401,
            headers: { "www-authenticate": `Negotiate ${Base64.encode(token)}` },
            body: new Uint8Array(0)
          })
        const error = yield* Effect.flatMap(Lane.make(options), (lane) => Effect.flip(lane.post("<a/>"))).pipe(
          Effect.scoped,
          Effect.provide(over(handler))
        )
        assert.deepInclude(error, { _tag: "WsmanProtocol", sent: false })
      }
    })
  )

  it.effect("holds a connection that was lost against nobody's password", () =>
    Effect.gen(function* () {
      let logOns = 0
      // The second message comes over another socket, which the listener has challenged nobody on.
      const site = yield* listener(
        (handler) => (request, connection) => handler(request, ++logOns === 2 ? { ...connection } : connection)
      )
      const closing = Layer.effect(
        Dial,
        Effect.map(Dial, ({ client, connection }) => ({
          client,
          connection: (endpoint) =>
            Effect.map(connection(endpoint), (socket) => ({ ...socket, intact: Effect.sync(() => logOns < 2) }))
        }))
      )
      const error = yield* Effect.flatMap(Lane.make(options), (lane) => Effect.flip(lane.post("<a/>"))).pipe(
        Effect.scoped,
        Effect.provide(Layer.provide(closing, over(site.handler)))
      )
      assert.deepInclude(error, { _tag: "WsmanUnavailable", kind: "reset", sent: false })
      assert.strictEqual(site.logOns(), 2)
    })
  )
})

describe("a lane that logs on by NTLM inside TLS", () => {
  /** A listener that is as strict about channel bindings as Windows can be. */
  const secure = (certificateOf: (own: Uint8Array) => Uint8Array, level: "None" | "Relaxed" | "Strict" = "Strict") =>
    Effect.gen(function* () {
      const authority = yield* CertificateAuthority.make("lab")
      const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
      const certificate = certificateOf(new Uint8Array(new X509Certificate(tls.cert).raw))
      const server = yield* WinRmServer.make({
        host: EchoHost.make().host,
        users: [user],
        certificate,
        cbtHardeningLevel: level
      })
      const asked: Array<Request> = []
      const { origin: url } = yield* Listener.listen({
        tls,
        handler: (request, connection) => {
          asked.push(request)
          return server.handler(request, connection)
        }
      })
      return { server, asked, endpoint: { origin: url, tls: { ca: authority.ca } } }
    })

  it.live("binds it to the listener's certificate, once for each connection", () =>
    Effect.gen(function* () {
      const { server, asked, endpoint } = yield* secure((own) => own)
      yield* Effect.gen(function* () {
        const wsman = yield* connect({ ...options, endpoint, configurationName: "Microsoft.PowerShell" })
        const pool = yield* open(wsman, { idleTimeoutSeconds: 180 })
        for (const text of ["one", "two"]) assert.deepStrictEqual((yield* pool.invoke([call(text)])).output, [text])
      }).pipe(Effect.scoped, Effect.provide(Dial.layerUndici))
      assert.strictEqual(asked.filter(({ headers }) => headers["authorization"] !== undefined).length, 4)
      // Nothing is said before the log-on is complete.
      assert.strictEqual(asked.filter(({ body }) => body.length === 0).length, 4)
      assert.strictEqual(yield* server.refusedLogOns, 0)
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )

  it.live.each([
    ["Strict", 1],
    ["Relaxed", 1],
    ["None", 0]
  ] as const)(
    "by a listener that shows another certificate, CbtHardeningLevel %s: refused %s times",
    ([level, refused]) =>
      Effect.gen(function* () {
        const { server, endpoint } = yield* secure((own) => flipped(own, 8 * own.length - 1), level)
        const outcome = yield* Effect.flatMap(Lane.make({ ...options, endpoint }), (lane) =>
          Effect.result(lane.post("<a/>"))
        ).pipe(Effect.scoped, Effect.provide(Dial.layerUndici))
        if (refused === 0) assert.isTrue(Result.isSuccess(outcome))
        else
          assert.deepInclude(Result.getOrThrow(Result.flip(outcome)), {
            _tag: "WsmanAuthenticationFailed",
            sent: false
          })
        assert.strictEqual(yield* server.refusedLogOns, refused)
      })
  )
})
