import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { decodeFragments, splitMessage } from "../../../../layers/psrp/Fragment.ts"
import { decodeMessage, encodeMessage } from "../../../../layers/psrp/Message.ts"
import { pipelineOutput } from "../../../../layers/psrp/PipelineMessage.ts"
import { writeResponse } from "../../../../layers/wsman/SoapResponse.ts"
import { readReceived, readResponse } from "../../../../layers/wsman/SoapResponseReader.ts"
import { rewrite } from "../../../../src/simulators/scvmm/ReplayAnswer.ts"

const recorded = {
  shell: "AAAAAAAA-1111-4111-8111-111111111111",
  command: "BBBBBBBB-2222-4222-8222-222222222222",
  message: "CCCCCCCC-3333-4333-8333-333333333333"
}
const now = {
  shell: "11111111-AAAA-4AAA-8AAA-AAAAAAAAAAAA",
  command: "22222222-BBBB-4BBB-8BBB-BBBBBBBBBBBB",
  message: "33333333-cccc-4ccc-8ccc-cccccccccccc"
}

describe("a replayed answer", () => {
  it.effect("has the ids of who asks, in the envelope and in the fragments", () =>
    Effect.gen(function* () {
      const message = encodeMessage({
        destination: "client",
        runspacePoolId: recorded.shell.toLowerCase(),
        pipelineId: recorded.command.toLowerCase(),
        ...pipelineOutput(`about ${recorded.command}, ${"and on ".repeat(30)}`)
      })
      const answer = writeResponse(
        { messageId: `uuid:${recorded.shell}`, relatesTo: `uuid:${recorded.message}` },
        {
          _tag: "Received",
          commandId: recorded.command,
          streams: splitMessage(7n, message, 200).map((data) => ({ name: "stdout", commandId: recorded.command, data }))
        }
      )
      const ids = new Map([
        [recorded.shell, now.shell],
        [recorded.command, now.command],
        [recorded.message, now.message]
      ])
      const text = yield* rewrite(answer, { ids, key: undefined, sessionKey: new Uint8Array(32) })
      assert.notInclude(text, recorded.command)
      const { relatesTo, body } = yield* readResponse(text)
      assert.strictEqual(relatesTo, `uuid:${now.message}`)
      const { streams } = Result.getOrThrow(readReceived(body))
      assert.isAbove(streams.length, 1)
      const fragments = streams.flatMap(({ data }) => Result.getOrThrow(decodeFragments(data)))
      const whole = Result.getOrThrow(decodeMessage(Buffer.concat(fragments.map(({ blob }) => blob))))
      assert.deepStrictEqual(
        [whole.runspacePoolId, whole.pipelineId],
        [now.shell.toLowerCase(), now.command.toLowerCase()]
      )
      // What was said is said again, whatever it is about.
      assert.include(String(whole.data), recorded.command)
    })
  )
})
