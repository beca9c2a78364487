/**
 * The PSRP of a shell, server's side (MS-PSRP §3.2): opens the runspace pool and runs pipelines on a PowerShellHost.
 *
 * Expected flow: the creationXml's SESSION_CAPABILITY and INIT_RUNSPACEPOOL are answered with capability, private data
 * and state Opened; each Command's CREATE_PIPELINE runs on a free runspace and ends in PIPELINE_STATE and Done.
 * Guarantees: a pipeline belongs to the shell's scope, never to the request that started it.
 * Assumptions: the commands of this host read no pipeline input; PIPELINE_INPUT is accepted and dropped.
 * Errors: what is malformed is refused with a reason; a defect of the host ends its pipeline as Failed and is logged.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { type CreatePipeline, readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import type { ErrorRecord } from "../../../layers/psrp/ErrorRecord.ts"
import { Defragmenter, splitMessage } from "../../../layers/psrp/Fragment.ts"
import {
  decodeMessage,
  emptyGuid,
  encodeMessage,
  type Message,
  type MessageBody,
  MessageType
} from "../../../layers/psrp/Message.ts"
import { PipelineState, pipelineState } from "../../../layers/psrp/PipelineMessage.ts"
import { bag, property } from "../../../layers/psrp/PsObject.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import {
  applicationPrivateData,
  ourCapability,
  readInitRunspacePool,
  readSessionCapability,
  RunspacePoolState,
  runspacePoolState,
  sessionCapability
} from "../../../layers/psrp/RunspacePoolMessage.ts"
import type { SecureStringCipher } from "../../../layers/psrp/SecureString.ts"
import { cipherOf, sealSessionKey } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { encryptedSessionKey, readPublicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import * as Outbox from "./Outbox.ts"
import { type PowerShellHost, type Runspace, Terminated } from "./PowerShellHost.ts"
import { defectRecord, failureRecord, stoppedRecord, streamsTo } from "./PsrpRecords.ts"

/** The bytes are no PSRP, or not what belongs there. */
export class PsrpRefusal extends Data.TaggedError("PsrpRefusal")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

/** A CREATE_PIPELINE on its way, running or ended, until it is terminated. */
interface Pipeline {
  readonly id: string
  readonly outbox: Outbox.Outbox
  readonly input: Defragmenter
  fiber: Fiber.Fiber<void> | undefined
  /** Whether its end was asked for, and how. */
  ending: "stop" | "terminate" | undefined
  ended: boolean
}

export interface PsrpServer {
  /** Output of the pool itself. */
  readonly outbox: Outbox.Outbox
  /** Output of a pipeline that was not terminated yet. */
  readonly pipelineOutbox: (commandId: string) => Outbox.Outbox | undefined
  /** Messages to the pool; creationXml is the first of them. */
  readonly receive: (data: Uint8Array) => Effect.Effect<void, PsrpRefusal>
  /** The arguments of a Command, and what Sends add to them. */
  readonly receiveFor: (commandId: string, data: Uint8Array) => Effect.Effect<void, PsrpRefusal>
  /** As Signal crtl_c: the pipeline ends as Stopped. False for an unknown one. */
  readonly stop: (commandId: string) => boolean
  /** As Signal Terminate: the pipeline ends without a state, and is forgotten. False for an unknown one. */
  readonly terminate: (commandId: string) => boolean
  /** Outstanding and later Receives learn that the shell is gone; to be called before its scope closes. */
  readonly abandon: () => void
  /** Pipelines that run now, and those that nobody terminated yet. */
  readonly pipelines: () => { readonly running: number; readonly held: number }
}

export interface Options {
  readonly host: PowerShellHost
  readonly userName: string
  /** Upper-case GUID, also the pool's. */
  readonly shellId: string
  /** Entries of $PSVersionTable. */
  readonly versionTable: Readonly<Record<string, PsValue>>
  /** The shell's: its end interrupts all pipelines. */
  readonly scope: Scope.Scope
  readonly delivery: Outbox.Delivery
}

/** Server and client cut messages so that a fragment fills 32 KiB, header included. */
const fragmentBytes = 32 * 1024
const headerBytes = 40
const byteOrderMark = [0xef, 0xbb, 0xbf]

