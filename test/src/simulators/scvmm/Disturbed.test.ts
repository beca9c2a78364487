/** What each disturbance looks like to a client, in process and over sockets, sealed and inside TLS. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { Dial } from "../../../../layers/Dial.ts"
import { open } from "../../../../layers/psrp/RunspacePool.ts"
import { connect } from "../../../../layers/wsman/Wsman.ts"
import type { WsmanError } from "../../../../layers/wsman/WsmanError.ts"
import * as CertificateAuthority from "../../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../../src/simulators/Listener.ts"
import type { Disturbance } from "../../../../src/simulators/scvmm/Disturbance.ts"
import { make } from "../../../../src/simulators/scvmm/WinRmServer.ts"
import { inTime } from "../../../harness/VirtualTime.ts"
import * as EchoHost from "./EchoHost.ts"

const user = { userName: "LAB\\capi", password: "secret" }

type Wire = "https" | "http"

const origins = { https: "https://exec1.example:5986", http: "http://exec1.example:5985" } as const

const clientOf = (wire: Wire, origin: string, ca?: string) =>
  connect({
    endpoint: { origin, ...(ca === undefined ? {} : { tls: { ca } }) },
    configurationName: "Microsoft.PowerShell",
    operationTimeoutSeconds: 20,
    credentials: {
      authentication: wire === "https" ? "Basic" : "Negotiate",
      userName: user.userName,
      password: Redacted.make(user.password)
    }
  })

const short = (error: WsmanError): string => {
  const what = "kind" in error ? ` ${error.kind}` : "classification" in error ? ` ${error.classification}` : ""
  return `${error._tag}${what}${error.sent ? ", sent" : ""}`
}

interface Case {
  readonly disturbance: Disturbance
  /** What the call ends in; "ok" where the disturbance is survived. */
  readonly ends: string
  readonly ran: number
  /** Takes the client's whole patience. */
  readonly slow?: boolean
}

const reset = "WsmanUnavailable reset, sent"
const cases: ReadonlyArray<Case> = [
  { disturbance: { _tag: "Cut", place: "before" }, ends: reset, ran: 0 },
  { disturbance: { _tag: "Cut", place: "after" }, ends: reset, ran: 1 },
  { disturbance: { _tag: "Cut", place: "within" }, ends: reset, ran: 1 },
  { disturbance: { _tag: "Delay", seconds: 0.2 }, ends: "ok", ran: 1 },
  { disturbance: { _tag: "Silence", carriedOut: false }, ends: "WsmanUnavailable timeout, sent", ran: 0, slow: true },
  { disturbance: { _tag: "Silence", carriedOut: true }, ends: "WsmanUnavailable timeout, sent", ran: 1, slow: true },
  {
    disturbance: { _tag: "Answer", status: 503, contentType: "", body: "", carriedOut: false },
    ends: "WsmanUnavailable other, sent",
    ran: 0
  },
  {
    disturbance: { _tag: "Answer", status: 500, contentType: "", body: "", carriedOut: true },
    ends: "WsmanProtocol, sent",
    ran: 1
  },
  {
    disturbance: { _tag: "Answer", status: 400, contentType: "", body: "", carriedOut: false },
    ends: "WsmanProtocol, sent",
    ran: 0
  },
  {
    disturbance: { _tag: "Answer", status: 504, contentType: "text/html", body: "<html>", carriedOut: true },
    ends: "WsmanUnavailable notWinRM, sent",
    ran: 1
  },
  {
    disturbance: { _tag: "Answer", status: 200, contentType: "text/html", body: "<html>", carriedOut: true },
    ends: "WsmanUnavailable notWinRM, sent",
    ran: 1
  },
  {
    disturbance: { _tag: "Answer", status: 404, contentType: "text/html", body: "<html>", carriedOut: false },
    ends: "WsmanUnavailable notWinRM",
    ran: 0
  },
  {
    disturbance: { _tag: "Fault", code: 2150859173, subcode: "QuotaLimit", text: "too many" },
    ends: "WsmanFault quota",
    ran: 0
  },
  { disturbance: { _tag: "Fault", subcode: "InternalError", text: "?" }, ends: "WsmanFault unknown, sent", ran: 0 },
  { disturbance: { _tag: "WrongRelatesTo" }, ends: "WsmanProtocol, sent", ran: 1 },
  { disturbance: { _tag: "Truncate" }, ends: "WsmanProtocol, sent", ran: 1 }
]

