/** Shells of a WinRM listener: the WS-Management operations that carry PSRP (MS-WSMV §3.1). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Guid from "../../schemas/Guid.ts"
import type { Dial, Endpoint } from "../Dial.ts"
import type { Credentials } from "./Credentials.ts"
import { isRefusal, type Fault } from "./Fault.ts"
import * as Lane from "./Lane.ts"
import { powershellResource } from "./SoapNames.ts"
import type { Operation } from "./SoapOperation.ts"
import { type RequestHeader, writeRequest } from "./SoapRequest.ts"
import { readCommandStarted, readCreated, readReceived, readResponse } from "./SoapResponseReader.ts"
import type { SoapElement, SoapError } from "./SoapXml.ts"
import { AccessDenied, AuthenticationFailed, Protocol, WsmanFault, type WsmanError } from "./WsmanError.ts"

export type StreamName = "stdin" | "pr"

export interface Received {
  /** In the order of the envelope; one data may hold several fragments. */
  readonly streams: ReadonlyArray<{ readonly name: string; readonly commandId?: string; readonly data: Uint8Array }>
  readonly state?: "Pending" | "Running" | "Done"
}

export interface Wsman {
  /** `shellId`: the runspace pool's id in upper case. `creationXml`: SESSION_CAPABILITY and INIT_RUNSPACEPOOL. */
  readonly create: (options: {
    readonly shellId: string
    readonly creationXml: Uint8Array
    readonly idleTimeoutSeconds: number
    readonly name?: string
  }) => Effect.Effect<{ readonly shellId: string }, WsmanError>
  /** Starts a pipeline with the first fragments of CREATE_PIPELINE; the id that the server answers counts. */
  readonly command: (
    shellId: string,
    commandId: string,
    firstFragments: Uint8Array
  ) => Effect.Effect<{ readonly commandId: string }, WsmanError>
  readonly send: (
    shellId: string,
    stream: StreamName,
    data: Uint8Array,
    commandId?: string
  ) => Effect.Effect<void, WsmanError>
  /** Waits for output for at most the operation timeout; when there is none, answers no streams and no state. */
  readonly receive: (shellId: string, commandId?: string) => Effect.Effect<Received, WsmanError>
  /** `code`: one of SoapNames.signals. */
  readonly signal: (shellId: string, commandId: string, code: string) => Effect.Effect<void, WsmanError>
  /** A shell that is gone counts as deleted. */
  readonly delete: (shellId: string) => Effect.Effect<void, WsmanError>
  /** What one Command or Send carries: bytes of encoded fragments, their headers included. */
  readonly maxFragmentBytes: number
  /** HTTP exchanges so far. */
  readonly exchanges: Effect.Effect<number>
}

export interface ConnectOptions {
  readonly endpoint: Endpoint
  /** "Microsoft.PowerShell", or the name of a constrained endpoint. */
  readonly configurationName: string
  /** Seconds that a Receive waits on the listener; Windows cuts it to its MaxTimeoutms, 60 s by default. */
  readonly operationTimeoutSeconds: number
  readonly credentials: Credentials
}

/** MaxEnvelopeSize that every Windows version accepts (150 KiB). */
const maxEnvelopeBytes = 153_600

/** Left free in an envelope, for headers that a proxy or a longer id may add. */
const spareBytes = 256

/** From one Receive to the next, when the first timed out. */
const leastWaitMillis = 1000

const faultError = (fault: Fault): WsmanError => {
  const sent = !isRefusal(fault.classification)
  const detail = fault.text === "" ? fault.subcode : fault.text
  if (fault.classification === "accessDenied") return new AccessDenied({ detail, sent })
  if (fault.classification === "authentication")
    return new AuthenticationFailed({ ...(fault.code === undefined ? {} : { code: fault.code }), detail, sent })
  return new WsmanFault({
    code: fault.code,
    subcode: fault.subcode,
    text: fault.text,
    classification: fault.classification,
    sent
  })
}

const protocol = (error: SoapError): Protocol => new Protocol({ detail: error.message, sent: true })

/**
 * A client of one listener. Nothing is dialled before the first operation. Command, Receive and Send share one lane,
 * Signal and Delete another, so that a Receive that waits never holds up a Signal.
 */
