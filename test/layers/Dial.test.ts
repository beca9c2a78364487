/** Dial over real sockets: trust, pins, identity of a connection, and what its failures are called. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { X509Certificate } from "node:crypto"
import * as http from "node:http"
import * as https from "node:https"
import type * as net from "node:net"
import nodeTls from "node:tls"
import type * as tls from "node:tls"
import type { Endpoint, Tls } from "../../layers/Dial.ts"
import { Dial } from "../../layers/Dial.ts"
import { classify } from "../../layers/DialFailure.ts"
import { makeAuthority } from "../harness/Certificates.ts"

const listen = (server: http.Server | https.Server) =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(address !== null && typeof address === "object" ? address.port : 0))
      })
    }),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )

/** Answers with what it saw; /slow never answers. */
const respond = (sockets: Array<net.Socket>) => (request: http.IncomingMessage, response: http.ServerResponse) => {
  if (!sockets.includes(request.socket)) sockets.push(request.socket)
  if (request.url === "/slow") return
  // The peer certificate is there on TLS sockets alone.
  const socket = request.socket as Partial<tls.TLSSocket>
  const client = socket.getPeerCertificate?.().subject?.CN
  response.end(JSON.stringify({ socket: sockets.indexOf(request.socket), headers: request.headers, client }))
}

const secureServer = (leaf: { readonly dns?: ReadonlyArray<string>; readonly notAfter?: number } = {}) =>
  Effect.gen(function* () {
    const authority = yield* Effect.promise(() => makeAuthority("test-ca"))
    const pair = yield* Effect.promise(() =>
      authority.issue({
        commonName: "server",
        usage: "serverAuth",
        ...(leaf.dns === undefined ? { ip: ["127.0.0.1"] } : { dns: leaf.dns }),
        ...(leaf.notAfter !== undefined && { notAfter: leaf.notAfter })
      })
    )
    const sockets: Array<net.Socket> = []
    const options = { cert: pair.cert, key: pair.key, ca: authority.cert, requestCert: true, rejectUnauthorized: false }
    const port = yield* listen(https.createServer(options, respond(sockets)))
    return { authority, pair, sockets, origin: `https://127.0.0.1:${port}` }
  })

const plainServer = Effect.gen(function* () {
  const sockets: Array<net.Socket> = []
  const port = yield* listen(http.createServer(respond(sockets)))
  return { sockets, port, origin: `http://127.0.0.1:${port}` }
})

interface Seen {
  readonly socket: number
  readonly client?: string
  readonly headers: Readonly<Record<string, string>>
}

const get = (endpoint: Endpoint, path = "/") =>
  Effect.gen(function* () {
    const dial = yield* Dial
    const client = yield* dial.client(endpoint)
    const response = yield* client.get(path)
    return (yield* response.json) as unknown as Seen
  }).pipe(Effect.provide(Dial.layerUndici))

const failure = (endpoint: Endpoint) => Effect.map(Effect.flip(get(endpoint)), classify)

