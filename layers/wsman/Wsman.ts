/** Shells of a WinRM listener: the WS-Management operations that carry PSRP (MS-WSMV §3.1). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Guid from "../../schemas/Guid.ts"
import type { Dial, Endpoint } from "../Dial.ts"
import type { Credentials } from "./Credentials.ts"
import * as Envelope from "./Envelope.ts"
import * as Lane from "./Lane.ts"
import { listShells } from "./ShellList.ts"
import { isConnected, isDisconnected, revive } from "./ShellRevival.ts"
import { powershellResource, shellResource, signals } from "./SoapNames.ts"
import type { Operation } from "./SoapOperation.ts"
import { writeRequest } from "./SoapRequest.ts"
import { readCommandStarted, readCreated, readGotShell } from "./SoapResponseReader.ts"
import type { ShellState } from "./SoapShell.ts"
import { WireTap } from "./WireTap.ts"
import * as WsmanCall from "./WsmanCall.ts"
import type { WsmanError } from "./WsmanError.ts"
import { type Received, receiveFrom } from "./WsmanReceive.ts"

export type StreamName = "stdin" | "pr"

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
  /** `code`: one of SoapNames.signals. A command that is gone counts as terminated. */
  readonly signal: (shellId: string, commandId: string, code: string) => Effect.Effect<void, WsmanError>
  /** A shell that is gone counts as deleted. */
  readonly delete: (shellId: string) => Effect.Effect<void, WsmanError>
  /** Costs one exchange, which a Receive that waits does not hold up. */
  readonly get: (shellId: string) => Effect.Effect<ShellState, WsmanError>
  /**
   * The same over the connection that Commands take: who hears the answer knows that it is alive. One that is silent for 2 s
   * is replaced.
   */
  readonly probe: (shellId: string) => Effect.Effect<ShellState, WsmanError>
  /** Every shell of the listener that this user may see, other clients' and configurations' included. */
  readonly shells: Effect.Effect<ReadonlyArray<ShellState>, WsmanError>
  /** Leaves the shell's pipelines running, for a Reconnect. */
  readonly disconnect: (shellId: string) => Effect.Effect<void, WsmanError>
  /** Only the client that made the shell may. One that is connected counts as reconnected. */
  readonly reconnect: (shellId: string) => Effect.Effect<void, WsmanError>
  /** The peer speaks PSRP 2.2 or later: envelopes grow to what Windows takes since then. */
  readonly enlarge: Effect.Effect<void>
  /**
   * What one Command or Send carries now: bytes of encoded fragments, their headers included. Less after a request that was
   * refused as too large.
   */
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
  /** Takes known secrets out of what faults say, and out of what is recorded; there the password is, in any case. */
  readonly scrub?: (text: string) => string
}

/** A connection that something between forgot gives no sign; a state is answered at once. */
const probeMillis = 2000

