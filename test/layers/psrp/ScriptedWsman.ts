/** A Wsman that answers from a script and writes down what it was asked. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type CreatePipeline, readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { Defragmenter, splitMessage } from "../../../layers/psrp/Fragment.ts"
import {
  decodeMessage,
  emptyGuid,
  encodeMessage,
  type Message,
  type MessageBody,
  MessageType
} from "../../../layers/psrp/Message.ts"
import { pipelineOutput, PipelineState, pipelineState } from "../../../layers/psrp/PipelineMessage.ts"
import * as RunspacePool from "../../../layers/psrp/RunspacePool.ts"
import type { Wsman } from "../../../layers/wsman/Wsman.ts"
import type { Received } from "../../../layers/wsman/WsmanReceive.ts"
import { Unavailable, type WsmanError } from "../../../layers/wsman/WsmanError.ts"
import { packetBytes, readRecording, type Recording } from "./Recording.ts"

/** One Receive: an answer, silence for ever, or a failure. */
export type Step = Received | "silence" | WsmanError

export const isReceived = (step: Step): step is Received => typeof step === "object" && "streams" in step

/** Packets that the server sent for the pool or a pipeline, one Receive each; the last one says Done. */
export const recordedSteps = (recording: Recording, psguid: string): Array<Step> => {
  const packets = recording.packets.filter((packet) => packet.to === "client" && packet.psguid === psguid)
  const data = packets.flatMap((packet) => (packet.data === undefined ? [] : [packetBytes(packet.data)]))
  return data.map((bytes, index) => ({
    streams: [{ name: "stdout", ...(psguid === emptyGuid ? {} : { commandId: "" }), data: bytes }],
    ...(psguid !== emptyGuid && index === data.length - 1 ? { state: "Done" as const } : {})
  }))
}

/** An error that says nothing. */
export const anyRecord = {
  message: "",
  fullyQualifiedErrorId: "id",
  exceptionTypes: ["System.Exception", "System.Object"],
  category: 0,
  activity: "",
  reason: "",
  targetName: "",
  targetType: "",
  targetObject: null
}

let objectId = 1000n
/** A Receive with these messages of the server. */
export const messageStep = (pipelineId: string, ...bodies: ReadonlyArray<MessageBody>): Received => ({
  streams: bodies.map((body) => ({
    name: "stdout",
    data: (splitMessage(
      ++objectId,
      encodeMessage({ destination: "client", runspacePoolId: emptyGuid, pipelineId, ...body }),
      1_000_000
    )[0] ?? new Uint8Array(0)) as Uint8Array
  }))
})

export interface Script {
  readonly opening: ReadonlyArray<Step>
  /** Answers to each pipeline's Receives, in the order of the Commands. */
  readonly pipelines: ReadonlyArray<ReadonlyArray<Step>>
  readonly maxFragmentBytes?: number
  readonly overrides?: Partial<Pick<Wsman, "create" | "command" | "signal" | "delete" | "send" | "probe" | "reconnect">>
}

export class ScriptedWsman implements Wsman {
  /** What was asked, in order. */
  readonly log: Array<string> = []
  /** Messages that the client completed, pool and pipelines. */
  readonly messages: Array<Message> = []
  readonly maxFragmentBytes: number
  readonly exchanges = Effect.sync(() => this.log.length)
  readonly shells = Effect.succeed([])
  readonly enlarge = Effect.void
  private readonly stdin = new Defragmenter()
  private readonly pr = new Defragmenter()
  private readonly opening: Array<Step>
  private readonly remaining: Array<Array<Step>>
  private readonly running = new Map<string, Array<Step>>()
  private readonly overrides: NonNullable<Script["overrides"]>

  constructor(script: Script) {
    this.opening = [...script.opening]
    this.remaining = script.pipelines.map((steps) => [...steps])
    this.maxFragmentBytes = script.maxFragmentBytes ?? 100_000
    this.overrides = script.overrides ?? {}
  }

  /** The pipelines that the client asked for, as a server reads them. */
  get created(): Array<CreatePipeline> {
    return this.messages
      .filter(({ type }) => type === MessageType.CreatePipeline)
      .map(({ data }) => Result.getOrThrow(readCreatePipeline(data)))
  }

