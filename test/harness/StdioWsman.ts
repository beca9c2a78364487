/**
 * A Wsman whose shell is a child process that speaks PowerShell's out-of-process framing (`pwsh -s`) on standard input and
 * output: the fragments are those of WS-Management, so PSRP is told the truth, and everything of WinRM is made up here.
 *
 * One packet a line: Data, Command, Signal and Close, each with the GUID of a pipeline or of zeros for the pool, and each
 * acknowledged before the next of that GUID may follow: a server hands lines to its threads, and could mix them up. The
 * server's own Data is not acknowledged: PowerShell would take that for an error. It answers the Close of a pool once every
 * pipeline was closed, and ends with code 160 and a line on standard error when its input does.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as childProcess from "node:child_process"
import * as readline from "node:readline"
import { Defragmenter } from "../../layers/psrp/Fragment.ts"
import { decodeMessage, emptyGuid, MessageType } from "../../layers/psrp/Message.ts"
import { signals } from "../../layers/wsman/SoapNames.ts"
import { isFinal, readPipelineState } from "../../layers/psrp/PipelineMessage.ts"
import type { Wsman } from "../../layers/wsman/Wsman.ts"
import type { Received } from "../../layers/wsman/WsmanReceive.ts"
import { Protocol, Unavailable, type WsmanError } from "../../layers/wsman/WsmanError.ts"

/** What the server said for the pool or one pipeline, and whether that was all. */
interface Inbox {
  readonly data: Queue.Queue<Uint8Array>
  readonly defragmenter: Defragmenter
  final: boolean
}

export interface StdioWsman extends Wsman {
  /** Packets both ways, without their data: "> Command", "< DataAck"; the last is how the process ended: "< exit 160". */
  readonly packets: ReadonlyArray<string>
  /** Ids of the commands that were begun. */
  readonly begun: ReadonlyArray<string>
  /** What the child wrote to standard error. */
  readonly complaints: () => string
}

const nothing = new Uint8Array(0)
const packetPattern = /^<(\w+) (?:Stream='(\w+)' )?PSGuid='([0-9a-fA-F-]+)' ?(?:\/>|>([A-Za-z0-9+/=]*)<\/\w+>)$/

/** So long PowerShell's own client waits for an acknowledgement. */
const acknowledgedWithin = "60 seconds"

/**
 * The process lives in the scope: at its end it has five seconds to leave by itself. `operationTimeoutSeconds`: as a Receive of
 * WinRM, no output for this long is an answer without any.
 */