const isGone = (error: WsmanError): boolean =>
  error._tag === "WsmanFault" && error.classification === "invalidSelectors"

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
      operationTimeoutSeconds: options.operationTimeoutSeconds
    }
    const envelope = Envelope.make()
    const resourceUri = powershellResource(options.configurationName)
    const made = WsmanCall.make(() => ({ ...common, maxEnvelopeBytes: envelope.maxBytes() }), options.scrub)
    const call: WsmanCall.Call = (lane, operation, subject) =>
      Effect.tapError(made(lane, operation, subject), (error) => Effect.sync(() => envelope.learn(error)))
    const of = (shellId: string) => ({ resourceUri, selectors: { ShellId: shellId } })

    const stateOf = (lane: Lane.Lane, shellId: string) =>
      Effect.flatMap(call(lane, { _tag: "Get" }, { ...of(shellId), resourceUri: shellResource }), (body) =>
        WsmanCall.read(readGotShell(body))
      )
    const get: Wsman["get"] = Effect.fn("Wsman.get")((shellId: string) => stateOf(control, shellId))

    const probe: Wsman["probe"] = Effect.fn("Wsman.probe")((shellId: string) =>
      stateOf(data, shellId).pipe(
        Effect.timeoutOption(probeMillis),
        Effect.flatMap(Option.match({ onNone: () => stateOf(data, shellId), onSome: Effect.succeed }))
      )
    )

    const reconnect: Wsman["reconnect"] = Effect.fn("Wsman.reconnect")(function* (shellId) {
      yield* call(control, { _tag: "Reconnect" }, of(shellId)).pipe(Effect.catchIf(isConnected, () => Effect.void))
    })

    const revived = (shellId: string) => Effect.suspend(() => revive(get(shellId), reconnect(shellId)))

    /** What a shell that was put aside refuses without doing anything goes out once more after it was taken up again. */
    const deliver = (lane: Lane.Lane, operation: Operation, shellId: string) =>
      call(lane, operation, of(shellId)).pipe(
        Effect.catchIf(isDisconnected, () => Effect.andThen(revived(shellId), call(lane, operation, of(shellId))))
      )

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
        { resourceUri, selectors: {}, options: { protocolversion: "2.3" } }
      )
      return { shellId: yield* WsmanCall.read(readCreated(body)) }
    })

    // What every call does has its span without the stack trace that Effect.fn takes each time.
    const command: Wsman["command"] = Effect.fnUntraced(function* (shellId, commandId, firstFragments) {
      const body = yield* deliver(data, { _tag: "Command", commandId, arguments: firstFragments }, shellId)
      return { commandId: yield* WsmanCall.read(readCommandStarted(body)) }
    }, Effect.withSpan("Wsman.command"))

    const send: Wsman["send"] = Effect.fnUntraced(function* (shellId, stream, bytes, commandId) {
      const streams = [{ name: stream, data: bytes, ...(commandId === undefined ? {} : { commandId }) }]
      yield* deliver(data, { _tag: "Send", streams }, shellId)
    }, Effect.withSpan("Wsman.send"))

    const receiveSpan = Effect.withSpan("Wsman.receive")
    const receive: Wsman["receive"] = (shellId, commandId) =>
      receiveFrom(
        (operation, onRepeat) =>
          call(data, operation, {
            ...of(shellId),
            options: { WSMAN_CMDSHELL_OPTION_KEEPALIVE: "True" },
            onRepeat
          }),
        revived(shellId),
        commandId
      ).pipe(receiveSpan)

    const signal: Wsman["signal"] = Effect.fnUntraced(function* (shellId, commandId, code) {
      yield* deliver(control, { _tag: "Signal", commandId, code }, shellId).pipe(
        Effect.catchIf(
          (error) => code === signals.terminate && isGone(error),
          () => Effect.void
        )
      )
    }, Effect.withSpan("Wsman.signal"))

    const remove: Wsman["delete"] = Effect.fn("Wsman.delete")(function* (shellId) {
      yield* call(control, { _tag: "Delete" }, of(shellId)).pipe(Effect.catchIf(isGone, () => Effect.void))
    })

    const disconnect: Wsman["disconnect"] = Effect.fn("Wsman.disconnect")(function* (shellId) {
      yield* call(control, { _tag: "Disconnect" }, of(shellId))
    })

    const emptyId = "0".repeat(36)
    const overhead = writeRequest({
      header: {
        ...common,
        maxEnvelopeBytes: Envelope.usualBytes,
        messageId: `uuid:${emptyId}`,
        ...of(emptyId),
        options: {}
      },
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
      probe,
      shells: listShells(call, control),
      disconnect,
      reconnect,
      enlarge: Effect.sync(envelope.enlarge),
      get maxFragmentBytes() {
        return envelope.payloadBytes(overhead)
      },
      exchanges: Effect.zipWith(data.exchanges, control.exchanges, (left, right) => left + right)
    } satisfies Wsman
  })
