import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { X509Certificate } from "node:crypto"
import * as nodeTls from "node:tls"
import { Dial, type Endpoint } from "../../layers/Dial.ts"
import { classify } from "../../layers/DialFailure.ts"
import * as Lane from "../../layers/wsman/Lane.ts"
import type { Handler } from "../../schemas/http/Exchange.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import * as WinRmLogOn from "../../src/simulators/scvmm/WinRmLogOn.ts"
import * as ConnectProxy from "../harness/ConnectProxy.ts"
import { freePort } from "../harness/Process.ts"

/** The name that the far side is dialled by: that of this machine itself would never go through a proxy. */
const name = "exec1.example"

/** The real Dial, as it comes up in this environment. */
const dial = (env: Readonly<Record<string, string>>) =>
  Layer.provide(Dial.layerUndici, ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ...env } })))

/** A certificate of 127.0.0.1 whose authority is one of the system's, for as long as the scope is. */
const trusted = Effect.gen(function* () {
  const authority = yield* CertificateAuthority.make("system")
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const before = nodeTls.getCACertificates("default")
      nodeTls.setDefaultCACertificates([...before, authority.ca])
      return before
    }),
    (before) => Effect.sync(() => nodeTls.setDefaultCACertificates(before))
  )
  return yield* authority.issue({ commonName: "proxy", usage: "server" })
})

const proxyUrl = ({ address }: ConnectProxy.ConnectProxy, secure: boolean): string =>
  `${secure ? "https" : "http"}://capi:hunter2@${address}`

/** A far side by https or http behind a proxy that resolves `name`. */
const site = (options: {
  readonly secure: boolean
  readonly handler: Handler
  readonly answer?: number
  readonly secureProxy?: boolean
}) =>
  Effect.gen(function* () {
    const authority = yield* CertificateAuthority.make("lab")
    const tls = yield* authority.issue({ commonName: name, hosts: [name], usage: "server" })
    const listener = yield* Listener.listen({ handler: options.handler, ...(options.secure && { tls }) })
    const proxy = yield* ConnectProxy.make({
      resolve: () => `127.0.0.1:${listener.port}`,
      ...(options.answer !== undefined && { answer: () => options.answer }),
      ...(options.secureProxy === true && { tls: yield* trusted })
    })
    const endpoint: Endpoint = {
      origin: `${options.secure ? "https" : "http"}://${name}:${listener.port}`,
      ...(options.secure && { tls: { ca: authority.ca } })
    }
    return { proxy, endpoint, listener, certificate: new Uint8Array(new X509Certificate(tls.cert).raw) }
  })

const hello: Handler = (request, { id }) =>
  Effect.succeed({ status: 200, headers: {}, body: new TextEncoder().encode(`${request.target} ${id}`) })

const get = (endpoint: Endpoint, path: string) =>
  Effect.gen(function* () {
    const client = yield* (yield* Dial).client(endpoint)
    const response = yield* client.execute(HttpClientRequest.get(path))
    return yield* response.text
  })

/** The text of the failure of one request. */
const failure = (endpoint: Endpoint, env: Readonly<Record<string, string>>) =>
  Effect.map(Effect.flip(get(endpoint, "/")), (error) => {
    assert.notMatch(JSON.stringify([error, String(error)]), /hunter2|aHVudGVyMg/u)
    return classify(error)
  }).pipe(Effect.provide(dial(env)))

