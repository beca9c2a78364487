/** Exec hosts and accounts that are not what the provider says, over sockets: each one error that says what to change. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import { TLSSocket } from "node:tls"
import { Dial } from "../../../layers/Dial.ts"
import { type ProviderConnection, ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import * as CertificateAuthority from "../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import { fast } from "../../../src/simulators/scvmm/Latency.ts"
import type { PowerShellHost } from "../../../src/simulators/scvmm/PowerShellHost.ts"
import * as Scvmm from "../../../src/simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as ConnectProxy from "../../harness/ConnectProxy.ts"
import { freePort } from "../../harness/Process.ts"
import * as EchoHost from "../../src/simulators/scvmm/EchoHost.ts"
import * as Site from "./Site.ts"

interface Place {
  /** WinRM inside TLS, and without. */
  readonly https: number
  readonly http: number
  readonly ca: string
  readonly authority: CertificateAuthority.CertificateAuthority
  readonly server: WinRmServer.WinRmServer
}

const user = { userName: Site.connection.userName, password: Site.password }
const guest = { userName: "EXAMPLE\\guest", password: "guest", remoteAccess: false }

const place = (options: Partial<WinRmServer.Options> = {}): Effect.Effect<Place, Listener.ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const scvmm = yield* Scvmm.make({ latency: fast, infoRate: 0 })
    const server = yield* WinRmServer.make({ host: scvmm.host, users: [user, guest], ...options })
    const authority = yield* CertificateAuthority.make("simulators")
    const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
    const { handler } = server
    const secure = yield* Listener.listen({ handler, tls })
    const plain = yield* Listener.listen({ handler })
    return { https: secure.port, http: plain.port, ca: authority.ca, authority, server }
  })

