import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { powershellResource } from "../../../../layers/wsman/SoapNames.ts"
import type { Operation } from "../../../../layers/wsman/SoapOperation.ts"
import { type Request, writeRequest } from "../../../../layers/wsman/SoapRequest.ts"
import type { Recorded } from "../../../../src/simulators/scvmm/ReplayFile.ts"
import * as ReplayScript from "../../../../src/simulators/scvmm/ReplayScript.ts"

const id = (digit: number): string => `${String(digit).repeat(8)}-1111-4111-8111-111111111111`

const create = (shell: number): Operation => ({
  _tag: "Create",
  shellId: id(shell),
  inputStreams: ["stdin"],
  outputStreams: ["stdout"],
  creationXml: new Uint8Array(0)
})
const command = (commandId: number): Operation => ({
  _tag: "Command",
  commandId: id(commandId),
  arguments: new Uint8Array(0)
})
const receive = (commandId?: number): Operation => ({
  _tag: "Receive",
  streams: ["stdout"],
  ...(commandId === undefined ? {} : { commandId: id(commandId) })
})

let messages = 0
const request = (shell: number, operation: Operation, messageId = `uuid:${++messages}`): Request => ({
  header: {
    messageId,
    to: "http://exec1:5985/wsman",
    resourceUri: powershellResource("Microsoft.PowerShell"),
    options: {},
    selectors: operation._tag === "Create" ? {} : { ShellId: id(shell) }
  },
  operation
})

/** Lines from 2 on, as in a file. */
const recording = (...steps: ReadonlyArray<readonly [shell: number, operation: Operation]>): ReadonlyArray<Recorded> =>
  steps.map(([shell, operation], index) => ({
    line: index + 2,
    exchange: {
      at: "",
      millis: 0,
      host: "",
      client: 1,
      lane: "data",
      operation: operation._tag,
      messageId: "",
      shellId: id(shell),
      ...("commandId" in operation && operation.commandId !== undefined ? { commandId: operation.commandId } : {}),
      messages: [],
      request: writeRequest(request(shell, operation))
    }
  }))

const lineOf = (answer: ReplayScript.Match | ReplayScript.Mismatch): number | string =>
  "recorded" in answer ? answer.recorded.line : answer.mismatch

describe("a replayed script", () => {
  it.effect("keeps shells, commands and the pool apart, each in its order", () =>
    Effect.gen(function* () {
      const script = yield* ReplayScript.make(
        recording(
          ...([
            [1, create(1)],
            [2, create(2)],
            [1, command(3)],
            [1, command(4)],
            [1, receive(3)],
            [1, receive(4)],
            [2, receive()],
            [1, receive()],
            [1, receive(3)],
            [9, { _tag: "Delete" }]
          ] as const)
        )
      )
      const next = (shell: number, operation: Operation) => lineOf(script.next(request(shell, operation)))
      assert.deepStrictEqual(
        [
          next(0, create(5)),
          next(0, create(6)),
          next(5, command(7)),
          next(5, command(8)),
          next(5, receive()),
          next(5, receive(8)),
          next(5, receive(7)),
          next(6, receive()),
          next(5, receive(7)),
          next(0, { _tag: "Delete" })
        ],
        [2, 3, 4, 5, 9, 7, 6, 8, 10, 11]
      )
    })
  )

  it.effect("answers an envelope that comes again as before", () =>
    Effect.gen(function* () {
      const script = yield* ReplayScript.make(recording([1, create(1)], [1, receive()], [1, receive()]))
      const next = (operation: Operation, messageId?: string) => lineOf(script.next(request(5, operation, messageId)))
      assert.deepStrictEqual(
        [
          next(create(5), "uuid:a"),
          next(create(5), "uuid:a"),
          next(receive(), "uuid:b"),
          next(receive(), "uuid:b"),
          next(receive())
        ],
        [2, 2, 3, 3, 4]
      )
    })
  )

  it.effect("says what it lacks, and what is next", () =>
    Effect.gen(function* () {
      const script = yield* ReplayScript.make(recording([1, create(1)], [1, receive()], [1, { _tag: "Delete" }]))
      const next = (shell: number, operation: Operation) => lineOf(script.next(request(shell, operation)))
      assert.strictEqual(
        next(7, receive()),
        "the recording has no Receive of a shell that it does not make; line 2 is next: Create"
      )
      assert.strictEqual(next(0, create(5)), 2)
      assert.strictEqual(next(0, create(6)), "the recording makes 1 shells, and this would be one more")
      assert.strictEqual(next(5, receive(8)), "the recording has no Receive here; line 3 is next: Receive")
      assert.strictEqual(next(5, { _tag: "Get" }), "the recording has no Get here; line 3 is next: Receive")
      assert.deepStrictEqual([next(5, receive()), next(5, { _tag: "Delete" })], [3, 4])
      assert.strictEqual(next(5, receive()), "the recording has no Receive here; nothing is left of it after line 4")
    })
  )
})