export const connect = (
  binary: string,
  args: ReadonlyArray<string>,
  operationTimeoutSeconds = 20
): Effect.Effect<StdioWsman, never, Scope.Scope> =>
  Effect.gen(function* () {
    const over = yield* Deferred.make<void>()
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => childProcess.spawn(binary, args, { stdio: "pipe" })),
      (process) =>
        Deferred.await(over).pipe(
          Effect.interruptible,
          Effect.timeout("5 seconds"),
          Effect.catch(() => Effect.sync(() => process.kill("SIGKILL")))
        )
    )
    const packets: Array<string> = []
    const inboxes = new Map<string, Inbox>()
    const acknowledgements = new Map<string, Deferred.Deferred<void, WsmanError>>()
    const locks = new Map<string, Semaphore.Semaphore>()
    const begun: Array<string> = []
    /** Of those, the ones that were not closed. */
    const running = new Set<string>()
    let complaints = ""
    let gone: Unavailable | undefined
    const lost = yield* Deferred.make<never, WsmanError>()

    const inboxOf = (guid: string): Inbox => {
      const inbox = inboxes.get(guid) ?? {
        data: Effect.runSync(Queue.unbounded<Uint8Array>()),
        defragmenter: new Defragmenter(),
        final: false
      }
      inboxes.set(guid, inbox)
      return inbox
    }
    const fail = (detail: string) => {
      gone ??= new Unavailable({ kind: "reset", detail: `${detail} ${complaints}`, sent: true })
      for (const waiting of acknowledgements.values()) Deferred.doneUnsafe(waiting, Effect.fail(gone))
      Deferred.doneUnsafe(lost, Effect.fail(gone))
    }
    /** There is no CommandState here: the pipeline's own state says when it is done. */
    const isLast = (inbox: Inbox, data: Uint8Array): boolean =>
      Result.getOrElse(inbox.defragmenter.push(data), () => []).some((bytes) => {
        const message = Result.getOrUndefined(decodeMessage(bytes))
        if (message?.type !== MessageType.PipelineState) return false
        return isFinal(Result.getOrUndefined(readPipelineState(message.data))?.state ?? 0)
      })
    const arrive = (line: string) => {
      const [, packet = "", , guid = "", data = ""] = packetPattern.exec(line) ?? []
      const key = guid.toLowerCase()
      packets.push(`< ${packet || line.slice(0, 80)}`)
      if (packet === "Data") {
        const inbox = inboxOf(key)
        const bytes = new Uint8Array(Buffer.from(data, "base64"))
        inbox.final ||= isLast(inbox, bytes)
        Queue.offerUnsafe(inbox.data, bytes)
      } else if (packet.endsWith("Ack")) {
        if (packet === "CloseAck") {
          // As WinRM says Done of a command that was terminated, without a state of its pipeline.
          const inbox = inboxOf(key)
          inbox.final = true
          Queue.offerUnsafe(inbox.data, nothing)
        }
        const waiting = acknowledgements.get(`${packet} ${key}`)
        if (waiting !== undefined) Deferred.doneUnsafe(waiting, Effect.void)
      } else fail(`no packet: ${line.slice(0, 200)}`)
    }
    readline.createInterface({ input: child.stdout }).on("line", arrive)
    child.stderr.on("data", (piece: Buffer) => (complaints += piece.toString("utf8")))
    child.stdin.on("error", (error) => fail(error.message))
    child.on("error", (error) => fail(error.message))
    child.on("close", (code, signal) => {
      packets.push(`< exit ${code ?? signal}`)
      Deferred.doneUnsafe(over, Effect.void)
      fail(`the server ended with ${code ?? signal}`)
    })

    /** Writes a packet and waits for its acknowledgement. */
    const post = (
      packet: string,
      guid: string,
      attributes: string,
      content?: string
    ): Effect.Effect<void, WsmanError> =>
      Effect.suspend(() => {
        const lock = locks.get(guid) ?? Semaphore.makeUnsafe(1)
        locks.set(guid, lock)
        const key = `${packet}Ack ${guid}`
        return Effect.gen(function* () {
          if (gone !== undefined) return yield* gone
          const acknowledged = yield* Deferred.make<void, WsmanError>()
          acknowledgements.set(key, acknowledged)
          packets.push(`> ${packet}`)
          const start = `<${packet} ${attributes}PSGuid='${guid}'`
          child.stdin.write(content === undefined ? `${start} />\n` : `${start}>${content}</${packet}>\n`)
          const late = new Unavailable({ kind: "timeout", detail: `no ${packet}Ack in time`, sent: true })
          const timer = yield* Effect.sync(() => Deferred.doneUnsafe(acknowledged, Effect.fail(late))).pipe(
            Effect.delay(acknowledgedWithin),
            Effect.interruptible,
            Effect.forkChild
          )
          yield* Effect.ensuring(Deferred.await(acknowledged), Fiber.interrupt(timer))
        }).pipe(
          Effect.ensuring(Effect.sync(() => acknowledgements.delete(key))),
          // An acknowledgement that nobody awaits would be taken for that of the next packet.
          Effect.uninterruptible,
          lock.withPermit
        )
      })
    const data = (guid: string, stream: string, bytes: Uint8Array) =>
      post("Data", guid, `Stream='${stream}' `, Buffer.from(bytes).toString("base64"))

    const get = (shellId: string): ReturnType<Wsman["get"]> =>
      gone ?? Effect.succeed({ shellId, inputStreams: ["stdin", "pr"], outputStreams: ["stdout"], state: "Connected" })

    const close = (guid: string) =>
      Effect.andThen(
        Effect.sync(() => running.delete(guid)),
        post("Close", guid, "")
      )
    const unknown = new Protocol({ detail: "standard input and output have no connection to lose", sent: false })

    return {
      packets,
      begun,
      complaints: () => complaints,
      maxFragmentBytes: 32 * 1024,
      exchanges: Effect.sync(() => packets.length),
      create: ({ shellId, creationXml }) => Effect.as(data(emptyGuid, "Default", creationXml), { shellId }),
      command: (_shellId, commandId, firstFragments) => {
        const guid = commandId.toLowerCase()
        begun.push(guid)
        running.add(guid)
        return Effect.as(Effect.andThen(post("Command", guid, ""), data(guid, "Default", firstFragments)), {
          commandId
        })
      },
      send: (_shellId, stream, bytes, commandId) =>
        data(commandId?.toLowerCase() ?? emptyGuid, stream === "pr" ? "PromptResponse" : "Default", bytes),
      receive: (_shellId, commandId) =>
        Effect.gen(function* () {
          const inbox = inboxOf(commandId?.toLowerCase() ?? emptyGuid)
          const first = yield* Queue.take(inbox.data).pipe(
            Effect.raceFirst(Deferred.await(lost)),
            Effect.timeoutOption(operationTimeoutSeconds * 1000)
          )
          const rest = Queue.sizeUnsafe(inbox.data) > 0 ? yield* Queue.takeAll(inbox.data) : []
          const id = commandId === undefined ? {} : { commandId }
          return {
            streams: [...(Option.isSome(first) ? [first.value] : []), ...rest]
              .filter(({ length }) => length > 0)
              .map((bytes) => ({ name: "stdout", ...id, data: bytes })),
            ...(commandId === undefined ? {} : { state: inbox.final ? "Done" : "Running" })
          } satisfies Received
        }),
      signal: (_shellId, commandId, code) => {
        const guid = commandId.toLowerCase()
        return code === signals.stop ? post("Signal", guid, "") : close(guid)
      },
      delete: () =>
        Effect.forEach([...running], close, { discard: true }).pipe(
          Effect.andThen(post("Close", emptyGuid, "")),
          Effect.andThen(Effect.sync(() => child.stdin.end()))
        ),
      get,
      probe: get,
      shells: Effect.succeed([]),
      disconnect: () => unknown,
      reconnect: () => unknown,
      enlarge: Effect.void
    } satisfies StdioWsman
  })
