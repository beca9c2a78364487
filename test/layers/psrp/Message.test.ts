import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createPipeline, readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { type ErrorRecord, errorRecordFromPs, errorRecordToPs } from "../../../layers/psrp/ErrorRecord.ts"
import {
  expectsAnswer,
  hostCall,
  readHostCall,
  readHostResponse,
  refuseHostCall
} from "../../../layers/psrp/HostCall.ts"
import {
  informationRecord,
  progressRecord,
  readInformation,
  readInformational,
  readProgress,
  warningRecord
} from "../../../layers/psrp/InformationalRecord.ts"
import {
  decodeMessage,
  emptyGuid,
  encodeMessage,
  guidFromBytes,
  guidToBytes,
  MessageType
} from "../../../layers/psrp/Message.ts"
import { pipelineState, PipelineState, readPipelineState } from "../../../layers/psrp/PipelineMessage.ts"
import { array, bag } from "../../../layers/psrp/PsObject.ts"
import {
  applicationPrivateData,
  initRunspacePool,
  ourCapability,
  readInitRunspacePool,
  readPsVersion,
  readRunspacePoolState,
  readSessionCapability,
  runspacePoolState,
  sessionCapability
} from "../../../layers/psrp/RunspacePoolMessage.ts"
import { Entropy, psValueFrom } from "./AnyPsValue.ts"

const pool = "11223344-5566-7788-99aa-bbccddeeff00"
const runs = { arbitrary: { runs: 300 } }
const reason = (bytes: Uint8Array): string => {
  const result = decodeMessage(bytes)
  return Result.isFailure(result) ? result.failure.reason : "decoded"
}

