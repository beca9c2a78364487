/** A WinRM listener without its socket: HTTP, log-on and SOAP in front of the shells of a PowerShellHost. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import type { FaultToWrite } from "../../../layers/wsman/Fault.ts"
import type { Request } from "../../../layers/wsman/SoapRequest.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import type { Connection, Handler } from "../../../schemas/http/Exchange.ts"
import * as Guid from "../../../schemas/Guid.ts"
import * as Disturbance from "./Disturbance.ts"
import * as Disturbed from "./Disturbed.ts"
import type { Said } from "./Disturbed.ts"
import { make as makeEntropy } from "./Entropy.ts"
import type { Delivery } from "./Outbox.ts"
import type { PowerShellHost } from "./PowerShellHost.ts"
import { defaultQuotas, type Quotas } from "./Quotas.ts"
import type { ShellInfo } from "./Shell.ts"
import { make as makeShells } from "./Shells.ts"
import * as Faults from "./WinRmFaults.ts"
import * as WinRmLogOn from "./WinRmLogOn.ts"

export interface User {
  /** "DOMAIN\\name", "name@domain" or a local name; compared regardless of case, as it is written here. */
  readonly userName: string
  readonly password: string
  /** False: may log on, but not use remote shells. Default true. */
  readonly remoteAccess?: boolean
  /** User principal name in the client certificates that log on as this user. */
  readonly certificateSubject?: string
}

/** A request as it arrives. */
export interface Exchange {
  readonly action: Disturbance.Action
  readonly connection: Connection
  /** "" of a log-on. */
  readonly messageId: string
}

export interface Options {
  readonly host: PowerShellHost
  readonly users: ReadonlyArray<User>
  readonly quotas?: Partial<Quotas>
  /** Session configurations that exist. Default: Microsoft.PowerShell. */
  readonly configurations?: ReadonlyArray<string>
  /** Basic over plain http, which Windows refuses by default. */
  readonly allowUnencrypted?: boolean
  /** DER of its TLS certificate, which log-ons inside TLS are bound to. */
  readonly certificate?: Uint8Array
  /** Of winrm/config/service/auth; Relaxed unless given. */
  readonly cbtHardeningLevel?: "None" | "Relaxed" | "Strict"
  /** Wrong passwords after which an account is locked. Never unless given. */
  readonly lockoutThreshold?: number
  /** How output is put into answers. Default: Gathered. */
  readonly delivery?: Delivery
  /** Of a whole PSRP fragment that it sends, its header's 21 bytes included. Default 32768, as Windows. */
  readonly fragmentBytes?: number
  /** Decides where a disturbance has a probability; "winrm" unless given. */
  readonly seed?: string | number
  /** Told of every request that is a step of a log-on or an envelope, before anything becomes of it. */
  readonly onExchange?: (exchange: Exchange) => void
}

export interface WinRmServer {
  /** For Listener or Dial.layerInProcess; answers /wsman. */
  readonly handler: Handler
  /** Shells that are open now. */
  readonly shells: Effect.Effect<ReadonlyArray<ShellInfo>>
  /** Commands begun since the start: pipelines, and programs of cmd shells. */
  readonly pipelines: Effect.Effect<number>
  /** HTTP exchanges since the start, refused ones included. */
  readonly exchanges: Effect.Effect<number>
  /** Exchanges with credentials that were refused: each counts towards an account's lock-out. */
  readonly refusedLogOns: Effect.Effect<number>
  /** Puts these rules in the place of all others; they count from now. */
  readonly disturb: (rules: ReadonlyArray<Disturbance.Rule>) => void
}

const version = (text: string): PsValue => ({ _tag: "Scalar", type: "Version", text })

/** $PSVersionTable of Windows Server 2022. */
const versionTable: Readonly<Record<string, PsValue>> = {
  PSVersion: version("5.1.20348.2849"),
  PSEdition: "Desktop",
  BuildVersion: version("10.0.20348.2849"),
  CLRVersion: version("4.0.30319.42000"),
  WSManStackVersion: version("3.0"),
  PSRemotingProtocolVersion: version("2.3"),
  SerializationVersion: version("1.1.0.1")
}

const soapType = "application/soap+xml;charset=UTF-8"
const utf8 = new TextEncoder()

const decodeText = (body: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body)
  } catch {
    return undefined
  }
}

const refuse = (fault: FaultToWrite, relatesTo = ""): Said => ({
  _tag: "Envelope",
  answer: { _tag: "Fault", fault },
  relatesTo
})

/** An empty body that logs on is answered 200 when it was let in. */
const replied = (entered: WinRmLogOn.Entered<User> | WinRmLogOn.Reply): Said => ({
  _tag: "Reply",
  reply: "status" in entered ? entered : WinRmLogOn.plain(200)
})