describe("a connection through a proxy", () => {
  it.live.each([
    [true, false],
    [false, false],
    [true, true],
    [false, true]
  ] as const)("is a tunnel; https: %s, to a proxy by https: %s", ([secure, secureProxy]) =>
    Effect.gen(function* () {
      const { proxy, endpoint, listener, certificate } = yield* site({ secure, handler: hello, secureProxy })
      const variable = secure ? "HTTPS_PROXY" : "HTTP_PROXY"
      yield* Effect.gen(function* () {
        const own = yield* (yield* Dial).connection(endpoint)
        for (const path of ["/a", "/b"]) {
          const response = yield* own.client.execute(HttpClientRequest.get(path))
          // Both on one connection, from end to end.
          assert.strictEqual(yield* response.text, `${path} 1`)
        }
        assert.isTrue(yield* own.intact)
        // The far side's, and not the proxy's.
        assert.deepStrictEqual(yield* own.peerCertificate, secure ? certificate : undefined)
        assert.strictEqual(yield* get(endpoint, "/pooled"), "/pooled 2")
      }).pipe(Effect.scoped, Effect.provide(dial({ [variable]: proxyUrl(proxy, secureProxy) })))
      const asked = { target: `${name}:${listener.port}`, authorization: `Basic ${btoa("capi:hunter2")}` }
      assert.deepStrictEqual(proxy.asked, [asked, asked])
    })
  )

  it.live("is not used for what NO_PROXY names, nor without a variable for the scheme", () =>
    Effect.gen(function* () {
      const { proxy, endpoint } = yield* site({ secure: false, handler: hello })
      for (const env of [
        { http_proxy: proxy.address, no_proxy: ".example" },
        { HTTPS_PROXY: proxy.address },
        { HTTP_PROXY: proxy.address, NO_PROXY: "*" }
      ])
        // Directly there is no such name.
        assert.strictEqual((yield* failure(endpoint, env)).kind, "unresolved")
      assert.deepStrictEqual(proxy.asked, [])
      yield* get(endpoint, "/").pipe(Effect.scoped, Effect.provide(dial({ http_proxy: proxy.address })))
      assert.strictEqual(proxy.asked.length, 1)
    })
  )

  it.live.each([
    [407, "it wants credentials"],
    [403, "does not let us"],
    [502, "cannot reach"],
    [418, "HTTP 418"]
  ] as const)("is refused with HTTP %s", ([answer, text]) =>
    Effect.gen(function* () {
      const { proxy, endpoint, listener } = yield* site({ secure: true, handler: hello, answer })
      const { kind, text: said } = yield* failure(endpoint, { HTTPS_PROXY: `http://capi:hunter2@${proxy.address}` })
      assert.strictEqual(kind, "proxy")
      for (const part of [`the proxy ${proxy.address}`, `${name}:${listener.port}`, `HTTP ${answer}`, text])
        assert.include(said, part)
    })
  )

  it.live("tells of a proxy that is not there, and of one that it does not understand", () =>
    Effect.gen(function* () {
      const endpoint: Endpoint = { origin: `https://${name}:5986` }
      const port = yield* freePort
      const away = yield* failure(endpoint, { HTTPS_PROXY: `http://capi:hunter2@127.0.0.1:${port}` })
      assert.deepStrictEqual(away, {
        kind: "proxy",
        code: "PROXY_FAILED",
        text: `the proxy 127.0.0.1:${port}: connection refused`
      })
      const wrong = yield* failure(endpoint, { HTTPS_PROXY: "socks5://capi:hunter2@proxy.example" })
      assert.deepInclude(wrong, { kind: "proxy", text: "HTTPS_PROXY is not the URL of an http or https proxy" })
    })
  )

  it.live("that fails has sent nothing, and says what to change", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const error = yield* Effect.flatMap(
        Lane.make({
          endpoint: { origin: `http://${name}:5985` },
          credentials: { authentication: "Negotiate", userName: "capi", password: Redacted.make("x") },
          operationTimeoutSeconds: 20
        }),
        (lane) => Effect.flip(lane.post("<a/>"))
      ).pipe(Effect.scoped, Effect.provide(dial({ HTTP_PROXY: `127.0.0.1:${port}` })))
      assert.deepInclude(error, { _tag: "WsmanUnavailable", kind: "proxy", sent: false })
    })
  )

  it.live("carries a log-on by NTLM, which belongs to one connection", () =>
    Effect.gen(function* () {
      const user = { userName: "LAB\\capi", password: "hunter2" }
      const logOns = WinRmLogOn.make({ users: [user], allowUnencrypted: false, certificate: undefined })
      const handler: Handler = (request, connection) =>
        Effect.map(logOns.enter(request, connection), (entered) =>
          "status" in entered
            ? entered
            : entered.reply({
                status: 200,
                headers: { "content-type": "application/soap+xml" },
                body: entered.body
              })
        )
      const { proxy, endpoint } = yield* site({ secure: false, handler })
      yield* Effect.gen(function* () {
        const lane = yield* Lane.make({
          endpoint,
          credentials: { authentication: "NTLM", userName: user.userName, password: Redacted.make(user.password) },
          operationTimeoutSeconds: 20
        })
        for (const envelope of ["<a/>", "<b/>"]) assert.strictEqual(yield* lane.post(envelope), envelope)
      }).pipe(Effect.scoped, Effect.provide(dial({ HTTP_PROXY: proxy.address })))
      assert.strictEqual(proxy.asked.length, 1)
    })
  )
})
