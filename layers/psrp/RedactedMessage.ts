/** PSRP messages as a wire recording shows them: what our own commands say whole but for secrets, what others say without its texts. */
import * as Result from "effect/Result"
import { type CreatePipeline, createPipeline, type PipelineCommand, readCreatePipeline } from "./CreatePipeline.ts"
import { decodeMessage, emptyGuid, encodeMessage, type Message, MessageType, messageTypeName } from "./Message.ts"
import { isObject, property } from "./PsObject.ts"
import type { PsValue } from "./PsValue.ts"
import { describe, muted, type Scrub, shown, shownAs } from "./RedactedValue.ts"

/** What is no secret; everything else is taken for one. */
export interface Policy {
  /** Takes known secrets out of a text. */
  readonly scrub: Scrub
  /** A function whose parameters are no secrets but where their type or name says so, or a script that everybody knows. */
  readonly isOurs: (command: string, isScript: boolean) => boolean
  /** An error id that holds no more than it says. */
  readonly isOurErrorId: (fullyQualifiedErrorId: string) => boolean
}

export interface RedactedMessage {
  /** Header and body, to be cut into fragments; undefined where nothing may be shown. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined
  /** For a person: the message's type and what it is about. */
  readonly title: string
}

/** Messages about the pool itself, which no pipeline has a part in. */
const ofThePool: ReadonlySet<number> = new Set<number>([
  MessageType.SessionCapability,
  MessageType.InitRunspacePool,
  MessageType.PublicKeyRequest,
  MessageType.ConnectRunspacePool,
  MessageType.SetMaxRunspaces,
  MessageType.SetMinRunspaces,
  MessageType.RunspaceAvailability,
  MessageType.RunspacePoolState,
  MessageType.GetAvailableRunspaces,
  MessageType.ApplicationPrivateData,
  MessageType.RunspacePoolInitData,
  MessageType.ResetRunspaceState
])

/** A pipeline's records, which our own commands' may show. */
const records: ReadonlySet<number> = new Set<number>([
  MessageType.PipelineOutput,
  MessageType.ErrorRecord,
  MessageType.PipelineState,
  MessageType.DebugRecord,
  MessageType.VerboseRecord,
  MessageType.WarningRecord,
  MessageType.ProgressRecord,
  MessageType.InformationRecord,
  MessageType.PipelineHostCall
])

const redactedCommand = ({ name, isScript, parameters }: PipelineCommand, policy: Policy): PipelineCommand => {
  const ours = policy.isOurs(name, isScript)
  return {
    name: isScript ? `[${ours ? "our script" : "script"} of ${name.length} characters]` : policy.scrub(name),
    isScript,
    parameters: parameters.map((parameter) => ({
      ...parameter,
      value: ours ? shownAs(parameter.name, parameter.value, policy.scrub) : describe(parameter.value)
    }))
  }
}

const commandsOf = (pipeline: CreatePipeline): ReadonlyArray<PipelineCommand> => pipeline.statements.flat()

const withProperty = (record: PsValue, name: string, value: PsValue): PsValue =>
  isObject(record) ? { ...record, extended: new Map([...record.extended, [name, value]]) } : record

/** An error record of somebody else's may still have one of our ids: what the client does depends on it. */
const mutedError = (record: PsValue, policy: Policy): PsValue => {
  const id = property(record, "FullyQualifiedErrorId")
  const silent = muted(record, policy.scrub)
  return typeof id === "string" && policy.isOurErrorId(id) ? withProperty(silent, "FullyQualifiedErrorId", id) : silent
}

const mutedRecord = ({ type, data }: Message, policy: Policy): PsValue => {
  if (type === MessageType.ErrorRecord) return mutedError(data, policy)
  const error = property(data, "ExceptionAsErrorRecord")
  const silent = muted(data, policy.scrub)
  return type === MessageType.PipelineState && isObject(error)
    ? withProperty(silent, "ExceptionAsErrorRecord", mutedError(error, policy))
    : silent
}

/** The messages of one client: which of its pipelines are ours is learned from what it sends. Mutable. */
export class MessageRedaction {
  private readonly ours = new Set<string>()
  private readonly policy: Policy

  constructor(policy: Policy) {
    this.policy = policy
  }

  redact(bytes: Uint8Array): RedactedMessage {
    const decoded = decodeMessage(bytes)
    if (Result.isFailure(decoded)) return { bytes: undefined, title: "" }
    const message = decoded.success
    const name = messageTypeName(message.type)
    // Types that are not known are not decoded.
    if (name.startsWith("0x")) return { bytes: undefined, title: name }
    try {
      const { data, title } = this.body(message)
      return { bytes: encodeMessage({ ...message, data }), title: `${name}${title}` }
    } catch (error) {
      // Nested deeper than we write.
      if (error instanceof RangeError) return { bytes: undefined, title: name }
      throw error
    }
  }

  private body(message: Message): { readonly data: PsValue; readonly title: string } {
    const { type, data, pipelineId } = message
    const untitled = (value: PsValue) => ({ data: value, title: "" })
    if (type === MessageType.CreatePipeline) return this.create(message)
    if (ofThePool.has(type)) return untitled(shown(data, this.policy.scrub))
    const known = pipelineId !== emptyGuid && this.ours.has(pipelineId)
    if (records.has(type) && known) return untitled(shown(data, this.policy.scrub))
    // Each is one value, and no part of it is anybody's business.
    if (type === MessageType.PipelineInput || type === MessageType.PipelineOutput) return untitled(describe(data))
    return untitled(mutedRecord(message, this.policy))
  }

  private create({ data, pipelineId }: Message): { readonly data: PsValue; readonly title: string } {
    const read = readCreatePipeline(data)
    if (Result.isFailure(read)) return { data: muted(data, this.policy.scrub), title: "" }
    const commands = commandsOf(read.success)
    if (commands.every(({ name, isScript }) => this.policy.isOurs(name, isScript))) this.ours.add(pipelineId)
    const pipeline: CreatePipeline = {
      ...read.success,
      statements: read.success.statements.map((statement) =>
        statement.map((command) => redactedCommand(command, this.policy))
      )
    }
    return {
      data: createPipeline(pipeline).data,
      title: ` ${commandsOf(pipeline)
        .map(({ name }) => name)
        .join(" | ")}`
    }
  }
}