describe("messages", () => {
  it("has the header of MS-PSRP §2.2.1", () => {
    const bytes = encodeMessage({
      destination: "server",
      type: MessageType.PipelineInput,
      runspacePoolId: pool,
      pipelineId: emptyGuid,
      data: "é"
    })
    assert.strictEqual(
      Buffer.from(bytes).toString("hex"),
      "02000000" +
        "02100400" +
        "443322116655887799aabbccddeeff00" +
        "0".repeat(32) +
        Buffer.from("<S>é</S>").toString("hex")
    )
  })

  it.prop(
    "round-trip with any body",
    { entropy: Entropy, id: Schema.String.check(Schema.isUUID()) },
    ({ entropy, id }) => {
      const message = {
        destination: "client" as const,
        type: MessageType.PipelineOutput,
        runspacePoolId: pool,
        pipelineId: id.toLowerCase(),
        data: psValueFrom(entropy)
      }
      assert.deepStrictEqual(Result.getOrThrow(decodeMessage(encodeMessage(message))), message)
      assert.strictEqual(guidFromBytes(guidToBytes(id)), id.toLowerCase())
    },
    runs
  )

  it("tolerates unknown types without reading them, and refuses what is no message", () => {
    const message = {
      destination: "client" as const,
      type: 0x00041fff,
      runspacePoolId: pool,
      pipelineId: pool,
      data: "x"
    }
    assert.deepStrictEqual(Result.getOrThrow(decodeMessage(encodeMessage(message))), { ...message, data: null })
    const whole = encodeMessage({ ...message, type: MessageType.PipelineOutput })
    assert.match(reason(whole.subarray(0, 39)), /less than a header/)
    assert.match(reason(whole.map((byte, index) => (index === 0 ? 9 : byte))), /destination 9/)
    assert.match(reason(whole.map((byte, index) => (index === 43 ? 0xff : byte))), /not UTF-8/)
    assert.match(reason(whole.subarray(0, 44)), /PipelineOutput: CLIXML: unclosed/)
  })

  const AnyError = Schema.Struct({
    message: Schema.String,
    details: Schema.optionalKey(Schema.String),
    recommendedAction: Schema.optionalKey(Schema.String),
    fullyQualifiedErrorId: Schema.String,
    exceptionTypes: Schema.Array(Schema.Literals(["System.Exception", "System.Object", "VMMException"])),
    category: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31 })),
    activity: Schema.String,
    reason: Schema.String,
    targetName: Schema.String,
    targetType: Schema.String,
    targetObject: Schema.NullOr(Schema.String),
    scriptStackTrace: Schema.optionalKey(Schema.String)
  })
  it.prop(
    "error records round-trip, alone and in states",
    { error: AnyError },
    ({ error }) => {
      const record: ErrorRecord = error
      assert.deepStrictEqual(errorRecordFromPs(errorRecordToPs(record)), record)
      assert.deepStrictEqual(Result.getOrThrow(readPipelineState(pipelineState(PipelineState.Failed, record).data)), {
        state: 5,
        error: record
      })
      assert.deepStrictEqual(Result.getOrThrow(readRunspacePoolState(runspacePoolState(5, record).data)), {
        state: 5,
        error: record
      })
    },
    runs
  )

  it("reads error records of which parts are missing", () => {
    assert.strictEqual(errorRecordFromPs("only text").message, "only text")
    assert.deepStrictEqual(errorRecordFromPs(null).exceptionTypes, [])
    const plain = bag({
      Exception: { ...bag({}), typeNames: ["Deserialized.System.Exception"], text: "System.Exception: e" }
    })
    assert.deepStrictEqual(errorRecordFromPs(plain).exceptionTypes, ["System.Exception"])
    assert.strictEqual(errorRecordFromPs(plain).message, "System.Exception: e")
  })

  it("opening messages", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(readSessionCapability(sessionCapability(ourCapability).data)),
      ourCapability
    )
    assert.deepStrictEqual(
      Result.getOrThrow(readInitRunspacePool(initRunspacePool({ minRunspaces: 1, maxRunspaces: 2 }).data)),
      { minRunspaces: 1, maxRunspaces: 2 }
    )
    const version = { _tag: "Scalar", type: "Version", text: "5.1.20348.2849" } as const
    assert.strictEqual(readPsVersion(applicationPrivateData({ PSVersion: version }).data), version.text)
    assert.isUndefined(readPsVersion(null))
    for (const read of [
      readSessionCapability,
      readInitRunspacePool,
      readRunspacePoolState,
      readPipelineState,
      readCreatePipeline,
      readHostCall,
      readHostResponse
    ])
      assert.isTrue(Result.isFailure<unknown, unknown>(read(bag({}))))
  })

  it("pipelines of several statements, named and positional parameters", () => {
    const one = { name: "Get-VM", isScript: false, parameters: [{ name: "Name", value: "a" }, { value: array([1]) }] }
    const two = { name: "$_ | Out-String", isScript: true, parameters: [] }
    for (const statements of [[[one]], [[one, two]], [[one], [two, one]]])
      assert.deepStrictEqual(
        Result.getOrThrow(readCreatePipeline(createPipeline({ statements, noInput: false }).data)),
        { statements, noInput: false }
      )
  })

  it("records", () => {
    assert.strictEqual(readInformational(warningRecord("careful").data), "careful")
    const information = { messageData: "m", source: "s", tags: ["a", "b"] }
    const origin = { timeGenerated: "2026-01-01T00:00:00Z", user: "LAB\\capi", computer: "EXEC1" }
    assert.deepStrictEqual(readInformation(informationRecord(information, origin).data), information)
    const progress = {
      activity: "a",
      activityId: 3,
      parentActivityId: -1,
      statusDescription: "s",
      currentOperation: "o",
      percentComplete: 7,
      secondsRemaining: 9,
      completed: true
    }
    assert.deepStrictEqual(readProgress(progressRecord(progress).data), progress)
  })

  it("host calls", () => {
    const call = { callId: 4n, method: 11, methodName: "ReadLine", parameters: ["?"] }
    assert.deepStrictEqual(Result.getOrThrow(readHostCall(hostCall(call).data)), call)
    assert.isTrue(expectsAnswer(call))
    assert.isFalse(expectsAnswer({ ...call, callId: -100n }))
    const refusal = Result.getOrThrow(readHostResponse(refuseHostCall(call, MessageType.PipelineHostResponse).data))
    assert.strictEqual(refusal.callId, 4n)
    assert.strictEqual(errorRecordFromPs(refusal.error ?? null).fullyQualifiedErrorId, "HostNotInteractive")
  })
})
