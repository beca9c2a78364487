/** How an exec host is dialled: what of a provider's connection reaches TLS. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { Dial, type Endpoint } from "../../../layers/Dial.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as CertificateAuthority from "../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import { fast } from "../../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../../src/simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as Site from "./Site.ts"

/** The real Dial, and the endpoints that it was asked for. */
const watched = (asked: Array<Endpoint>) =>
  Layer.effect(
    Dial,
    Effect.map(Dial, ({ client, connection }) => ({
      client,
      connection: (endpoint) => {
        asked.push(endpoint)
        return connection(endpoint)
      }
    }))
  ).pipe(Layer.provide(Dial.layerUndici))

describe("an exec host", () => {
  it.live("is logged on to by the provider's client certificate, over TLS 1.2", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ latency: fast, infoRate: 0 })
      // The password of the Secret is VMM's here, and not the host's.
      const user = { userName: "local", password: "another", certificateSubject: "capi@localhost" }
      const server = yield* WinRmServer.make({ host: scvmm.host, users: [user] })
      const authority = yield* CertificateAuthority.make("simulators")
      const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
      const own = yield* authority.issue({ commonName: "x", userPrincipalName: "capi@localhost", usage: "client" })
      const { port } = yield* Listener.listen({ handler: server.handler, tls: { ...tls, clientCa: authority.ca } })
      const asked: Array<Endpoint> = []
      const connection = {
        ...Site.connection,
        execHosts: ["127.0.0.1"],
        port,
        caBundle: authority.ca,
        authentication: "Certificate" as const,
        clientCertificate: { cert: own.cert, key: Redacted.make(own.key) }
      }
      yield* Effect.gen(function* () {
        const { Name } = yield* (yield* ScvmmSession).server(connection)
        assert.strictEqual(Name, connection.scvmmHost)
      }).pipe(Effect.scoped, Effect.provide(Layer.provide(ScvmmSession.layer, watched(asked))))
      assert.strictEqual(yield* server.refusedLogOns, 0)
      assert.isAbove(asked.length, 0)
      for (const endpoint of asked) {
        assert.deepInclude(endpoint.tls, { cert: own.cert, maxVersion: "TLSv1.2" })
        const [, line = ""] = own.key.split("\n")
        assert.notInclude(JSON.stringify(endpoint), line)
      }
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))
  )
})
