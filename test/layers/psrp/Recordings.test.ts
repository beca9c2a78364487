/** PowerShell's own server, recorded: what our client reports of each call is what PowerShell's own client reported. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { readdirSync } from "node:fs"
import { errorRecordFromPs, errorRecordToPs } from "../../../layers/psrp/ErrorRecord.ts"
import { decodeMessage, emptyGuid, encodeMessage, MessageType } from "../../../layers/psrp/Message.ts"
import {
  readPsVersion,
  readRunspacePoolState,
  readSessionCapability
} from "../../../layers/psrp/RunspacePoolMessage.ts"
import { messagesOf, replay } from "./Replay.ts"
import { readRecording, recordingFolder, recordingNames } from "./Recording.ts"
import { compareSeen } from "./SeenResult.ts"
import { openPool, recordedSteps, scripted } from "./ScriptedWsman.ts"

it("no recording is left out", () => {
  const kept = readdirSync(recordingFolder).map((file) => file.replace(/\.json(\.gz)?$/u, ""))
  assert.sameMembers(kept, [...recordingNames])
})

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

  it.effect("our client reports of each call what PowerShell's client saw", () =>
    Effect.gen(function* () {
      const { wsman, results } = yield* replay(recording)
      const compared = results.flatMap(({ pipeline, result }) => {
        if (pipeline.call === undefined) assert.strictEqual(result.state, "Completed")
        else compareSeen(pipeline.call.seen, result)
        return pipeline.call === undefined ? [] : [pipeline.call]
      })
      assert.deepStrictEqual(compared, [...recording.calls])
      assert.strictEqual(wsman.log.filter((line) => line === "signal Terminate").length, results.length)
      assert.strictEqual(wsman.log.at(-1), "delete")
    })
  )

  it("keeps every message through our encoder", () => {
    for (const { psguid: _, ...message } of [...fromServer, ...fromClient])
      assert.deepStrictEqual(Result.getOrThrow(decodeMessage(encodeMessage(message))), message)
  })

  it.effect("writes error records that read back the same", () =>
    Effect.gen(function* () {
      for (const { result } of (yield* replay(recording)).results)
        for (const error of [
          ...result.errors,
          ...(result.terminatingError === undefined ? [] : [result.terminatingError])
        ])
          assert.deepStrictEqual(errorRecordFromPs(errorRecordToPs(error)), error)
    })
  )
})

describe("recording stop", () => {
  it.effect("is stopped by our client as it was by PowerShell's, and the pool is used again", () =>
    Effect.gen(function* () {
      const recording = readRecording("stop")
      const [stopped, next] = recording.calls
      const [started, ended] = recordedSteps(recording, stopped?.seen.pipeline ?? "")
      const afterwards = recordedSteps(recording, next?.seen.pipeline ?? "")
      assert.isTrue(started !== undefined && ended !== undefined)
      if (started === undefined || ended === undefined) return
      const wsman = scripted({ pipelines: [[started, "silence", ended], afterwards] })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pool = yield* openPool(wsman)
          const running = yield* Effect.forkChild(pool.invoke([{ name: "x", parameters: {} }]))
          while (wsman.log.filter((line) => line === "receive").length < 2) yield* Effect.yieldNow
          yield* Fiber.interrupt(running)
          assert.isTrue(Option.isNone(yield* pool.broken))
          const result = yield* pool.invoke([{ name: "x", parameters: {} }])
          if (next !== undefined) compareSeen(next.seen, result)
        })
      )
      assert.deepStrictEqual(
        wsman.log.filter((line) => line.startsWith("signal")),
        ["signal crtl_c", "signal Terminate", "signal Terminate"]
      )
    })
  )
})
