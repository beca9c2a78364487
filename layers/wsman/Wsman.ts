/** Shells of a WinRM listener: the WS-Management operations that carry PSRP (MS-WSMV §3.1). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Guid from "../../schemas/Guid.ts"
import type { Dial, Endpoint } from "../Dial.ts"
import type { Credentials } from "./Credentials.ts"
import * as Lane from "./Lane.ts"
import { readShellPage } from "./SoapEnumeration.ts"
import { powershellResource, shellResource } from "./SoapNames.ts"
import type { Operation } from "./SoapOperation.ts"
import { writeRequest } from "./SoapRequest.ts"
import { readCommandStarted, readCreated, readGotShell, readReceived } from "./SoapResponseReader.ts"
import type { ShellState } from "./SoapShell.ts"
import { WireTap } from "./WireTap.ts"
import * as WsmanCall from "./WsmanCall.ts"
import { Protocol, type WsmanError } from "./WsmanError.ts"

export type StreamName = "stdin" | "pr"

export interface Received {
  /** In the order of the envelope; one data may hold several fragments. */
  readonly streams: ReadonlyArray<{ readonly name: string; readonly commandId?: string; readonly data: Uint8Array }>
  readonly state?: "Pending" | "Running" | "Done"
  /** An earlier answer was lost: this one should hold what was in that. */
  readonly repeated?: boolean
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
  /**
   * Waits for output for at most the operation timeout; when there is none, answers no streams and no state. Survives a
   * connection that is lost meanwhile.
   */
  readonly receive: (shellId: string, commandId?: string) => Effect.Effect<Received, WsmanError>
  /** `code`: one of SoapNames.signals. */
  readonly signal: (shellId: string, commandId: string, code: string) => Effect.Effect<void, WsmanError>
  /** A shell that is gone counts as deleted. */
  readonly delete: (shellId: string) => Effect.Effect<void, WsmanError>
  /** Costs one exchange, which a Receive that waits does not hold up. */
  readonly get: (shellId: string) => Effect.Effect<ShellState, WsmanError>
  /** Every shell of the listener that this user may see, other clients' and configurations' included. */
  readonly shells: Effect.Effect<ReadonlyArray<ShellState>, WsmanError>
  /** Leaves the shell's pipelines running, for a Reconnect. */
  readonly disconnect: (shellId: string) => Effect.Effect<void, WsmanError>
  /** Only the client that made the shell may. */
  readonly reconnect: (shellId: string) => Effect.Effect<void, WsmanError>
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
  /** Takes known secrets out of texts that are recorded; the password is, in any case. */
  readonly scrub?: (text: string) => string
}

/** MaxEnvelopeSize that every Windows version accepts (150 KiB). */
const maxEnvelopeBytes = 153_600

/** Left free in an envelope, for headers that a proxy or a longer id may add. */
const spareBytes = 256

/** From one Receive to the next, when the first timed out. */
const leastWaitMillis = 1000

/** More pages than a listener may have shells: what goes on after them does not end. */
const maxPages = 100
const maxElements = 32_000

/**
 * A client of one listener. Nothing is dialled before the first operation. Command, Receive and Send share one lane, all
 * others another, so that a Receive that waits never holds up a Signal.
 */
