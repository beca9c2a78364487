/**
 * The pipelines of a runspace pool, server's side (MS-PSRP §3.2.5): each Command's CREATE_PIPELINE runs on a free runspace and
 * ends in PIPELINE_STATE and Done.
 *
 * Guarantees: a pipeline belongs to the shell's scope, never to the request that started it.
 * Errors: what is malformed is refused with a reason; a defect of the host ends its pipeline as Failed and is logged.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type CreatePipeline, readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import type { ErrorRecord } from "../../../layers/psrp/ErrorRecord.ts"
import { Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { type Message, MessageType } from "../../../layers/psrp/Message.ts"
import { PipelineState, pipelineState } from "../../../layers/psrp/PipelineMessage.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import * as Outbox from "./Outbox.ts"
import { type CommandInfo, PluginRefusal } from "./Plugin.ts"
import type { Terminated } from "./PowerShellHost.ts"
import { defectRecord, failureRecord, stoppedRecord, streamsTo } from "./PsrpRecords.ts"
import type { PsrpWire } from "./PsrpWire.ts"
import type { Runspaces } from "./Runspaces.ts"

/** A CREATE_PIPELINE on its way, running or ended, until it is terminated. */
interface Pipeline {
  readonly id: string
  readonly outbox: Outbox.Outbox
  fragments: Defragmenter
  readonly input: Queue.Queue<PsValue, Cause.Done>
  fiber: Fiber.Fiber<void> | undefined
  /** Whether its end was asked for, and how. */
  ending: "stop" | "terminate" | undefined
  ended: boolean
}

export interface PsrpPipelines {
  readonly outboxOf: (commandId: string) => Outbox.Outbox | undefined
  /** The arguments of a Command, and what Sends add to them. */
  readonly receive: (commandId: string, data: Uint8Array) => Effect.Effect<void, PluginRefusal>
  /** "stop": it ends as Stopped. "terminate": it ends without a state, and is forgotten. False for an unknown one. */
  readonly end: (commandId: string, how: "stop" | "terminate") => boolean
  /** Their input comes from another client, which numbers its objects from 1 again. */
  readonly renumber: () => void
  readonly abandon: () => void
  readonly list: () => ReadonlyArray<CommandInfo>
}

export interface Options {
  readonly userName: string
  readonly wire: PsrpWire
  readonly runspaces: Runspaces
  readonly delivery: Outbox.Delivery
  readonly scope: Scope.Scope
}

export const make = ({ userName, wire, runspaces, delivery, scope }: Options): PsrpPipelines => {
  const pipelines = new Map<string, Pipeline>()

  /** How a pipeline ended, told to its client; nothing is told of one that was terminated. */
  const conclude = (pipeline: Pipeline, exit: Exit.Exit<void, Terminated>): Effect.Effect<void> => {
    const tell = (state: number, error?: ErrorRecord): void =>
      wire.toPipeline(pipeline.outbox, pipelineState(state, error), pipeline.id.toLowerCase())
    const failed = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isFailReason) : undefined
    let defect = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) && !failed ? exit.cause : undefined
    pipeline.ended = true
    if (pipeline.ending === "stop") tell(PipelineState.Stopped, stoppedRecord)
    else if (pipeline.ending === undefined) {
      try {
        if (Exit.isSuccess(exit)) tell(PipelineState.Completed)
        else tell(PipelineState.Failed, failed === undefined ? defectRecord : failureRecord(failed.error.failure))
      } catch (error) {
        // A host's record may hold what CLIXML cannot: a key that was not exchanged, an object too deep.
        defect = Cause.die(error)
        tell(PipelineState.Failed, defectRecord)
      }
    }
    pipeline.outbox.finish(0)
    return defect === undefined ? Effect.void : Effect.logError("the PowerShell host died", defect)
  }

  const run = (pipeline: Pipeline, create: CreatePipeline): Effect.Effect<void> => {
    const id = pipeline.id.toLowerCase()
    const streams = streamsTo(
      (body) => Effect.sync(() => wire.toPipeline(pipeline.outbox, body, id)),
      create.noInput ? Stream.empty : Stream.fromQueue(pipeline.input),
      userName
    )
    return Effect.scoped(
      Effect.flatMap(runspaces.borrow, (runspace) =>
        Effect.forEach(create.statements, (commands) => runspace.invoke(commands, streams), { discard: true })
      )
    ).pipe(
      Effect.onExit((exit) => conclude(pipeline, exit)),
      Effect.exit,
      Effect.asVoid
    )
  }

  const onMessage = Effect.fnUntraced(function* (
    pipeline: Pipeline,
    message: Message
  ): Effect.fn.Return<void, PluginRefusal> {
    switch (message.type) {
      case MessageType.CreatePipeline: {
        if (pipeline.fiber !== undefined) return
        const create = readCreatePipeline(message.data)
        if (Result.isFailure(create)) return yield* new PluginRefusal({ reason: create.failure.message })
        pipeline.fiber = yield* Effect.forkIn(run(pipeline, create.success), scope, { startImmediately: true })
        return
      }
      case MessageType.PipelineInput:
        Queue.offerUnsafe(pipeline.input, message.data)
        return
      case MessageType.EndOfPipelineInput:
        Queue.endUnsafe(pipeline.input)
        return
      default:
        return
    }
  })

  const receive = Effect.fnUntraced(function* (
    commandId: string,
    data: Uint8Array
  ): Effect.fn.Return<void, PluginRefusal> {
    const pipeline: Pipeline = pipelines.get(commandId) ?? {
      id: commandId,
      outbox: Outbox.make(delivery),
      fragments: new Defragmenter(),
      input: yield* Queue.unbounded<PsValue, Cause.Done>(),
      fiber: undefined,
      ending: undefined,
      ended: false
    }
    const messages = yield* wire.read(pipeline.fragments, data)
    yield* Effect.forEach(messages, (message) => onMessage(pipeline, message), { discard: true })
    pipelines.set(commandId, pipeline)
  })

  const end = (commandId: string, how: "stop" | "terminate"): boolean => {
    const pipeline = pipelines.get(commandId)
    if (pipeline === undefined) return false
    if (how === "terminate") pipelines.delete(commandId)
    if (pipeline.ended) return true
    pipeline.ending = how
    if (pipeline.fiber !== undefined) pipeline.fiber.interruptUnsafe()
    else pipeline.outbox.finish(0)
    return true
  }

  return {
    outboxOf: (commandId) => pipelines.get(commandId)?.outbox,
    receive,
    end,
    renumber: () => {
      for (const pipeline of pipelines.values()) pipeline.fragments = new Defragmenter()
    },
    abandon: () => {
      for (const pipeline of pipelines.values()) pipeline.outbox.abandon()
    },
    list: () => [...pipelines.values()].map(({ id, ended }) => ({ commandId: id, commandLine: "", running: !ended }))
  }
}
