/** A WinRM listener without its socket: HTTP, log-on and SOAP in front of the shells of a PowerShellHost. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import type { FaultToWrite } from "../../../layers/wsman/Fault.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { type Answer, writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import * as Guid from "../../../schemas/Guid.ts"
import type { Delivery } from "./Outbox.ts"
import type { PowerShellHost } from "./PowerShellHost.ts"
import { defaultQuotas, make as makeShells, type Quotas, type ShellInfo } from "./Shells.ts"
import * as Faults from "./WinRmFaults.ts"
import * as WinRmLogOn from "./WinRmLogOn.ts"

export interface User {
  /** "DOMAIN\\name", "name@domain" or a local name; compared regardless of case, as it is written here. */
  readonly userName: string
  readonly password: string
  /** False: may log on, but not use remote shells. Default true. */
  readonly remoteAccess?: boolean
}

export interface Options {
  readonly host: PowerShellHost
  readonly users: ReadonlyArray<User>
  readonly quotas?: Partial<Quotas>
  /** Session configurations that exist. Default: Microsoft.PowerShell. */
  readonly configurations?: ReadonlyArray<string>
  /** Basic over plain http, which Windows refuses by default. */
  readonly allowUnencrypted?: boolean
  /** DER of its TLS certificate: it is as strict about channel bindings as CbtHardeningLevel Strict. */
  readonly certificate?: Uint8Array
  /** How output is put into answers. Default: Gathered. */
  readonly delivery?: Delivery
}

export interface WinRmServer {
  /** For Listener or Dial.layerInProcess; answers /wsman. */
  readonly handler: Handler
  /** Shells that are open now. */
  readonly shells: Effect.Effect<ReadonlyArray<ShellInfo>>
  /** Pipelines begun since the start. */
  readonly pipelines: Effect.Effect<number>
  /** HTTP exchanges since the start, refused ones included. */
  readonly exchanges: Effect.Effect<number>
  /** Exchanges with credentials that were refused: each counts towards an account's lock-out. */
  readonly refusedLogOns: Effect.Effect<number>
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

/** A listener that lives as long as the scope; closing it ends all shells and their pipelines. */
export const make = (options: Options): Effect.Effect<WinRmServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const quotas: Quotas = { ...defaultQuotas, ...options.quotas }
    const shells = yield* makeShells({
      host: options.host,
      quotas,
      configurations: options.configurations ?? ["Microsoft.PowerShell"],
      versionTable,
      delivery: options.delivery ?? "Gathered"
    })
    let exchanges = 0
    const logOns = WinRmLogOn.make({
      users: options.users,
      allowUnencrypted: options.allowUnencrypted ?? false,
      certificate: options.certificate
    })

    const answerTo = Effect.fnUntraced(function* (user: User, body: Uint8Array) {
      const refuse = (
        fault: FaultToWrite,
        relatesTo = ""
      ): { readonly answer: Answer; readonly relatesTo: string } => ({
        answer: { _tag: "Fault", fault },
        relatesTo
      })
      if (body.length > quotas.maxEnvelopeBytes) return refuse(Faults.envelopeTooLarge(quotas.maxEnvelopeBytes))
      const text = decodeText(body)
      if (text === undefined) return refuse(Faults.schemaInvalid("not UTF-8"))
      const request = yield* Effect.result(readRequest(text))
      if (Result.isFailure(request)) return refuse(Faults.schemaInvalid(request.failure.reason))
      if ("_tag" in request.success) {
        const { messageId, problem, detail } = request.success
        switch (problem) {
          case "Action":
            return refuse(Faults.actionNotSupported(detail), messageId)
          case "OperationTimeout":
            return refuse(Faults.invalidHeader(problem), messageId)
          case "Body":
            return refuse(Faults.schemaInvalid(detail), messageId)
        }
      }
      const relatesTo = request.success.header.messageId
      if (user.remoteAccess === false) return refuse(Faults.accessDenied, relatesTo)
      return { answer: yield* shells.perform(user.userName, request.success), relatesTo }
    })

    const handler: Handler = Effect.fnUntraced(function* (request, connection) {
      exchanges++
      const [path = ""] = request.target.split("?")
      if (path.toLowerCase().replace(/\/$/u, "") !== "/wsman") return WinRmLogOn.plain(404)
      if (request.method !== "POST") return WinRmLogOn.plain(405, { allow: "POST" })
      const entered = yield* logOns.enter(request, connection)
      if ("status" in entered) return entered
      const { answer, relatesTo } = yield* answerTo(entered.user, entered.body)
      const messageId = `uuid:${(yield* Guid.random).toUpperCase()}`
      return entered.reply({
        status: answer._tag === "Fault" ? 500 : 200,
        headers: { server: "Microsoft-HTTPAPI/2.0", "content-type": soapType },
        body: utf8.encode(writeResponse({ messageId, relatesTo }, answer))
      })
    })

    return {
      handler,
      shells: shells.list,
      pipelines: shells.pipelines,
      exchanges: Effect.sync(() => exchanges),
      refusedLogOns: Effect.sync(logOns.refused)
    }
  })