/** A peer that does as it likes with every socket. */
const raw = (serve: (socket: net.Socket) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.callback<net.Server>((resume) => {
    const server = net.createServer((socket) => {
      socket.on("error", () => socket.destroy())
      serve(socket)
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }).pipe(
    Effect.tap((server) => Effect.addFinalizer(() => Effect.sync(() => server.close()))),
    Effect.map((server) => {
      const address = server.address()
      return address !== null && typeof address === "object" ? address.port : 0
    })
  )

const answering = (head: string, body: string) => (socket: net.Socket) =>
  void socket.once("data", () => {
    socket.write(head)
    socket.write(body)
  })

const megabytes = (count: number): string => "a".repeat(count * 1024 * 1024)

const insideTls = ({ https, ca }: Place): Partial<ProviderConnection> => ({ port: https, caBundle: ca })
const sealed = (port: number): Partial<ProviderConnection> => ({ scheme: "http", port, authentication: "Negotiate" })

interface Case {
  readonly name: string
  readonly change: (at: Place) => Effect.Effect<Partial<ProviderConnection>, unknown, Scope.Scope>
  /** Reason of HostUnavailable, or the tag of another error. */
  readonly reason: string
  readonly says: RegExp
}

const wrong = Redacted.make("not-the-password")

const cases: ReadonlyArray<Case> = [
  {
    name: "a wrong password, Basic inside TLS",
    change: (at) => Effect.succeed({ ...insideTls(at), password: wrong }),
    reason: "ScvmmAuthenticationFailed",
    says: /HTTP 401.*password of the Secret.*locked/u
  },
  {
    name: "a wrong password, NTLM",
    change: ({ http }) => Effect.succeed({ ...sealed(http), password: wrong }),
    reason: "ScvmmAuthenticationFailed",
    says: /HTTP 401.*password of the Secret.*locked/u
  },
  {
    name: "an account that is locked out",
    change: (at) =>
      Effect.sync(() => {
        const disturbance = {
          _tag: "Fault",
          code: 1909,
          subcode: "AccessDenied",
          text: "The account is locked."
        } as const
        at.server.disturb([{ on: ["Create"], disturbance }])
        return sealed(at.http)
      }),
    reason: "ScvmmAuthenticationFailed",
    says: /account is locked\. Unlock the account/u
  },
  {
    name: "an account without the right to remote shells",
    change: ({ http }) =>
      Effect.succeed({ ...sealed(http), userName: guest.userName, password: Redacted.make(guest.password) }),
    reason: "AccessDenied",
    says: /Remote Management Users/u
  },
  {
    name: "a host that no name server knows",
    change: () => Effect.succeed({ execHosts: ["no-such-host.invalid"] }),
    reason: "ConnectionFailed",
    says: /no-such-host\.invalid.*spec\.execHosts.*DNS/u
  },
  {
    name: "a port that nobody listens on",
    change: () => Effect.map(freePort, sealed),
    reason: "ConnectionFailed",
    says: /connection refused.*port/u
  },
  {
    name: "a certificate of another name",
    change: ({ authority, server, ca }) =>
      Effect.gen(function* () {
        // Not an address that the simulators' certificates are for.
        const host = "127.0.0.2"
        const tls = yield* authority.issue({ commonName: "other", usage: "server" })
        const { port } = yield* Listener.listen({ handler: server.handler, tls, host })
        return { execHosts: [host], port, caBundle: ca }
      }),
    reason: "CertificateInvalid",
    says: /127\.0\.0\.2.*spec\.transport\.caBundle/u
  },
  {
    name: "a certificate that has expired",
    change: ({ authority, server, ca }) =>
      Effect.gen(function* () {
        const tls = yield* authority.issue({ commonName: "exec1", usage: "server", lifetime: "-30 minutes" })
        return { port: (yield* Listener.listen({ handler: server.handler, tls })).port, caBundle: ca }
      }),
    reason: "CertificateInvalid",
    says: /expired.*certificate/u
  },
  {
    name: "a certificate of an unknown authority",
    change: ({ https }) => Effect.succeed({ port: https }),
    reason: "CertificateInvalid",
    says: /CA is missing.*caBundle/u
  },
  {
    name: "a certificate other than the pinned one",
    change: ({ https }) => Effect.succeed({ port: https, thumbprint: "ab".repeat(32) }),
    reason: "CertificateInvalid",
    says: /SHA-256 is [0-9a-f]{64}, expected (?:ab){32}.*serverCertificateThumbprint/u
  },
  {
    name: "TLS of yesterday",
    change: ({ authority, ca }) =>
      Effect.gen(function* () {
        const pair = yield* authority.issue({ commonName: "exec1", usage: "server" })
        const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const
        const port = yield* raw((socket) =>
          new TLSSocket(socket, { isServer: true, ...pair, ...old }).on("error", () => socket.destroy())
        )
        return { port, caBundle: ca }
      }),
    reason: "CertificateInvalid",
    says: /does not speak TLS 1\.2 or newer/u
  },
  {
    name: "a client certificate that is mapped to nobody",
    change: ({ authority, server, ca }) =>
      Effect.gen(function* () {
        const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
        const own = yield* authority.issue({ commonName: "x", userPrincipalName: "x@y", usage: "client" })
        const { handler } = server
        const { port } = yield* Listener.listen({ handler, tls: { ...tls, clientCa: authority.ca } })
        const clientCertificate = { cert: own.cert, key: Redacted.make(own.key) }
        return { port, caBundle: ca, authentication: "Certificate" as const, clientCertificate }
      }),
    reason: "ScvmmAuthenticationFailed",
    says: /client certificate.*tls\.crt and tls\.key of the Secret.*certmapping/u
  },
  {
    name: "Kerberos without a ticket",
    change: ({ https, ca }) =>
      Effect.sync(() => {
        process.env["KRB5_CONFIG"] = "/dev/null"
        return { port: https, caBundle: ca, authentication: "Kerberos" as const }
      }),
    reason: "ConnectionFailed",
    // Where the optional library is not installed that is said.
    says: /HTTP@127\.0\.0\.1.*KRB5_CONFIG|optional npm package "kerberos"/u
  },
  {
    name: "http where https is said",
    change: ({ http, ca }) => Effect.succeed({ port: http, caBundle: ca }),
    reason: "NotWinRM",
    says: /does not speak TLS.*spec\.transport\.scheme/u
  },
  {
    name: "https where http is said",
    change: ({ https }) => Effect.succeed(sealed(https)),
    reason: "ConnectionFailed",
    says: /spec\.transport\.scheme/u
  },
  {
    name: "a session configuration that is not there",
    change: (at) => Effect.succeed({ ...insideTls(at), configurationName: "Capscvmm" }),
    reason: "SessionFailed",
    says: /Cannot find.*Capscvmm.*spec\.transport\.configurationName.*Register-PSSessionConfiguration/u
  },
  {
    name: "a session configuration without our functions",
    change: () =>
      Effect.gen(function* () {
        const at = yield* place({ host: EchoHost.make().host, configurations: ["Capscvmm"] })
        return { ...insideTls(at), configurationName: "Capscvmm" }
      }),
    reason: "SessionFailed",
    says: /Connect-CapsServer.*"Capscvmm" must offer our functions/u
  },
  {
    name: "a web server",
    change: () =>
      Effect.map(
        Listener.listen({
          handler: () =>
            Effect.succeed({
              status: 200,
              headers: { "content-type": "text/html" },
              body: new TextEncoder().encode("<html>")
            })
        }),
        ({ port }) => sealed(port)
      ),
    reason: "NotWinRM",
    says: /text\/html.*no WinRM listener/u
  },
  {
    name: "something that speaks first, and no HTTP",
    change: () =>
      Effect.map(
        raw((socket) => void socket.write("SSH-2.0-OpenSSH_9.6\r\n")),
        sealed
      ),
    reason: "NotWinRM",
    says: /not HTTP.*spec\.transport/u
  },
  {
    name: "silence",
    change: () =>
      Effect.map(
        raw(() => undefined),
        (port) => ({ ...sealed(port), operationTimeoutSeconds: 1 })
      ),
    reason: "ConnectionFailed",
    says: /no answer in time.*firewall/u
  },
  {
    name: "a peer that hangs up",
    change: () =>
      Effect.map(
        raw((socket) => void socket.destroy()),
        sealed
      ),
    reason: "ConnectionFailed",
    says: /closed|reset/u
  },
  {
    name: "a status line of ten megabytes",
    change: () =>
      Effect.map(raw(answering("HTTP/1.1 200 ", megabytes(10))), (port) => ({
        ...sealed(port),
        operationTimeoutSeconds: 1
      })),
    reason: "ConnectionFailed",
    says: /spec\.transport/u
  },
  {
    name: "a header of ten megabytes",
    change: () => Effect.map(raw(answering("HTTP/1.1 200 OK\r\nX: ", megabytes(10))), sealed),
    reason: "NotWinRM",
    says: /spec\.transport/u
  },
  {
    name: "a body of ten megabytes",
    change: () =>
      Effect.map(
        raw(
          answering(
            "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: 10485760\r\n\r\n",
            megabytes(10)
          )
        ),
        sealed
      ),
    reason: "NotWinRM",
    says: /longer than \d+ bytes.*proxies/u
  }
]

/** What the first call ends in. */
const attempt = (change: Partial<ProviderConnection>, env: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const session = yield* ScvmmSession
    const connection = { ...Site.connection, execHosts: ["127.0.0.1"], ...change }
    return yield* Effect.flip(session.run(connection, Verb.GetVirtualMachineList, { Ids: [] }))
  }).pipe(Effect.provide(Layer.provide(ScvmmSession.layer, dial(env))), Effect.scoped)

/** The real Dial, as it comes up in this environment. */
const dial = (env: Readonly<Record<string, string>>) =>
  Layer.provide(Dial.layerUndici, ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ...env } })))

