/** Our client in the conversations that were recorded with Microsoft's WS-Management server for Linux. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { toJs } from "../../../layers/psrp/PsJson.ts"
import type { WsmanError } from "../../../layers/wsman/WsmanError.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { conversationNames, readConversation } from "./Conversation.ts"
import { meet, openPool, script } from "./RecordedClient.ts"
import { recordedPipelines } from "./RecordedPipelines.ts"

/** What each call of a conversation ends in: its state and outputs, beside which all else is compared with the packets. */
type Ends = ReadonlyArray<readonly [state: "Completed" | "Failed" | "Stopped", ...outputs: ReadonlyArray<unknown>]>

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index + 1)
const echoed = 'Grüße <&> "q" 😀 _x0041_/7/1099511627776/1.5/True/a+1+/v/True'

/** Ordinary use, through RunspacePool and Wsman. */
const driven: Readonly<Record<string, Ends>> = {
  "open-close": [],
  "powershell-7-uri": [],
  command: [["Completed", "hello world"]],
  "plain-http": [["Completed", "over http"]],
  commands: [
    ["Completed", 41],
    ["Completed", 42],
    ["Completed", "aa", "bb"]
  ],
  parameters: [["Completed", echoed, "String", "Int32", "Int64", "Double", "Boolean", "Object[]", "Hashtable"]],
  streams: [["Completed", "out"]],
  "two-pipelines": [
    ["Completed", "A"],
    ["Completed", "B"]
  ],
  "error-nonterminating": [["Completed", "before", "after"]],
  "error-terminating": [["Failed", "before"], ["Failed"], ["Completed", "still alive"]],
  "large-output": [["Completed", "0123456789".repeat(20_000)]],
  "many-outputs": [["Completed", ...numbers(60)]],
  "large-input": [["Completed", 30, 300_000]],
  "large-input-one-object": [["Completed", 300_000]],
  "long-pipeline": [["Completed", "done"]],
  "long-pipeline-40s": [["Completed", "done"]],
  "disconnect-reconnect": [["Completed", "alive"]]
}

/** Driven by tests of their own: below, or in Oddities.test.ts. */
const odd = [
  "after-done",
  "bad-clixml",
  "command-state",
  "create-without-name",
  "delete-unpatched",
  "delete-without-receive",
  "enumerate-shells",
  "get-shell",
  "no-credentials",
  "send-400k",
  "stop-crtl_c",
  "stop-ctrl_c",
  "stop-terminate",
  "stop-without-receive",
  "unknown-command",
  "unknown-command-signal",
  "unknown-shell",
  "wrong-password",
  "wrong-resource-uri"
]

/** Read by Recordings.test.ts alone, and why. */
const parsedOnly: Readonly<Record<string, string>> = {
  "duplicate-shell-id": "our client gives each shell an id of its own",
  "config-get": "our client asks for no configuration",
  "envelope-too-large": "our client writes no such envelope, and never a MaxEnvelopeSize below 150 KiB",
  identify: "our client asks for no identity",
  "malformed-xml": "our client writes none",
  "missing-headers": "our client writes them all"
}

it("every conversation has its place", () =>
  assert.sameMembers([...conversationNames], [...Object.keys(driven), ...odd, ...Object.keys(parsedOnly)]))

describe("our client ends with what is in the conversation", () => {
  it.effect.each(Object.entries(driven))("%s", ([name, ends]) =>
    Effect.gen(function* () {
      const conversation = readConversation(name)
      const hasInput = conversation.exchanges.some(({ request }) => request.body.includes("shell/Send<"))
      const { wsman, asked } = yield* meet(conversation)
      const results = yield* inTime(
        Effect.scoped(
          Effect.gen(function* () {
            const pool = yield* openPool(wsman)
            const calls = yield* Effect.forEach(ends, () =>
              pool.invoke(script, hasInput ? { input: Stream.make("a", "b", "c") } : {})
            )
            assert.isTrue(Option.isNone(yield* pool.broken))
            return calls
          })
        )
      )
      assert.deepStrictEqual(
        results.map(({ state, output }) => [state, ...output.map(toJs)]),
        ends.map((end) => [...end])
      )
      assert.deepStrictEqual(results, (yield* recordedPipelines(conversation)) as typeof results)
      assert.isFalse(asked.some((operation) => operation.endsWith("?")))
      assert.strictEqual(asked.filter((operation) => operation === "Signal").length, ends.length)
      assert.strictEqual(asked.at(-1), "Delete")
    })
  )
})

const oneByte = new Uint8Array(1)