export const connect = (options: ConnectOptions): Effect.Effect<Wsman, never, Scope.Scope | Dial> =>
  Effect.gen(function* () {
    const data = yield* Lane.make(options)
    const control = yield* Lane.make(options)
    const sessionId = `uuid:${(yield* Guid.random).toUpperCase()}`
    const header = (
      messageId: string,
      selectors: Record<string, string>,
      set: Record<string, string>
    ): RequestHeader => ({
      messageId,
      to: `${options.endpoint.origin}${Lane.path}`,
      resourceUri: powershellResource(options.configurationName),
      sessionId,
      operationTimeoutSeconds: options.operationTimeoutSeconds,
      maxEnvelopeBytes,
      options: set,
      selectors
    })

    let refused: AuthenticationFailed | undefined

    /**
     * One exchange; the answer must relate to the request. A fault that names no request counts as the answer. Once a log-on was
     * refused nothing more is sent: with each further one the account comes nearer to being locked.
     */
    const call = Effect.fnUntraced(function* (
      lane: Lane.Lane,
      operation: Operation,
      selectors: Record<string, string>,
      set: Record<string, string> = {}
    ): Effect.fn.Return<SoapElement, WsmanError> {
      if (refused !== undefined) return yield* refused
      const messageId = `uuid:${(yield* Guid.random).toUpperCase()}`
      const text = yield* Effect.tapError(
        lane.post(writeRequest({ header: header(messageId, selectors, set), operation })),
        (error) =>
          Effect.sync(() => {
            if (error._tag === "WsmanAuthenticationFailed") refused = error
          })
      )
      const response = yield* Effect.mapError(readResponse(text), protocol)
      const related = response.relatesTo === messageId || (response.relatesTo === "" && response.fault !== undefined)
      if (!related)
        return yield* new Protocol({ detail: `the answer to ${operation._tag} relates to another message`, sent: true })
      if (response.fault !== undefined) return yield* faultError(response.fault)
      return response.body
    })

    const read = <A>(result: Result.Result<A, SoapError>) => Effect.mapError(Effect.fromResult(result), protocol)

    const create: Wsman["create"] = Effect.fn("Wsman.create")(function* (shell) {
      const body = yield* call(
        data,
        {
          _tag: "Create",
          shellId: shell.shellId,
          ...(shell.name === undefined ? {} : { name: shell.name }),
          inputStreams: ["stdin", "pr"],
          outputStreams: ["stdout"],
          idleTimeoutSeconds: shell.idleTimeoutSeconds,
          creationXml: shell.creationXml
        },
        {},
        { protocolversion: "2.3" }
      )
      return { shellId: yield* read(readCreated(body)) }
    })

    const command: Wsman["command"] = Effect.fn("Wsman.command")(function* (shellId, commandId, firstFragments) {
      const body = yield* call(data, { _tag: "Command", commandId, arguments: firstFragments }, { ShellId: shellId })
      return { commandId: yield* read(readCommandStarted(body)) }
    })

    const send: Wsman["send"] = Effect.fn("Wsman.send")(function* (shellId, stream, bytes, commandId) {
      const streams = [{ name: stream, data: bytes, ...(commandId === undefined ? {} : { commandId }) }]
      yield* call(data, { _tag: "Send", streams }, { ShellId: shellId })
    })

    const receive: Wsman["receive"] = Effect.fn("Wsman.receive")(function* (shellId, commandId) {
      const operation: Operation = {
        _tag: "Receive",
        ...(commandId === undefined ? {} : { commandId }),
        streams: ["stdout"]
      }
      const began = yield* Clock.currentTimeMillis
      return yield* call(data, operation, { ShellId: shellId }, { WSMAN_CMDSHELL_OPTION_KEEPALIVE: "True" }).pipe(
        Effect.flatMap((body) => read(readReceived(body))),
        Effect.catchIf(
          (error) => error._tag === "WsmanFault" && error.classification === "operationTimeout",
          () =>
            Effect.gen(function* () {
              // A listener that does not wait must not be asked without pause.
              const waited = (yield* Clock.currentTimeMillis) - began
              yield* Effect.sleep(Math.min(leastWaitMillis, Math.max(0, leastWaitMillis - waited)))
              return { streams: [] } satisfies Received
            })
        )
      )
    })

    const signal: Wsman["signal"] = Effect.fn("Wsman.signal")(function* (shellId, commandId, code) {
      yield* call(control, { _tag: "Signal", commandId, code }, { ShellId: shellId })
    })

    const remove: Wsman["delete"] = Effect.fn("Wsman.delete")(function* (shellId) {
      yield* call(control, { _tag: "Delete" }, { ShellId: shellId }).pipe(
        Effect.catchIf(
          (error) => error._tag === "WsmanFault" && error.classification === "invalidSelectors",
          () => Effect.void
        )
      )
    })

    const emptyId = "0".repeat(36)
    const overhead = writeRequest({
      header: header(`uuid:${emptyId}`, { ShellId: emptyId }, {}),
      operation: { _tag: "Send", streams: [{ name: "stdin", commandId: emptyId, data: new Uint8Array(0) }] }
    }).length

    return {
      create,
      command,
      send,
      receive,
      signal,
      delete: remove,
      maxFragmentBytes: Math.floor(((maxEnvelopeBytes - overhead - spareBytes) * 3) / 4),
      exchanges: Effect.zipWith(data.exchanges, control.exchanges, (left, right) => left + right)
    } satisfies Wsman
  })
