import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import * as tls from "node:tls"
import { X509Certificate } from "node:crypto"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import * as CertificateAuthority from "../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../src/simulators/Listener.ts"

const utf8 = new TextEncoder()

const echo: Handler = (request, connection) =>
  Effect.succeed({
    status: 200,
    headers: { "content-type": "application/json", "x-connection": String(connection.id) },
    body: utf8.encode(
      JSON.stringify({
        method: request.method,
        target: request.target,
        header: request.headers["x-twice"],
        length: request.body.length,
        secure: connection.secure,
        subject:
          connection.clientCertificate === undefined ? null : new X509Certificate(connection.clientCertificate).subject
      })
    )
  })

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

const fetched = (url: string, init?: RequestInit) =>
  Effect.promise(async (signal): Promise<Answer> => {
    const response = await fetch(url, { ...init, signal })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

const secure = (options: https.RequestOptions) =>
  Effect.callback<string, Error>((resume) => {
    const request = https.request({ ...options, agent: false }, (response) => {
      const pieces: Array<Buffer> = []
      response.on("data", (piece: Buffer) => pieces.push(piece))
      response.on("end", () => resume(Effect.succeed(Buffer.concat(pieces).toString("utf8"))))
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    request.end()
  })

describe("Listener", () => {
  it.live("writes a challenge a line", () =>
    Effect.gen(function* () {
      const challenge: Handler = () =>
        Effect.succeed({
          status: 401,
          headers: { "www-authenticate": "Negotiate, Kerberos" },
          body: new Uint8Array(0)
        })
      const { port } = yield* Listener.listen({ handler: challenge })
      const lines = yield* Effect.callback<ReadonlyArray<string>>((resume) => {
        http.get({ port, agent: false }, (response) => {
          response.resume()
          resume(Effect.succeed(response.headersDistinct["www-authenticate"] ?? []))
        })
      })
      assert.deepStrictEqual(lines, ["Negotiate", "Kerberos"])
    })
  )

  it.live("hands over method, target, joined headers, body and connection", () =>
    Effect.gen(function* () {
      const { origin } = yield* Listener.listen({ handler: echo })
      const headers = new Headers([
        ["x-twice", "a"],
        ["x-twice", "b"]
      ])
      const { status, text } = yield* fetched(`${origin}/wsman?x=1`, {
        method: "POST",
        headers,
        body: new Uint8Array(100_000)
      })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(JSON.parse(text), {
        method: "POST",
        target: "/wsman?x=1",
        header: "a, b",
        length: 100_000,
        secure: false,
        subject: null
      })
    })
  )

  it.live("sends a stream in pieces, and interrupts the handler when its client goes", () =>
    Effect.gen(function* () {
      const gone = yield* Deferred.make<void>()
      const { origin } = yield* Listener.listen({
        handler: () =>
          Effect.gen(function* () {
            yield* Effect.addFinalizer(() => Deferred.succeed(gone, undefined))
            const body = Stream.concat(Stream.make(utf8.encode("first\n")), Stream.never)
            return { status: 200, headers: {}, body }
          })
      })
      const first = yield* Effect.promise(async () => {
        const abort = new AbortController()
        const response = await fetch(origin, { signal: abort.signal })
        const { value } = (await response.body?.getReader().read()) ?? {}
        abort.abort()
        return new TextDecoder().decode(value)
      })
      assert.strictEqual(first, "first\n")
      yield* Deferred.await(gone)
    })
  )

  it.live("interrupts a handler that has not answered when its client goes", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const interrupted = yield* Deferred.make<void>()
      const { port } = yield* Listener.listen({
        handler: () =>
          Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
            Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
          )
      })
      const socket = net.connect(port, "127.0.0.1")
      socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
      yield* Deferred.await(started)
      socket.destroy()
      yield* Deferred.await(interrupted)
    })
  )

  it.live("refuses a body over the limit, and answers 500 when the handler dies", () =>
    Effect.gen(function* () {
      const small = yield* Listener.listen({ handler: echo, maxBodyBytes: 10 })
      assert.strictEqual((yield* fetched(small.origin, { method: "POST", body: "more than ten" })).status, 413)
      const dying = yield* Listener.listen({ handler: () => Effect.die(new Error("broken on purpose")) })
      assert.strictEqual((yield* fetched(dying.origin)).status, 500)
    }).pipe(Effect.provide(Logger.layer([])))
  )

  it.live("serves https with a certificate of its authority, and shows client certificates that it trusts", () =>
    Effect.gen(function* () {
      const authority = yield* CertificateAuthority.make("simulators")
      const other = yield* CertificateAuthority.make("others")
      const server = yield* authority.issue({ commonName: "winrm", usage: "server", hosts: ["exec1.example"] })
      const { port } = yield* Listener.listen({ handler: echo, tls: { ...server, clientCa: authority.ca } })
      const base = { host: "127.0.0.1", port, ca: authority.ca }

      assert.include(yield* secure(base), '"secure":true')
      yield* secure({ ...base, servername: "exec1.example" })
      const wrongName = yield* Effect.exit(secure({ ...base, servername: "exec2.example" }))
      assert.isTrue(Exit.isFailure(wrongName))
      const wrongAuthority = yield* Effect.exit(secure({ ...base, ca: other.ca }))
      assert.isTrue(Exit.isFailure(wrongAuthority))

      const client = yield* authority.issue({ commonName: "admin", organizations: ["system:masters"], usage: "client" })
      assert.include(yield* secure({ ...base, cert: client.cert, key: client.key }), "CN=admin\\nO=system:masters")
      const stranger = yield* other.issue({ commonName: "stranger", usage: "client" })
      assert.include(yield* secure({ ...base, cert: stranger.cert, key: stranger.key }), '"subject":null')

      assert.strictEqual(
        new X509Certificate(server.cert).fingerprint256.replaceAll(":", "").toLowerCase(),
        server.thumbprint
      )
      const expired = yield* authority.issue({ commonName: "old", usage: "server", lifetime: "-1 hour" })
      const stale = yield* Listener.listen({ handler: echo, tls: expired })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(secure({ ...base, port: stale.port }))))
    })
  )

  it.live("reads a request in two TLS records while an answer is still being written", () =>
    Effect.gen(function* () {
      const answer = 16 * 1024 * 1024
      const targets: Array<string> = []
      const authority = yield* CertificateAuthority.make("ca")
      const server = yield* authority.issue({ commonName: "server", usage: "server" })
      const { port } = yield* Listener.listen({
        handler: ({ target }) => {
          targets.push(target)
          return Effect.succeed({ status: 200, headers: {}, body: new Uint8Array(answer) })
        },
        tls: server
      })
      const got = yield* Effect.callback<number>((resume) => {
        const socket = tls.connect({ port, host: "127.0.0.1", ca: authority.ca })
        const ask = (target: string) => {
          socket.write(`POST ${target} HTTP/1.1\r\nhost: server\r\ncontent-length: 4\r\n\r\n`)
          socket.write("body")
        }
        let bytes = 0
        socket.on("data", (piece: Buffer) => {
          // More than any buffer between: the rest of the first answer waits.
          if (bytes === 0) ask("/second")
          bytes += piece.length
          if (bytes > 2 * answer) socket.destroy()
        })
        socket.on("close", () => resume(Effect.succeed(bytes)))
        socket.on("secureConnect", () => ask("/first"))
      })
      assert.deepStrictEqual(targets, ["/first", "/second"])
      assert.isAbove(got, 2 * answer)
    }).pipe(Effect.scoped)
  )

  it.live("closes with its scope, and a taken port is an error", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(Effect.map(Listener.listen({ handler: echo }), (listener) => listener.port))
      const second = yield* Listener.listen({ handler: echo, port })
      assert.strictEqual(second.port, port)
      const error = yield* Effect.flip(Listener.listen({ handler: echo, port }))
      assert.strictEqual(error.code, "EADDRINUSE")
    })
  )
})
