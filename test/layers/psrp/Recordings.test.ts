import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { categoryName, type ErrorRecord, errorRecordFromPs, errorRecordToPs } from "../../../layers/psrp/ErrorRecord.ts"
import { Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { expectsAnswer } from "../../../layers/psrp/HostCall.ts"
import { decodeMessage, emptyGuid, encodeMessage, type Message, MessageType } from "../../../layers/psrp/Message.ts"
import { PipelineCollector, type PipelineResult } from "../../../layers/psrp/PipelineResult.ts"
import {
  readInitRunspacePool,
  readPsVersion,
  readRunspacePoolState,
  readSessionCapability
} from "../../../layers/psrp/RunspacePoolMessage.ts"
import { differences } from "./Described.ts"
import {
  type DescribedValue,
  packetBytes,
  readRecording,
  type Recording,
  recordingNames,
  type Seen,
  type SeenError
} from "./Recording.ts"

/** Messages of one direction, each with the id that its packet named. */
const messagesOf = (recording: Recording, to: "server" | "client"): Array<Message & { readonly psguid: string }> => {
  const streams = new Map<string, Defragmenter>()
  const messages: Array<Message & { readonly psguid: string }> = []
  for (const packet of recording.packets) {
    if (packet.to !== to || packet.data === undefined) continue
    const stream = streams.get(packet.psguid) ?? new Defragmenter()
    streams.set(packet.psguid, stream)
    for (const bytes of Result.getOrThrow(stream.push(packetBytes(packet.data))))
      messages.push({ ...Result.getOrThrow(decodeMessage(bytes)), psguid: packet.psguid })
  }
  for (const stream of streams.values()) assert.isTrue(stream.idle)
  return messages
}

const itemsDescribed = (list: DescribedValue | undefined): ReadonlyArray<DescribedValue> =>
  (list?.["items"] ?? []) as ReadonlyArray<DescribedValue>

/** An argument as it was on the client: an array there arrives as a list. */
const onArrival = (expected: DescribedValue): DescribedValue =>
  // A description is JSON.
  JSON.parse(
    JSON.stringify(expected).replaceAll('"System.Object[]"', '"System.Collections.ArrayList"')
  ) as DescribedValue

const compareError = (expected: SeenError, actual: ErrorRecord): void => {
  const { target, ...parts } = expected
  assert.deepStrictEqual(
    {
      fullyQualifiedErrorId: actual.fullyQualifiedErrorId,
      message: actual.message,
      details: actual.details ?? null,
      recommendedAction: actual.recommendedAction ?? null,
      category: categoryName(actual.category),
      activity: actual.activity,
      reason: actual.reason,
      targetName: actual.targetName,
      targetType: actual.targetType,
      exceptionTypes: actual.exceptionTypes.map((type) => `Deserialized.${type}`),
      stack: actual.scriptStackTrace ?? null
    },
    parts
  )
  assert.deepStrictEqual(differences(target, actual.targetObject), [])
}

const compareErrors = (expected: ReadonlyArray<SeenError>, actual: ReadonlyArray<ErrorRecord>): void => {
  assert.strictEqual(actual.length, expected.length)
  for (const [index, error] of actual.entries()) {
    const seen = expected[index]
    if (seen !== undefined) compareError(seen, error)
  }
}

const compare = (seen: Seen, result: PipelineResult): void => {
  assert.strictEqual(result.state, seen.state)
  assert.strictEqual(result.errors.length > 0, seen.hadErrors)
  assert.strictEqual(result.output.length, seen.output.length)
  seen.output.forEach((expected, index) => {
    assert.deepStrictEqual(differences(expected, result.output[index] ?? null, `$[${index}]`), [])
  })
  compareErrors(seen.errors ?? [], result.errors)
  if (seen.terminatingError !== undefined) {
    assert.isDefined(result.terminatingError)
    if (result.terminatingError !== undefined) compareError(seen.terminatingError, result.terminatingError)
  } else assert.isUndefined(result.terminatingError)
  assert.deepStrictEqual(result.warnings, seen.warnings ?? [])
  assert.deepStrictEqual(result.verbose, seen.verbose ?? [])
  assert.deepStrictEqual(result.debug, seen.debug ?? [])
  assert.deepStrictEqual(
    result.information.map(({ source, tags }) => ({ source, tags })),
    (seen.information ?? []).map(({ source, tags }) => ({ source, tags }))
  )
  seen.information?.forEach((expected, index) => {
    assert.deepStrictEqual(differences(expected.message, result.information[index]?.messageData ?? null), [])
  })
  assert.deepStrictEqual(
    result.progress.map((record) => ({
      activity: record.activity,
      id: record.activityId,
      parent: record.parentActivityId,
      status: record.statusDescription,
      operation: record.currentOperation ?? null,
      percent: record.percentComplete,
      seconds: record.secondsRemaining,
      type: record.completed ? "Completed" : "Processing"
    })),
    [...(seen.progress ?? [])]
  )
}

/** What a client that runs this pipeline makes of the server's messages. */
const collect = (messages: ReadonlyArray<Message & { readonly psguid: string }>, pipeline: string): PipelineResult => {
  const collector = new PipelineCollector()
  for (const message of messages) {
    if (message.psguid !== pipeline) continue
    assert.strictEqual(message.pipelineId, pipeline)
    const event = Result.getOrThrow(collector.accept(message))
    assert.notStrictEqual(event._tag, "Unknown")
    if (event._tag === "HostCall") assert.isFalse(expectsAnswer(event.call))
    if (event._tag === "Finished") return event.result
  }
  throw new Error(`pipeline ${pipeline} did not end`)
}

describe.each(recordingNames)("recording %s", (name) => {
  const recording = readRecording(name)
  const fromServer = messagesOf(recording, "client")
  const fromClient = messagesOf(recording, "server")

  it("opens the pool as PowerShell's client saw it", () => {
    const [capability, privateData, state] = fromServer
    assert.strictEqual(capability?.type, MessageType.SessionCapability)
    assert.strictEqual(capability?.runspacePoolId, emptyGuid)
    const { protocolVersion } = Result.getOrThrow(readSessionCapability(capability?.data ?? null))
    assert.strictEqual(protocolVersion, name === "protocol-2.4" ? "2.4" : "2.3")
    assert.strictEqual(readPsVersion(privateData?.data ?? null), "7.6.5")
    assert.deepStrictEqual(Result.getOrThrow(readRunspacePoolState(state?.data ?? null)), { state: 2 })
    assert.isTrue(fromServer.every(({ destination }) => destination === "client"))
  })

  it("decodes every pipeline to what PowerShell's client saw", () => {
    for (const { seen } of recording.calls) compare(seen, collect(fromServer, seen.pipeline))
  })

  it("reads every packet of PowerShell's client as a server", () => {
    assert.isTrue(fromClient.every(({ destination }) => destination === "server"))
    const [capability, init] = fromClient
    Result.getOrThrow(readSessionCapability(capability?.data ?? null))
    assert.deepStrictEqual(Result.getOrThrow(readInitRunspacePool(init?.data ?? null)), {
      minRunspaces: 1,
      maxRunspaces: 1
    })
    for (const { commands, seen } of recording.calls) {
      const create = fromClient.find(
        ({ type, psguid }) => type === MessageType.CreatePipeline && psguid === seen.pipeline
      )
      const pipeline = Result.getOrThrow(readCreatePipeline(create?.data ?? null))
      const sent = pipeline.statements.flat()
      assert.deepStrictEqual(
        sent.map(({ name, isScript }) => ({ name, isScript })),
        commands.map(({ script, name }) => ({ name: script ?? name ?? "", isScript: script !== undefined }))
      )
      commands.forEach((command, index) => {
        const parameters = sent[index]?.parameters ?? []
        const named = parameters.filter(({ name }) => name !== undefined)
        const described = command.parameters?.["items"] as
          | ReadonlyArray<{ entries: ReadonlyArray<[{ value: string }, DescribedValue]> }>
          | undefined
        const expected = described?.flatMap(({ entries }) => entries) ?? []
        for (const [key, value] of expected) {
          const parameter = named.find(({ name }) => name === key.value)
          assert.isDefined(parameter, key.value)
          if (parameter !== undefined) assert.deepStrictEqual(differences(onArrival(value), parameter.value), [])
        }
        const positional = itemsDescribed(command.arguments)
        assert.deepStrictEqual(
          positional.flatMap((value, at) =>
            differences(value, parameters.filter(({ name }) => name === undefined)[at]?.value ?? null)
          ),
          []
        )
      })
    }
  })

  it("keeps every message through our encoder", () => {
    for (const { psguid: _, ...message } of [...fromServer, ...fromClient])
      assert.deepStrictEqual(Result.getOrThrow(decodeMessage(encodeMessage(message))), message)
  })

  it("writes error records that read back the same", () => {
    for (const { seen } of recording.calls) {
      const { errors, terminatingError } = collect(fromServer, seen.pipeline)
      for (const error of [...errors, ...(terminatingError === undefined ? [] : [terminatingError])])
        assert.deepStrictEqual(errorRecordFromPs(errorRecordToPs(error)), error)
    }
  })
})
