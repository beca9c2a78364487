/**
 * A WinRM listener with a LAN before it, as a process of its own, by http and https. It tells on stdout, in a line of JSON, where it
 * listens. Beside /wsman it counts exchanges, and replays what it has just answered without reading anything: the floor.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import { X509Certificate } from "node:crypto"
import type { Connection, Handler, Response } from "../../../schemas/http/Exchange.ts"
import * as CertificateAuthority from "../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import type { Action } from "../../../src/simulators/scvmm/Disturbance.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import { median } from "../Bench.ts"
import type { FloorExchange, Served } from "./Wire.ts"
import { lanMillis, user } from "./Wire.ts"
import { host } from "./TextHost.ts"

interface Recorded {
  readonly contentType: string
  readonly request: Uint8Array
  readonly response: Response
  /** From the request's arrival behind the LAN to its answer. */
  readonly handlingMillis: number
}

const utf8 = new TextEncoder()
const json = (value: unknown): Response => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: utf8.encode(JSON.stringify(value))
})

/** A handler computes; whoever replays it has to take as long, and timers are too coarse. */
const spin = (millis: number): void => {
  const end = performance.now() + millis
  while (performance.now() < end);
}

const program = Effect.gen(function* () {
  const authority = yield* CertificateAuthority.make("bench")
  const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
  const actions = new WeakMap<Connection, Action>()
  const winrm = yield* WinRmServer.make({
    host,
    users: [user, { ...user, userName: user.localName }],
    // All clients at once, and pypsrp never terminates a command.
    quotas: { maxShellsPerUser: 1000, maxCommandsPerShell: 1_000_000 },
    certificate: new Uint8Array(new X509Certificate(tls.cert).raw),
    onExchange: ({ action, connection }) => void actions.set(connection, action)
  })

  let total = 0
  let signals = 0
  /** Exchanges of one call after another, those that its caller waits for. */
  let calls: Array<Array<Recorded>> = []
  let floor: ReadonlyArray<Recorded> = []

  /** The last call, as long as calls took in the middle. */
  const keep = (): ReadonlyArray<FloorExchange> => {
    const last = calls.at(-1) ?? []
    const alike = calls.filter((call) => call.length === last.length)
    floor = last.map((exchange, at) => ({
      ...exchange,
      handlingMillis: median(alike.map((call) => call[at]?.handlingMillis ?? exchange.handlingMillis))
    }))
    return floor.map(({ contentType, handlingMillis, request }) => ({
      contentType,
      body: Buffer.from(request).toString("base64"),
      handlingMillis
    }))
  }

  const serve: Handler = Effect.fnUntraced(function* (request, connection) {
    if (request.target === "/bench/reset") {
      total = 0
      signals = 0
      calls = []
      return json({})
    }
    if (request.target === "/bench/counts") return json({ total, signals })
    if (request.target === "/bench/floor") return json(keep())
    yield* Effect.sleep(lanMillis)
    if (request.target.startsWith("/bench/floor/")) {
      const recorded = floor[Number(request.target.slice("/bench/floor/".length))]
      if (recorded === undefined) return { status: 404, headers: {}, body: new Uint8Array(0) }
      spin(recorded.handlingMillis)
      return recorded.response
    }
    total++
    const began = performance.now()
    const response = yield* winrm.handler(request, connection)
    const handlingMillis = performance.now() - began
    const action = actions.get(connection)
    actions.delete(connection)
    if (action === "Signal") signals++
    else if (action === "Command" || action === "Receive") {
      if (action === "Command") calls.push([])
      calls.at(-1)?.push({
        contentType: request.headers["content-type"] ?? "",
        request: request.body,
        response,
        handlingMillis
      })
    }
    return response
  })

  const plain = yield* Listener.listen({ handler: serve })
  const secure = yield* Listener.listen({ handler: serve, tls })
  const served: Served = { ca: authority.ca, ports: { ntlm: plain.port, https: secure.port } }
  process.stdout.write(`${JSON.stringify(served)}\n`)
  return yield* Effect.never
}).pipe(Effect.scoped)

NodeRuntime.runMain(program)