  private take(stream: Defragmenter, data: Uint8Array): void {
    for (const bytes of Result.getOrThrow(stream.push(data)))
      this.messages.push(Result.getOrThrow(decodeMessage(bytes)))
  }

  create(options: Parameters<Wsman["create"]>[0]): ReturnType<Wsman["create"]> {
    return Effect.suspend(() => {
      this.log.push("create")
      this.take(this.stdin, options.creationXml)
      return this.overrides.create?.(options) ?? Effect.succeed({ shellId: options.shellId })
    })
  }

  command(shellId: string, commandId: string, fragments: Uint8Array): ReturnType<Wsman["command"]> {
    return Effect.suspend(() => {
      this.log.push("command")
      this.take(this.stdin, fragments)
      const answer = this.overrides.command?.(shellId, commandId, fragments) ?? Effect.succeed({ commandId })
      return Effect.tap(answer, (accepted) =>
        Effect.sync(() => this.running.set(accepted.commandId, this.remaining.shift() ?? []))
      )
    })
  }

  send(shellId: string, stream: "stdin" | "pr", data: Uint8Array, commandId?: string): ReturnType<Wsman["send"]> {
    return Effect.suspend(() => {
      this.log.push(`send ${stream}`)
      this.take(stream === "pr" ? this.pr : this.stdin, data)
      return this.overrides.send?.(shellId, stream, data, commandId) ?? Effect.void
    })
  }

  receive(_shellId: string, commandId?: string): ReturnType<Wsman["receive"]> {
    return Effect.suspend((): ReturnType<Wsman["receive"]> => {
      this.log.push(commandId === undefined ? "receive pool" : "receive")
      const steps = commandId === undefined ? this.opening : (this.running.get(commandId) ?? [])
      const step = steps.shift() ?? "silence"
      if (step === "silence") return Effect.never
      if (!isReceived(step)) return Effect.fail(step)
      return Effect.succeed({
        ...step,
        streams: step.streams.map((stream) =>
          stream.commandId === undefined || commandId === undefined ? stream : { ...stream, commandId }
        )
      })
    })
  }

  signal(shellId: string, commandId: string, code: string): ReturnType<Wsman["signal"]> {
    return Effect.suspend(() => {
      this.log.push(`signal ${code.slice(code.lastIndexOf("/") + 1)}`)
      return this.overrides.signal?.(shellId, commandId, code) ?? Effect.void
    })
  }

  get(shellId: string): ReturnType<Wsman["get"]> {
    return Effect.suspend(() => {
      this.log.push("get")
      return Effect.succeed({ shellId, inputStreams: [], outputStreams: [] })
    })
  }

  probe(shellId: string): ReturnType<Wsman["probe"]> {
    return Effect.suspend(() => {
      this.log.push("probe")
      const shell = { shellId, inputStreams: [], outputStreams: [], state: "Connected" } as const
      return this.overrides.probe?.(shellId) ?? Effect.succeed(shell)
    })
  }

  reconnect(shellId: string): ReturnType<Wsman["reconnect"]> {
    return Effect.suspend(() => {
      this.log.push("reconnect")
      return this.overrides.reconnect?.(shellId) ?? Effect.void
    })
  }

  disconnect(): ReturnType<Wsman["disconnect"]> {
    return Effect.sync(() => void this.log.push("disconnect"))
  }

  delete(shellId: string): ReturnType<Wsman["delete"]> {
    return Effect.suspend(() => {
      this.log.push("delete")
      return this.overrides.delete?.(shellId) ?? Effect.void
    })
  }
}

/** What PowerShell answered when its pool opened. */
export const opening = recordedSteps(readRecording("open-close"), emptyGuid).slice(0, 3)
/** A pipeline that answers "ok" in one piece. */
export const done: ReadonlyArray<Step> = [
  messageStep(emptyGuid, pipelineOutput("ok"), pipelineState(PipelineState.Completed))
]
export const call: RunspacePool.Invocation = { name: "Get-Thing", parameters: { Name: "vm", Count: 3 } }
export const failure = new Unavailable({ kind: "reset", detail: "connection reset", sent: true })

export const scripted = (script: Partial<Script>) => new ScriptedWsman({ opening, pipelines: [], ...script })
export const openPool = (wsman: ScriptedWsman) => RunspacePool.open(wsman, { idleTimeoutSeconds: 300, name: "test" })