export const connect = (options: ConnectOptions): Effect.Effect<Wsman, never, Scope.Scope | Dial> =>
  Effect.gen(function* () {
    const tap = yield* WireTap
    const { origin } = options.endpoint
    const listener = tap && (yield* tap({ origin, credentials: options.credentials, scrub: options.scrub }))
    const lane = (name: string) => Lane.make({ ...options, ...(listener && { overheard: { lane: name, listener } }) })
    const data = yield* lane("data")
    const control = yield* lane("control")
    const common = {
      to: `${options.endpoint.origin}${Lane.path}`,
      sessionId: `uuid:${(yield* Guid.random).toUpperCase()}`,
      operationTimeoutSeconds: options.operationTimeoutSeconds,
      maxEnvelopeBytes
    }
    const resourceUri = powershellResource(options.configurationName)
    const call = WsmanCall.make(() => common)
    const of = (shellId: string) => ({ resourceUri, selectors: { ShellId: shellId } })

    const create: Wsman["create"] = Effect.fn("Wsman.create")(function* (shell) {
      const { body } = yield* call(
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
        { resourceUri, selectors: {}, options: { protocolversion: "2.3" } }
      )
      return { shellId: yield* WsmanCall.read(readCreated(body)) }
    })

    const command: Wsman["command"] = Effect.fn("Wsman.command")(function* (shellId, commandId, firstFragments) {
      const { body } = yield* call(data, { _tag: "Command", commandId, arguments: firstFragments }, of(shellId))
      return { commandId: yield* WsmanCall.read(readCommandStarted(body)) }
    })

    const send: Wsman["send"] = Effect.fn("Wsman.send")(function* (shellId, stream, bytes, commandId) {
      const streams = [{ name: stream, data: bytes, ...(commandId === undefined ? {} : { commandId }) }]
      yield* call(data, { _tag: "Send", streams }, of(shellId))
    })

    const receive: Wsman["receive"] = Effect.fn("Wsman.receive")(function* (shellId, commandId) {
      const operation: Operation = {
        _tag: "Receive",
        ...(commandId === undefined ? {} : { commandId }),
        streams: ["stdout"]
      }
      const began = yield* Clock.currentTimeMillis
      const subject = { ...of(shellId), options: { WSMAN_CMDSHELL_OPTION_KEEPALIVE: "True" } }
      return yield* call(data, operation, subject).pipe(
        Effect.flatMap(({ body, repeated }) =>
          Effect.map(WsmanCall.read(readReceived(body)), (received): Received => ({ ...received, repeated }))
        ),
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
      yield* call(control, { _tag: "Signal", commandId, code }, of(shellId))
    })

    const remove: Wsman["delete"] = Effect.fn("Wsman.delete")(function* (shellId) {
      yield* call(control, { _tag: "Delete" }, of(shellId)).pipe(
        Effect.catchIf(
          (error) => error._tag === "WsmanFault" && error.classification === "invalidSelectors",
          () => Effect.void
        )
      )
    })

    const get: Wsman["get"] = Effect.fn("Wsman.get")(function* (shellId) {
      const { body } = yield* call(control, { _tag: "Get" }, { ...of(shellId), resourceUri: shellResource })
      return yield* WsmanCall.read(readGotShell(body))
    })

    const page = Effect.fnUntraced(function* (operation: Operation) {
      const { body } = yield* call(control, operation, { resourceUri: shellResource, selectors: {} })
      return yield* WsmanCall.read(readShellPage(body))
    })

    const shells: Wsman["shells"] = Effect.gen(function* () {
      const found: Array<ShellState> = []
      let next = yield* page({ _tag: "Enumerate", optimize: true, maxElements, filter: {} })
      for (let pages = 1; ; pages++) {
        found.push(...next.shells)
        if (next.end || next.context === "") return found
        if (pages === maxPages) return yield* new Protocol({ detail: "the list of shells does not end", sent: true })
        next = yield* page({ _tag: "Pull", context: next.context, maxElements })
      }
    }).pipe(Effect.withSpan("Wsman.shells"))

    const disconnect: Wsman["disconnect"] = Effect.fn("Wsman.disconnect")(function* (shellId) {
      yield* call(control, { _tag: "Disconnect" }, of(shellId))
    })

    const reconnect: Wsman["reconnect"] = Effect.fn("Wsman.reconnect")(function* (shellId) {
      yield* call(control, { _tag: "Reconnect" }, of(shellId))
    })

    const emptyId = "0".repeat(36)
    const overhead = writeRequest({
      header: { ...common, messageId: `uuid:${emptyId}`, ...of(emptyId), options: {} },
      operation: { _tag: "Send", streams: [{ name: "stdin", commandId: emptyId, data: new Uint8Array(0) }] }
    }).length

    return {
      create,
      command,
      send,
      receive,
      signal,
      delete: remove,
      get,
      shells,
      disconnect,
      reconnect,
      maxFragmentBytes: Math.floor(((maxEnvelopeBytes - overhead - spareBytes) * 3) / 4),
      exchanges: Effect.zipWith(data.exchanges, control.exchanges, (left, right) => left + right)
    } satisfies Wsman
  })