describe("Dial over sockets", () => {
  it.live("trusts the given CA alone, and shows a client certificate", () =>
    Effect.gen(function* () {
      const { authority, origin } = yield* secureServer()
      const own = yield* Effect.promise(() => authority.issue({ commonName: "operator", usage: "clientAuth" }))
      const access: Tls = { ca: authority.cert, cert: own.cert, key: Redacted.make(own.key) }
      assert.strictEqual((yield* get({ origin, tls: access })).client, "operator")
      assert.deepStrictEqual(yield* failure({ origin }), {
        kind: "tls",
        code: "SELF_SIGNED_CERT_IN_CHAIN",
        text: "the certificate chain ends in an authority that is not trusted"
      })
      const stranger = yield* Effect.promise(() => makeAuthority("test-ca"))
      assert.strictEqual((yield* failure({ origin, tls: { ca: stranger.cert } })).kind, "tls")
      yield* get({ origin, tls: { insecureSkipVerify: true } })
    })
  )

  it.live("holds the host name against the certificate, unless another name is given", () =>
    Effect.gen(function* () {
      const { authority, origin } = yield* secureServer({ dns: ["vmm.example"] })
      const wrong = yield* failure({ origin, tls: { ca: authority.cert } })
      assert.deepStrictEqual([wrong.kind, wrong.code], ["tls", "ERR_TLS_CERT_ALTNAME_INVALID"])
      assert.include(wrong.text, "127.0.0.1")
      yield* get({ origin, tls: { ca: authority.cert, serverName: "vmm.example" } })
    })
  )

  it.live("says that a certificate has expired", () =>
    Effect.gen(function* () {
      const { authority, origin } = yield* secureServer({ notAfter: Date.now() - 3_600_000 })
      const expired = yield* failure({ origin, tls: { ca: authority.cert } })
      assert.deepStrictEqual([expired.kind, expired.code], ["tls", "CERT_HAS_EXPIRED"])
    })
  )

  it.live("accepts the one pinned certificate, however its thumbprint is written", () =>
    Effect.gen(function* () {
      const { pair, origin } = yield* secureServer({ dns: ["other.example"] })
      const thumbprint = new X509Certificate(pair.cert).fingerprint256
      yield* get({ origin, tls: { thumbprint } })
      yield* get({ origin, tls: { thumbprint: thumbprint.replaceAll(":", "").toLowerCase() } })
      const other = yield* failure({
        origin,
        tls: { thumbprint: thumbprint.replace(/^../u, thumbprint.startsWith("00") ? "01" : "00") }
      })
      assert.deepStrictEqual([other.kind, other.code], ["tls", "CERT_THUMBPRINT_MISMATCH"])
      assert.include(other.text, thumbprint.replaceAll(":", "").toLowerCase())
    })
  )

  it.live("speaks TLS 1.2 at least, whatever the process was started with, and 1.2 alone where that is wanted", () =>
    Effect.gen(function* () {
      const before = [nodeTls.DEFAULT_MIN_VERSION, nodeTls.DEFAULT_CIPHERS] as const
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          // As with --tls-min-v1.0, and the ciphers of that time.
          nodeTls.DEFAULT_MIN_VERSION = "TLSv1"
          nodeTls.DEFAULT_CIPHERS = "DEFAULT@SECLEVEL=0"
        }),
        () =>
          Effect.sync(() => {
            ;[nodeTls.DEFAULT_MIN_VERSION, nodeTls.DEFAULT_CIPHERS] = before
          })
      )
      const at = (options: tls.SecureContextOptions) =>
        Effect.gen(function* () {
          const authority = yield* Effect.promise(() => makeAuthority("test-ca"))
          const pair = yield* Effect.promise(() =>
            authority.issue({ commonName: "server", usage: "serverAuth", ip: ["127.0.0.1"] })
          )
          const spoken: Array<string | null> = []
          const server = https.createServer({ ...pair, ...options }, (request, response) => {
            if (request.socket instanceof nodeTls.TLSSocket) spoken.push(request.socket.getProtocol())
            response.end("{}")
          })
          const port = yield* listen(server)
          return { spoken, origin: `https://127.0.0.1:${port}`, ca: authority.cert }
        })
      const old = yield* at({ minVersion: "TLSv1", maxVersion: "TLSv1.1" })
      const { kind, text } = yield* failure({ origin: old.origin, tls: { ca: old.ca } })
      assert.deepStrictEqual([kind, text], ["tls", "the other side does not speak TLS 1.2 or newer"])
      assert.deepStrictEqual(old.spoken, [])
      const today = yield* at({})
      yield* get({ origin: today.origin, tls: { ca: today.ca } })
      yield* get({ origin: today.origin, tls: { ca: today.ca, maxVersion: "TLSv1.2" } })
      assert.deepStrictEqual(today.spoken, ["TLSv1.3", "TLSv1.2"])
    })
  )

  it.live("says that its client certificate is refused, or wanted", () =>
    Effect.gen(function* () {
      const authority = yield* Effect.promise(() => makeAuthority("test-ca"))
      const other = yield* Effect.promise(() => makeAuthority("other-ca"))
      const pair = yield* Effect.promise(() =>
        authority.issue({ commonName: "server", usage: "serverAuth", ip: ["127.0.0.1"] })
      )
      const foreign = yield* Effect.promise(() => other.issue({ commonName: "client", usage: "clientAuth" }))
      const server = https.createServer({ ...pair, ca: authority.cert, requestCert: true, rejectUnauthorized: true })
      const origin = `https://127.0.0.1:${yield* listen(server)}`
      for (const shown of [{}, { cert: foreign.cert, key: Redacted.make(foreign.key) }])
        for (const maxVersion of [undefined, "TLSv1.2"] as const) {
          const found = yield* failure({
            origin,
            tls: { ca: authority.cert, ...shown, ...(maxVersion !== undefined && { maxVersion }) }
          })
          // Node hangs up on a certificate that it does not trust, without an alert; Windows sends one.
          assert.include(["tls", "reset"], found.kind)
        }
      const alert = Object.assign(new Error("alert"), { code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA" })
      assert.deepStrictEqual(classify(alert), {
        kind: "tls",
        code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
        text: "the other side refuses the client certificate, or wants one"
      })
    })
  )

  it.live("tells refused, unresolved and the wrong scheme apart", () =>
    Effect.gen(function* () {
      const plain = yield* plainServer
      const secure = yield* secureServer()
      const port = yield* Effect.scoped(Effect.map(plainServer, (server) => server.port))
      assert.strictEqual((yield* failure({ origin: `http://127.0.0.1:${port}` })).kind, "refused")
      assert.strictEqual((yield* failure({ origin: "http://vmm.invalid:5985" })).kind, "unresolved")
      const tlsToPlain = yield* failure({ origin: plain.origin.replace("http:", "https:") })
      assert.strictEqual(tlsToPlain.kind, "tls")
      assert.include(tlsToPlain.text, "does not speak TLS")
      const plainToTls = yield* failure({ origin: secure.origin.replace("https:", "http:") })
      assert.include(["reset", "other"], plainToTls.kind)
    })
  )

  it.live("tells a connection that was cut", () =>
    Effect.gen(function* () {
      const port = yield* listen(http.createServer((request) => request.socket.destroy()))
      assert.strictEqual((yield* failure({ origin: `http://127.0.0.1:${port}` })).kind, "reset")
    })
  )

  it.live("sends no trace headers and makes no span of its own", () =>
    Effect.gen(function* () {
      const { origin } = yield* plainServer
      const { headers } = yield* Effect.withSpan(get({ origin }), "caller")
      assert.deepStrictEqual(
        Object.keys(headers).filter((name) => /^(?:traceparent|tracestate|b3|x-b3.*)$/u.test(name)),
        []
      )
    })
  )

  it.live("a connection is one socket, and tells when it is lost", () =>
    Effect.gen(function* () {
      const { origin, sockets } = yield* plainServer
      const dial = yield* Dial
      const connection = yield* dial.connection({ origin })
      const once = Effect.flatMap(connection.client.get("/"), (response) => response.text)
      yield* Effect.forEach([1, 2, 3, 4], () => once, { concurrency: "unbounded" })
      assert.strictEqual(sockets.length, 1)
      assert.isTrue(yield* connection.intact)
      const slow = yield* Effect.forkChild(connection.client.get("/slow"))
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(slow)
      yield* once
      assert.strictEqual(sockets.length, 2)
      assert.isFalse(yield* connection.intact)
    }).pipe(Effect.provide(Dial.layerUndici))
  )

  it.live("a connection shows the certificate of the other side once it was used", () =>
    Effect.gen(function* () {
      const { authority, pair, origin } = yield* secureServer()
      const dial = yield* Dial
      const connection = yield* dial.connection({ origin, tls: { ca: authority.cert } })
      assert.isUndefined(yield* connection.peerCertificate)
      yield* Effect.flatMap(connection.client.get("/"), (response) => response.text)
      assert.deepStrictEqual(yield* connection.peerCertificate, new Uint8Array(new X509Certificate(pair.cert).raw))
      const plain = yield* dial.connection({ origin: (yield* plainServer).origin })
      yield* Effect.flatMap(plain.client.get("/"), (response) => response.text)
      assert.isUndefined(yield* plain.peerCertificate)
    }).pipe(Effect.provide(Dial.layerUndici))
  )

  it.live("a connection tells when the server hung up", () =>
    Effect.gen(function* () {
      const { origin, sockets } = yield* plainServer
      const dial = yield* Dial
      const connection = yield* dial.connection({ origin })
      yield* Effect.flatMap(connection.client.get("/"), (response) => response.text)
      const closed = Effect.callback<void>((resume) => {
        sockets[0]?.once("close", () => resume(Effect.void))
        sockets[0]?.end()
      })
      yield* closed
      yield* Effect.sleep("20 millis")
      assert.isFalse(yield* connection.intact)
    }).pipe(Effect.provide(Dial.layerUndici))
  )
})
