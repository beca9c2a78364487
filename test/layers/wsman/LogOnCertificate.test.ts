/** Lanes that log on by a client certificate. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Dial, type Endpoint } from "../../../layers/Dial.ts"
import { open } from "../../../layers/psrp/RunspacePool.ts"
import * as Lane from "../../../layers/wsman/Lane.ts"
import { connect } from "../../../layers/wsman/Wsman.ts"
import type { Request } from "../../../schemas/http/Exchange.ts"
import * as CertificateAuthority from "../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as EchoHost from "../../src/simulators/scvmm/EchoHost.ts"
import { call, credentials, options, origin, over, secureOrigin, user } from "./LogOnSite.ts"

describe("a lane that logs on by a client certificate", () => {
  const mapped = { ...user, certificateSubject: "capi@lab.example" }

  const site = (userPrincipalName: string, also: { readonly lifetime?: "-1 hour" } = {}) =>
    Effect.gen(function* () {
      const authority = yield* CertificateAuthority.make("lab")
      const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
      const own = yield* authority.issue({ commonName: "capi", userPrincipalName, usage: "client", ...also })
      const server = yield* WinRmServer.make({ host: EchoHost.make().host, users: [mapped] })
      const asked: Array<Request> = []
      const { origin: at } = yield* Listener.listen({
        tls: { ...tls, clientCa: authority.ca },
        handler: (request, connection) => {
          asked.push(request)
          return server.handler(request, connection)
        }
      })
      const endpoint: Endpoint = {
        origin: at,
        tls: { ca: authority.ca, cert: own.cert, key: Redacted.make(own.key), maxVersion: "TLSv1.2" }
      }
      return { server, asked, endpoint }
    })
  const byCertificate = { ...options, credentials: { ...credentials, authentication: "Certificate" as const } }

  it.live("says so with every request, and shows no password", () =>
    Effect.gen(function* () {
      const { server, asked, endpoint } = yield* site("CAPI@lab.example")
      yield* Effect.gen(function* () {
        const wsman = yield* connect({ ...byCertificate, endpoint, configurationName: "Microsoft.PowerShell" })
        const pool = yield* open(wsman, { idleTimeoutSeconds: 180 })
        assert.deepStrictEqual((yield* pool.invoke([call("one")])).output, ["one"])
      }).pipe(Effect.scoped, Effect.provide(Dial.layerUndici))
      assert.deepStrictEqual(
        [...new Set(asked.map(({ headers }) => headers["authorization"]))],
        ["http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"]
      )
      assert.isTrue(asked.every(({ body }) => body.length > 0))
      assert.strictEqual(yield* server.refusedLogOns, 0)
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )

  it.live.each([
    ["is mapped to nobody", "other@lab.example", {}],
    // The listener's TLS does not vouch for it.
    ["has expired", "capi@lab.example", { lifetime: "-1 hour" as const }]
  ] as const)("that %s is refused, with what to look at", ([, name, also]) =>
    Effect.gen(function* () {
      const { server, endpoint } = yield* site(name, also)
      const error = yield* Effect.flatMap(Lane.make({ ...byCertificate, endpoint }), (lane) =>
        Effect.flip(lane.post("<a/>"))
      ).pipe(Effect.scoped, Effect.provide(Dial.layerUndici))
      assert.deepInclude(error, { _tag: "WsmanAuthenticationFailed", sent: false })
      assert.include("remedy" in error ? error.remedy : "", "tls.crt and tls.key")
      assert.strictEqual(yield* server.refusedLogOns, 1)
    })
  )

  it.effect.each([
    ["over http", { origin }],
    ["without a certificate", { origin: secureOrigin, tls: {} }],
    ["without its key", { origin: secureOrigin, tls: { cert: "x" } }]
  ] as const)("%s is not tried", ([, endpoint]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flatMap(Lane.make({ ...byCertificate, endpoint }), (lane) =>
        Effect.flip(lane.post("<a/>"))
      ).pipe(Effect.scoped, Effect.provide(over(() => Effect.die("dialled"))))
      assert.deepInclude(error, { _tag: "WsmanAuthenticationUnsupported", sent: false })
    })
  )
})