/** Opens a pool, and disturbs its one Command. */
const disturbed = (wire: Wire, disturbance: Disturbance, origin?: string) =>
  Effect.gen(function* () {
    const echo = EchoHost.make()
    const server = yield* make({ host: echo.host, users: [user] })
    let at: string = origins[wire]
    let ca: string | undefined
    if (origin !== undefined) {
      const authority = yield* CertificateAuthority.make("simulators")
      const tls = wire === "https" ? { tls: yield* authority.issue({ commonName: "e", usage: "server" }) } : {}
      at = (yield* Listener.listen({ handler: server.handler, ...tls })).origin
      ca = wire === "https" ? authority.ca : undefined
    }
    const dial = origin === undefined ? Dial.layerInProcess(new Map([[at, server.handler]])) : Dial.layerUndici
    return yield* Effect.gen(function* () {
      const pool = yield* open(yield* clientOf(wire, at, ca), { idleTimeoutSeconds: 60 })
      server.disturb([{ on: ["Command"], nth: 1, times: 1, disturbance }])
      const result = yield* Effect.result(pool.invoke([{ name: "Write-Output", parameters: { "-o": 1 } }]))
      return {
        ends:
          result._tag === "Success"
            ? "ok"
            : result.failure._tag === "PsrpTransportFailed"
              ? short(result.failure.cause)
              : result.failure._tag,
        sent: result._tag === "Failure" && result.failure.sent,
        ran: yield* server.pipelines
      }
    }).pipe(Effect.scoped, Effect.provide(dial))
  }).pipe(Effect.scoped)

const nameOf = (disturbance: Disturbance): string => JSON.stringify(disturbance)

describe.each(["https", "http"] as const)("a Command over %s", (wire) => {
  it.effect.each(cases.map((it) => ({ ...it, name: nameOf(it.disturbance) })))(
    "in process: $name",
    ({ disturbance, ends, ran }) =>
      Effect.gen(function* () {
        const seen = yield* inTime(disturbed(wire, disturbance))
        assert.deepStrictEqual(seen, { ends, ran, sent: ends.endsWith(", sent") })
      })
  )

  it.live(
    "over sockets",
    () =>
      Effect.gen(function* () {
        for (const { disturbance, ends, ran } of cases.filter(({ slow }) => slow !== true)) {
          const seen = yield* disturbed(wire, disturbance, "socket")
          assert.deepStrictEqual(seen, { ends, ran, sent: ends.endsWith(", sent") }, nameOf(disturbance))
        }
      }),
    30_000
  )
})

describe("a sealed connection", () => {
  it.effect("takes no answer of which one bit was turned", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* inTime(disturbed("http", { _tag: "Flip" })), {
        ends: "WsmanProtocol, sent",
        ran: 1,
        sent: true
      })
    })
  )

  it.effect("that forgot its log-on is logged on again, and carries the request out once", () =>
    Effect.gen(function* () {
      const seen = yield* inTime(disturbed("http", { _tag: "Forget" }))
      assert.deepStrictEqual(seen, { ends: "ok", ran: 1, sent: false })
    })
  )

  it.effect("whose password counts no more is one refused log-on", () =>
    Effect.gen(function* () {
      const seen = yield* inTime(disturbed("https", { _tag: "Forget" }))
      assert.deepStrictEqual(seen, { ends: "WsmanAuthenticationFailed", ran: 0, sent: false })
    })
  )
})

describe("an answer to a Receive", () => {
  const received = (disturbance: Disturbance) =>
    Effect.gen(function* () {
      const server = yield* make({ host: EchoHost.make().host, users: [user] })
      return yield* Effect.gen(function* () {
        const pool = yield* open(yield* clientOf("http", origins.http), { idleTimeoutSeconds: 60 })
        server.disturb([{ on: ["Receive"], nth: 1, times: 1, disturbance }])
        const parameters = { "-Length": 100_000 }
        const fiber = yield* Effect.forkChild(Effect.result(pool.invoke([{ name: "Get-Text", parameters }])))
        const result = yield* Fiber.join(fiber)
        return result._tag === "Success" ? "ok" : `${result.failure._tag}${result.failure.sent ? ", sent" : ""}`
      }).pipe(Effect.scoped, Effect.provide(Dial.layerInProcess(new Map([[origins.http, server.handler]]))))
    }).pipe(Effect.scoped, inTime)

  it.effect("is taken with a fragment that comes twice, refused without one", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* received({ _tag: "Fragments", last: "twice" }), "ok")
      assert.strictEqual(yield* received({ _tag: "Fragments", last: "missing" }), "PsrpProtocolViolation, sent")
    })
  )
})