/** The request in a body, or why there is none. */
const readEnvelope = Effect.fnUntraced(function* (
  body: Uint8Array,
  maxBytes: number
): Effect.fn.Return<Request | Said> {
  // No fault: clients of Windows report this status, with nothing in the body.
  if (body.length > maxBytes) return { _tag: "Reply", reply: WinRmLogOn.plain(413) }
  const text = decodeText(body)
  if (text === undefined) return refuse(Faults.schemaInvalid("not UTF-8"))
  const read = yield* Effect.result(readRequest(text))
  if (Result.isFailure(read)) return refuse(Faults.schemaInvalid(read.failure.reason))
  if (!("_tag" in read.success)) return read.success
  const { messageId, problem, detail } = read.success
  switch (problem) {
    case "Action":
      return refuse(Faults.actionNotSupported(detail), messageId)
    case "OperationTimeout":
      return refuse(Faults.invalidHeader(problem), messageId)
    case "Body":
      return refuse(Faults.schemaInvalid(detail), messageId)
  }
})

/** A listener that lives as long as the scope; closing it ends all shells and their pipelines. */
export const make = (options: Options): Effect.Effect<WinRmServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const quotas: Quotas = { ...defaultQuotas, ...options.quotas }
    const shells = yield* makeShells({
      host: options.host,
      quotas,
      configurations: options.configurations ?? ["Microsoft.PowerShell"],
      versionTable,
      delivery: options.delivery ?? "Gathered",
      fragmentBytes: options.fragmentBytes ?? 32 * 1024
    })
    let exchanges = 0
    const logOns = WinRmLogOn.make({
      users: options.users,
      allowUnencrypted: options.allowUnencrypted ?? false,
      certificate: options.certificate,
      cbtHardeningLevel: options.cbtHardeningLevel,
      lockoutThreshold: options.lockoutThreshold
    })

    const entropy = yield* makeEntropy(options.seed ?? "winrm")
    let rules = Disturbance.make([], entropy.fraction)
    const meet = (exchange: Exchange): Disturbance.Disturbance | undefined => {
      options.onExchange?.(exchange)
      return rules.next(exchange.action)
    }

    const perform = Effect.fnUntraced(function* (user: User, request: Request) {
      if (user.remoteAccess === false) return refuse(Faults.accessDenied, request.header.messageId)
      const answer = yield* shells.perform(user.userName, request)
      return { _tag: "Envelope", answer, relatesTo: request.header.messageId } satisfies Said
    })

    const write = Effect.fnUntraced(function* (entered: WinRmLogOn.Entered<User>, said: Said) {
      if (said._tag === "Reply") return said.reply
      const { answer, relatesTo } = said
      const messageId = `uuid:${(yield* Guid.random).toUpperCase()}`
      return entered.reply({
        status: answer._tag === "Fault" ? 500 : 200,
        headers: { server: "Microsoft-HTTPAPI/2.0", "content-type": soapType },
        body: utf8.encode(writeResponse({ messageId, relatesTo }, answer))
      })
    })

    const handler: Handler = Effect.fnUntraced(function* (request, connection) {
      exchanges++
      const [path = ""] = request.target.split("?")
      if (path.toLowerCase().replace(/\/$/u, "") !== "/wsman") return WinRmLogOn.plain(404)
      if (request.method !== "POST") return WinRmLogOn.plain(405, { allow: "POST" })
      const forget = Effect.sync(() => logOns.forget(connection))
      if (request.body.length === 0 && !/^Basic /iu.test(request.headers["authorization"] ?? ""))
        return yield* Disturbed.run(meet({ action: "LogOn", connection, messageId: "" }), {
          carryOut: Effect.map(logOns.enter(request, connection), replied),
          write: (said) => Effect.succeed(said._tag === "Reply" ? said.reply : WinRmLogOn.plain(500)),
          messageId: "",
          forget
        })
      const entered = yield* logOns.enter(request, connection)
      if ("status" in entered) return entered
      const read = yield* readEnvelope(entered.body, quotas.maxEnvelopeBytes)
      if ("_tag" in read) return yield* write(entered, read)
      const { messageId } = read.header
      return yield* Disturbed.run(meet({ action: Disturbance.actionOf(read.operation), connection, messageId }), {
        carryOut: perform(entered.user, read),
        write: (said) => write(entered, said),
        messageId,
        forget
      })
    })

    return {
      handler,
      shells: shells.list,
      pipelines: shells.commands,
      exchanges: Effect.sync(() => exchanges),
      refusedLogOns: Effect.sync(logOns.refused),
      disturb: (next) => {
        rules = Disturbance.make(next, entropy.fraction)
      }
    }
  })