describe("what that server tells of its shells is read", () => {
  it.effect("get-shell, disconnect-reconnect: connected, then not, and again", () =>
    Effect.gen(function* () {
      for (const [name, states] of [
        ["get-shell", ["Connected"]],
        ["disconnect-reconnect", ["Disconnected", "Connected"]]
      ] as const) {
        const { wsman } = yield* meet(readConversation(name))
        yield* inTime(
          Effect.scoped(
            Effect.gen(function* () {
              const { shellId } = yield* openPool(wsman)
              if (states.length > 1) yield* wsman.disconnect(shellId)
              for (const state of states) {
                const shell = yield* wsman.get(shellId)
                assert.deepStrictEqual([shell.shellId, shell.state], [shellId, state])
                if (state === "Disconnected") yield* wsman.reconnect(shellId)
              }
            })
          )
        )
      }
    })
  )

  it.effect("enumerate-shells: ours is among them", () =>
    Effect.gen(function* () {
      const { wsman } = yield* meet(readConversation("enumerate-shells"))
      const shells = yield* inTime(
        Effect.scoped(
          Effect.gen(function* () {
            const { shellId } = yield* openPool(wsman)
            return (yield* wsman.shells).filter((shell) => shell.shellId === shellId)
          })
        )
      )
      assert.strictEqual(shells.length, 1)
    })
  )
})

describe("what is refused is a typed error", () => {
  const faultOf = (effect: Effect.Effect<unknown, WsmanError>) =>
    Effect.map(Effect.flip(effect), (error) =>
      error._tag === "WsmanFault" ? [error.subcode, error.classification, error.sent] : [error._tag]
    )

  it.effect("unknown-shell: every operation, and a Delete counts as done", () =>
    Effect.gen(function* () {
      const { wsman } = yield* meet(readConversation("unknown-shell"))
      const gone = ["DestinationUnreachable", "invalidSelectors", false]
      yield* inTime(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* faultOf(wsman.receive("S")), gone)
          assert.deepStrictEqual(yield* faultOf(wsman.command("S", "C", oneByte)), gone)
          assert.deepStrictEqual(yield* faultOf(wsman.send("S", "stdin", oneByte)), gone)
          yield* wsman.delete("S")
        })
      )
    })
  )

  it.effect("unknown-command and unknown-command-signal: the shell is gone with it", () =>
    Effect.gen(function* () {
      const unknown = ["InternalError", "unknown", true]
      const received = yield* meet(readConversation("unknown-command"))
      yield* inTime(
        Effect.scoped(
          Effect.gen(function* () {
            const { shellId } = yield* openPool(received.wsman)
            assert.strictEqual((yield* Effect.flip(received.wsman.receive(shellId, "NONE")))._tag, "WsmanFault")
            assert.deepStrictEqual(yield* faultOf(received.wsman.send(shellId, "stdin", oneByte, "NONE")), unknown)
            assert.strictEqual((yield* faultOf(received.wsman.receive(shellId)))[1], "invalidSelectors")
          })
        )
      )
      const signalled = yield* meet(readConversation("unknown-command-signal"))
      yield* inTime(
        Effect.scoped(
          Effect.gen(function* () {
            const { shellId } = yield* openPool(signalled.wsman)
            assert.deepStrictEqual(yield* faultOf(signalled.wsman.signal(shellId, "NONE", "c")), unknown)
            assert.strictEqual((yield* faultOf(signalled.wsman.get(shellId)))[1], "invalidSelectors")
          })
        )
      )
    })
  )

  it.effect("wrong-resource-uri: another shell than PowerShell's", () =>
    Effect.gen(function* () {
      const { wsman } = yield* meet(readConversation("wrong-resource-uri"))
      const create = (shellId: string) => wsman.create({ shellId, creationXml: oneByte, idleTimeoutSeconds: 60 })
      yield* inTime(
        Effect.gen(function* () {
          assert.strictEqual((yield* create("A")).shellId, "A")
          assert.deepStrictEqual(yield* faultOf(create("B")), ["InternalError", "unknown", true])
        })
      )
    })
  )

  it.effect("send-400k: the shell goes with a Send that is too large, and the outcome is unknown", () =>
    Effect.gen(function* () {
      const { wsman, asked } = yield* meet(readConversation("send-400k"))
      const [error, broken] = yield* inTime(
        Effect.scoped(
          Effect.gen(function* () {
            const pool = yield* openPool(wsman)
            const error = yield* Effect.flip(pool.invoke(script, { input: Stream.make("x".repeat(300_000)) }))
            return [error, yield* pool.broken] as const
          })
        )
      )
      assert.isTrue(error._tag === "PsrpTransportFailed" && error.cause._tag === "WsmanFault" && error.sent)
      assert.isTrue(Option.isSome(broken))
      assert.deepStrictEqual(asked.slice(-2), ["Send", "Delete"])
    })
  )

  it.effect("wrong-password: one 401 with three headers, and nothing is sent after it", () =>
    Effect.gen(function* () {
      const { wsman, asked } = yield* meet(readConversation("wrong-password"))
      for (let attempt = 0; attempt < 3; attempt++) {
        const error = yield* inTime(Effect.flip(wsman.get("S")))
        assert.strictEqual(error._tag, "WsmanAuthenticationFailed")
        assert.isFalse(error.sent)
      }
      assert.deepStrictEqual([...asked], ["Get"])
    })
  )
})