const silent = Logger.layer([])

describe("an exec host", () => {
  it.live.each(cases)(
    "that is $name",
    ({ change, reason, says }) =>
      Effect.gen(function* () {
        const error = yield* attempt(yield* change(yield* place()))
        assert.strictEqual("reason" in error ? error.reason : error._tag, reason, error.message)
        assert.match(error.message, says)
        assert.strictEqual(error.retry, reason === "ScvmmAuthenticationFailed" ? "terminal" : "backoff")
        for (const secret of [Site.password, "not-the-password"]) assert.notInclude(error.message, secret)
      }).pipe(Effect.scoped, Effect.provide(silent)),
    // Side by side: some are answered never.
    { concurrent: true, timeout: 30_000 }
  )

  it.live.each([
    [407, /HTTP 407: it wants credentials.*HTTPS_PROXY/u],
    [502, /HTTP 502: it cannot reach that host.*NO_PROXY/u],
    [undefined, /connection refused.*HTTPS_PROXY, HTTP_PROXY and NO_PROXY/u]
  ] as const)("that is behind a proxy which answers %s", ([status, says]) =>
    Effect.gen(function* () {
      const proxy =
        status === undefined
          ? `127.0.0.1:${yield* freePort}`
          : (yield* ConnectProxy.make({ answer: () => status })).address
      const error = yield* attempt(
        { execHosts: ["exec1.example"], scheme: "http", authentication: "Negotiate", port: 5985 },
        { HTTP_PROXY: `http://operator:not-the-password@${proxy}` }
      )
      assert.deepInclude(error, { _tag: "ScvmmHostUnavailable", reason: "ConnectionFailed" })
      assert.include(error.message, `the proxy ${proxy}`)
      assert.match(error.message, says)
      assert.notInclude(error.message, "not-the-password")
    }).pipe(Effect.scoped, Effect.provide(silent))
  )

  it.live("whose account locked itself after three wrong passwords", () =>
    Effect.gen(function* () {
      const at = yield* place({ lockoutThreshold: 3 })
      for (const password of [wrong, wrong, wrong, Redacted.make(Site.password)]) {
        const error = yield* attempt({ ...sealed(at.http), password })
        assert.strictEqual(error._tag, "ScvmmAuthenticationFailed")
        assert.match(error.message, /neither locked nor disabled/u)
      }
      assert.strictEqual(yield* at.server.refusedLogOns, 4)
    }).pipe(Effect.scoped, Effect.provide(silent))
  )

  const answers = (text: string): PowerShellHost => ({
    open: () =>
      Effect.succeed({
        invoke: (commands, streams) => (commands.some(({ isScript }) => isScript) ? Effect.void : streams.output(text))
      })
  })

  it.live.each(["Windows PowerShell", '{"Name":1}', "[]"])("whose functions answer %s", (text) =>
    Effect.gen(function* () {
      const error = yield* attempt(insideTls(yield* place({ host: answers(text) })))
      assert.deepInclude(error, { _tag: "ScvmmHostUnavailable", reason: "SessionFailed" })
      assert.match(
        error.message,
        /Connect-CapsServer answered something else than promised.*must offer our functions/su
      )
    }).pipe(Effect.scoped, Effect.provide(silent))
  )
})