/** Windows writes a byte order mark before each body. */
const withByteOrderMark = (message: Uint8Array): Uint8Array => {
  if (message.length === headerBytes) return message
  const marked = new Uint8Array(message.length + byteOrderMark.length)
  marked.set(message.subarray(0, headerBytes))
  marked.set(byteOrderMark, headerBytes)
  marked.set(message.subarray(headerBytes), headerBytes + byteOrderMark.length)
  return marked
}

export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<PsrpServer> {
  const { host, scope } = options
  const poolId = options.shellId.toLowerCase()
  const outbox = Outbox.make(options.delivery)
  const input = new Defragmenter()
  const pipelines = new Map<string, Pipeline>()
  const idle = yield* Queue.make<Runspace>()
  let opened = 0
  let maxRunspaces = 0
  let objects = 0n
  let cipher: SecureStringCipher | undefined

  const send = (to: Outbox.Outbox, body: MessageBody, pipelineId = emptyGuid, runspacePoolId = poolId): void => {
    const message = encodeMessage({ ...body, destination: "client", runspacePoolId, pipelineId }, cipher)
    // PowerShell flushes what a pool says, and lets the listener collect what a pipeline says.
    to.push(splitMessage(++objects, withByteOrderMark(message), fragmentBytes), to === outbox)
  }

  /** A runspace that nobody uses: an idle one, a new one while the pool may grow, else the next to be given back. */
  const borrow: Effect.Effect<Runspace, never, Scope.Scope> = Effect.acquireRelease(
    Effect.suspend(() => {
      const free = Queue.sizeUnsafe(idle) > 0
      if (free || opened >= maxRunspaces) return Queue.take(idle)
      opened++
      return Scope.provide(host.open({ userName: options.userName, shellId: options.shellId }), scope)
    }),
    (runspace) => Queue.offer(idle, runspace),
    { interruptible: true }
  )

  const open = Effect.gen(function* () {
    send(outbox, applicationPrivateData(options.versionTable))
    // The first runspace is made before the pool is open, as the session's start-up would be.
    yield* Effect.scoped(borrow)
    send(outbox, runspacePoolState(RunspacePoolState.Opened))
  })

  const availability = (request: PsValue, response: PsValue): MessageBody => ({
    type: MessageType.RunspaceAvailability,
    data: bag({ SetMinMaxRunspacesResponse: response, ci: property(request, "ci") ?? null })
  })

  const onPoolMessage = Effect.fnUntraced(function* (message: Message): Effect.fn.Return<void, PsrpRefusal> {
    switch (message.type) {
      case MessageType.SessionCapability: {
        const client = readSessionCapability(message.data)
        if (Result.isFailure(client)) return yield* new PsrpRefusal({ reason: client.failure.message })
        if (!/^2\.[1-9]/u.test(client.success.protocolVersion))
          return yield* new PsrpRefusal({ reason: `protocol version ${client.success.protocolVersion}` })
        return send(outbox, sessionCapability(ourCapability), emptyGuid, emptyGuid)
      }
      case MessageType.InitRunspacePool: {
        const init = readInitRunspacePool(message.data)
        if (Result.isFailure(init)) return yield* new PsrpRefusal({ reason: init.failure.message })
        if (maxRunspaces > 0) return yield* new PsrpRefusal({ reason: "the pool is open already" })
        maxRunspaces = Math.max(1, init.success.maxRunspaces)
        yield* Effect.forkIn(open, scope)
        return
      }
      case MessageType.PublicKey: {
        const client = readPublicKey(message.data)
        if (Result.isFailure(client)) return yield* new PsrpRefusal({ reason: client.failure.message })
        const sessionKey = Uint8Array.from(
          yield* Effect.all(Array.from({ length: 32 }, () => Random.nextIntBetween(0, 256, { halfOpen: true })))
        )
        cipher = cipherOf(sessionKey)
        return send(outbox, encryptedSessionKey(sealSessionKey(client.success, sessionKey)))
      }
      case MessageType.SetMaxRunspaces: {
        const wanted = property(message.data, "MaxRunspaces")
        if (typeof wanted === "number" && wanted > 0) maxRunspaces = wanted
        return send(outbox, availability(message.data, typeof wanted === "number" && wanted > 0))
      }
      case MessageType.SetMinRunspaces:
        return send(outbox, availability(message.data, true))
      // What a function of ours leaves in a runspace is no variable.
      case MessageType.ResetRunspaceState:
        return send(outbox, availability(message.data, true))
      case MessageType.GetAvailableRunspaces:
        return send(outbox, availability(message.data, BigInt(maxRunspaces - opened + Queue.sizeUnsafe(idle))))
      default:
        return
    }
  })

  const messagesOf = Effect.fnUntraced(function* (
    from: Defragmenter,
    data: Uint8Array
  ): Effect.fn.Return<ReadonlyArray<Message>, PsrpRefusal> {
    const refuse = (error: { readonly message: string }) => new PsrpRefusal({ reason: error.message })
    const whole = yield* Effect.mapError(Effect.fromResult(from.push(data)), refuse)
    return yield* Effect.forEach(whole, (bytes) =>
      Effect.mapError(Effect.fromResult(decodeMessage(bytes, cipher)), refuse)
    )
  })

  const receive = Effect.fnUntraced(function* (data: Uint8Array): Effect.fn.Return<void, PsrpRefusal> {
    yield* Effect.forEach(yield* messagesOf(input, data), onPoolMessage, { discard: true })
  })

  /** How a pipeline ended, told to its client; nothing is told of one that was terminated. */
  const conclude = (pipeline: Pipeline, exit: Exit.Exit<void, Terminated>): Effect.Effect<void> => {
    const tell = (state: number, error?: ErrorRecord): void => {
      send(pipeline.outbox, pipelineState(state, error), pipeline.id.toLowerCase())
    }
    const failed = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isFailReason) : undefined
    const defect = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) && failed === undefined
    pipeline.ended = true
    if (pipeline.ending === "stop") tell(PipelineState.Stopped, stoppedRecord)
    else if (pipeline.ending === undefined) {
      if (Exit.isSuccess(exit)) tell(PipelineState.Completed)
      else tell(PipelineState.Failed, failed === undefined ? defectRecord : failureRecord(failed.error.failure))
    }
    pipeline.outbox.finish()
    return defect && Exit.isFailure(exit) ? Effect.logError("the PowerShell host died", exit.cause) : Effect.void
  }

  const run = (pipeline: Pipeline, create: CreatePipeline): Effect.Effect<void> => {
    const streams = streamsTo((body) => Effect.sync(() => send(pipeline.outbox, body, pipeline.id.toLowerCase())))
    return Effect.scoped(
      Effect.flatMap(borrow, (runspace) =>
        Effect.forEach(create.statements, (commands) => runspace.invoke(commands, streams), { discard: true })
      )
    ).pipe(
      Effect.onExit((exit) => conclude(pipeline, exit)),
      Effect.exit,
      Effect.asVoid
    )
  }

  const receiveFor = Effect.fnUntraced(function* (
    commandId: string,
    data: Uint8Array
  ): Effect.fn.Return<void, PsrpRefusal> {
    const known = pipelines.get(commandId)
    const pipeline: Pipeline = known ?? {
      id: commandId,
      outbox: Outbox.make(options.delivery),
      input: new Defragmenter(),
      fiber: undefined,
      ending: undefined,
      ended: false
    }
    for (const message of yield* messagesOf(pipeline.input, data)) {
      if (message.type !== MessageType.CreatePipeline || pipeline.fiber !== undefined) continue
      const create = readCreatePipeline(message.data)
      if (Result.isFailure(create)) return yield* new PsrpRefusal({ reason: create.failure.message })
      pipeline.fiber = yield* Effect.forkIn(run(pipeline, create.success), scope, { startImmediately: true })
    }
    pipelines.set(commandId, pipeline)
  })

  const end = (commandId: string, how: "stop" | "terminate"): boolean => {
    const pipeline = pipelines.get(commandId)
    if (pipeline === undefined) return false
    if (how === "terminate") pipelines.delete(commandId)
    if (pipeline.ended) return true
    pipeline.ending = how
    if (pipeline.fiber !== undefined) pipeline.fiber.interruptUnsafe()
    else pipeline.outbox.finish()
    return true
  }

  return {
    outbox,
    pipelineOutbox: (commandId) => pipelines.get(commandId)?.outbox,
    receive,
    receiveFor,
    stop: (commandId) => end(commandId, "stop"),
    terminate: (commandId) => end(commandId, "terminate"),
    abandon: () => {
      outbox.abandon()
      for (const pipeline of pipelines.values()) pipeline.outbox.abandon()
    },
    pipelines: () => ({
      running: [...pipelines.values()].filter(({ ended }) => !ended).length,
      held: pipelines.size
    })
  }
})
