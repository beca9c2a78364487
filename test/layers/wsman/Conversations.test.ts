/** Our client in the conversations that were recorded with Microsoft's WS-Management server for Linux, oddities and all. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Dial } from "../../../layers/Dial.ts"
import { toJs } from "../../../layers/psrp/PsJson.ts"
import * as RunspacePool from "../../../layers/psrp/RunspacePool.ts"
import * as Wsman from "../../../layers/wsman/Wsman.ts"
import type { WsmanError } from "../../../layers/wsman/WsmanError.ts"
import { inTime, settle } from "../../harness/VirtualTime.ts"
import { conversationNames, type Conversation, readConversation, type RecordedExchange } from "./Conversation.ts"
import * as RecordedListener from "./RecordedListener.ts"
import { recordedPipelines } from "./RecordedPipelines.ts"

const origin = "https://omi.example:5986"

const meet = Effect.fnUntraced(function* (conversation: Conversation, options: RecordedListener.Options = {}) {
  const listener = yield* RecordedListener.make(conversation, options)
  const dial = yield* Layer.build(Dial.layerInProcess(new Map([[origin, listener.handler]])))
  const wsman = yield* Wsman.connect({
    endpoint: { origin },
    configurationName: "Microsoft.PowerShell",
    operationTimeoutSeconds: 60,
    credentials: { authentication: "Basic", userName: "tester", password: Redacted.make("p") }
  }).pipe(Effect.provide(dial))
  return { ...listener, wsman }
})

const openPool = (wsman: Wsman.Wsman) => RunspacePool.open(wsman, { idleTimeoutSeconds: 300, name: "Runspace1" })
const script: ReadonlyArray<RunspacePool.Invocation> = [{ name: "as recorded", isScript: true, parameters: {} }]

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

/** Driven by a test of its own below. */
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

const only = (conversation: Conversation, keep: (exchange: RecordedExchange) => boolean): Conversation => ({
  ...conversation,
  exchanges: conversation.exchanges.filter(keep)
})
const isSignal = ({ request }: RecordedExchange): boolean => request.body.includes("shell/Signal<")

/** Makes the first call, and interrupts it once its second Receive waits. */
const interrupted = Effect.fnUntraced(function* (name: string, options: RecordedListener.Options = {}) {
  const met = yield* meet(readConversation(name), options)
  yield* inTime(
    Effect.scoped(
      Effect.gen(function* () {
        const pool = yield* openPool(met.wsman)
        const before = met.asked.length
        const call = yield* Effect.forkChild(pool.invoke(script))
        while (met.asked.slice(before).filter((operation) => operation === "Receive").length < 2) yield* Effect.yieldNow
        yield* settle
        yield* Fiber.interrupt(call)
        const exit = yield* Fiber.await(call)
        assert.isTrue(Exit.hasInterrupts(exit))
        assert.isTrue(Option.isNone(yield* pool.broken), "the pool is used again")
      })
    )
  )
  assert.isFalse(met.asked.some((operation) => operation.endsWith("?")))
  assert.strictEqual(met.asked.at(-1), "Delete")
  return met.asked
})

describe("an oddity of that server neither hangs nor confuses our client", () => {
  it.effect("a Receive without streams in state Running, after 30 s whatever was asked for", () =>
    Effect.gen(function* () {
      const conversation = readConversation("long-pipeline-40s")
      const empty = conversation.exchanges.filter(({ response }) =>
        /<\w+:ReceiveResponse[^>]*>\s*<\w+:CommandState [^>]*Running/u.test(response?.body ?? "")
      )
      assert.strictEqual(empty.length, 1)
      const { wsman, asked } = yield* meet(conversation)
      const result = yield* inTime(Effect.scoped(Effect.flatMap(openPool(wsman), (pool) => pool.invoke(script))))
      assert.deepStrictEqual([result.state, result.output], ["Completed", ["done"]])
      assert.strictEqual(asked.filter((operation) => operation === "Receive").length, 3 + 3)
    })
  )

  it.effect("PIPELINE_STATE without Done: the call ends with the state, and waits for nothing more", () =>
    Effect.gen(function* () {
      const conversation = readConversation("command-state")
      const { wsman, asked } = yield* meet(conversation)
      const call = Effect.scoped(Effect.flatMap(openPool(wsman), (pool) => pool.invoke(script)))
      // One shell after the other, as it was recorded.
      const results = yield* inTime(Effect.all([call, call]))
      assert.deepStrictEqual(
        results.map(({ output }) => output),
        [[1], [1]]
      )
      assert.deepStrictEqual(asked.slice(0, 8), [
        "Create",
        "Receive",
        "Receive",
        "Receive",
        "Command",
        "Receive",
        "Receive",
        "Signal"
      ])
    })
  )

  it.effect.each(["stop-ctrl_c", "stop-terminate"])("%s: Done without PIPELINE_STATE is told as such", (name) =>
    Effect.gen(function* () {
      const conversation = readConversation(name)
      // Somebody else ended the pipeline.
      const { wsman } = yield* meet(only(conversation, (exchange) => !isSignal(exchange)))
      const error = yield* inTime(
        Effect.scoped(Effect.flatMap(openPool(wsman), (pool) => Effect.flip(pool.invoke(script))))
      )
      assert.strictEqual(error._tag, "PsrpProtocolViolation")
      assert.isTrue(error.sent)
      assert.include(error.message, "ended without a pipeline state")
    })
  )

  it.effect.each(["stop-ctrl_c", "stop-terminate", "stop-crtl_c", "stop-without-receive"])(
    "%s: a call that is interrupted is stopped by Signal and Receives at the same time",
    (name) =>
      Effect.gen(function* () {
        const asked = yield* interrupted(name)
        assert.isAtLeast(asked.filter((operation) => operation === "Signal").length, 2)
      })
  )

  it.effect("no CommandId on streams and states: every conversation is so", () =>
    Effect.gen(function* () {
      for (const name of Object.keys(driven))
        for (const { response } of readConversation(name).exchanges)
          assert.notMatch(response?.body ?? "", /<\w+:(?:Stream|CommandState) [^>]*CommandId=/u)
    })
  )

  it("Action in another letter case: every conversation is so", () => {
    for (const [name, ends] of Object.entries(driven))
      if (ends.length > 0)
        assert.isTrue(
          readConversation(name).exchanges.some(({ response }) =>
            response?.body.includes("windows/Shell/ReceiveResponse")
          )
        )
  })

  it.effect("a Command that is refused by a fault without WSManFault", () =>
    Effect.gen(function* () {
      const { wsman, asked } = yield* meet(readConversation("bad-clixml"))
      const error = yield* inTime(
        Effect.scoped(Effect.flatMap(openPool(wsman), (pool) => Effect.flip(pool.invoke(script))))
      )
      assert.strictEqual(error._tag, "PsrpTransportFailed")
      if (error._tag !== "PsrpTransportFailed") return
      assert.strictEqual(error.cause._tag, "WsmanFault")
      if (error.cause._tag !== "WsmanFault") return
      assert.deepStrictEqual(
        [error.cause.code, error.cause.subcode, error.cause.classification, error.sent],
        [undefined, "InternalError", "unknown", true]
      )
      assert.strictEqual(asked.filter((operation) => operation === "Command").length, 1, "a Command is never repeated")
      assert.strictEqual(asked.at(-1), "Delete")
    })
  )

  it.effect("HTTP 500 without a body", () =>
    Effect.gen(function* () {
      const { wsman } = yield* meet(readConversation("create-without-name"))
      const error = yield* inTime(Effect.flip(Effect.scoped(openPool(wsman))))
      assert.strictEqual(error._tag, "WsmanProtocol")
      assert.strictEqual(error.message, "HTTP 500 without a body")
    })
  )

  it.effect("silence to a Create", () =>
    Effect.gen(function* () {
      const { wsman } = yield* meet({ ...readConversation("no-credentials"), exchanges: [] })
      const error = yield* inTime(Effect.flip(Effect.scoped(openPool(wsman))))
      assert.isTrue(error._tag === "WsmanUnavailable" && error.kind === "timeout" && error.sent)
    })
  )

  it.effect("silence to a Get", () =>
    Effect.gen(function* () {
      const { wsman, asked } = yield* meet(readConversation("no-credentials"))
      const error = yield* inTime(Effect.flip(wsman.get("ANY")))
      assert.isTrue(error._tag === "WsmanUnavailable" && error.kind === "timeout")
      assert.deepStrictEqual([...asked], ["Get"])
    })
  )

  it.effect("silence to a Delete, which that server answers only where a Receive waits", () =>
    Effect.gen(function* () {
      const { wsman, asked } = yield* meet(readConversation("delete-without-receive"))
      yield* inTime(Effect.scoped(openPool(wsman)))
      assert.strictEqual(asked.at(-1), "Delete")
    })
  )

  it.effect("after-done: a second pipeline, and then nothing more", () =>
    Effect.gen(function* () {
      const { wsman, asked } = yield* meet(readConversation("after-done"))
      const results = yield* inTime(
        Effect.scoped(Effect.flatMap(openPool(wsman), (pool) => Effect.all([pool.invoke(script), pool.invoke(script)])))
      )
      assert.deepStrictEqual(
        results.map(({ output }) => output),
        [[1], ["alive"]]
      )
      assert.strictEqual(asked.at(-1), "Delete?")
    })
  )

  it.effect("a fault to a Delete", () =>
    Effect.gen(function* () {
      const { wsman, asked } = yield* meet(readConversation("delete-unpatched"))
      yield* inTime(Effect.scoped(openPool(wsman)))
      assert.strictEqual(asked.at(-1), "Delete")
    })
  )

  const { exchanges } = readConversation("command")
  it.effect.each(exchanges.slice(0, 8).map((_, index) => index + 1))(
    "a kept-alive connection that is closed instead of answering request %i",
    (hangUpAt) =>
      Effect.gen(function* () {
        const { wsman, asked } = yield* meet(readConversation("command"), { hangUpAt })
        const exit = yield* inTime(
          Effect.exit(Effect.scoped(Effect.flatMap(openPool(wsman), (pool) => pool.invoke(script))))
        )
        const operation = asked[hangUpAt - 1]?.split(" ")[0] ?? ""
        // What may have been done is not done again: the outcome is unknown, and said to be.
        if (operation === "Create" || operation === "Command") {
          const error = yield* Effect.flip(exit)
          assert.isTrue(error.sent)
          assert.strictEqual(asked.filter((one) => one.startsWith(operation)).length, 1)
        } else assert.deepStrictEqual((yield* exit).output, ["hello world"])
      })
  )

  it.effect(
    "a Receive that is refused, since one that was given up is still held: the pipeline is terminated instead",
    () =>
      Effect.gen(function* () {
        const { response } = readConversation("unknown-command").exchanges[4] ?? {}
        const body = (response?.body ?? "")
          .replace(/<wsa:RelatesTo>[^<]*<\/wsa:RelatesTo>/u, "")
          .replace(/(<\w+[-\w]*:Subcode><[^>]*>)[^<]*/u, "$1wsman:UnsupportedFeature")
        assert.include(body, "UnsupportedFeature")
        const asked = yield* interrupted("stop-terminate", {
          whileOneWaits: { status: 500, headers: response?.headers ?? {}, body }
        })
        assert.sameMembers(asked.slice(-4, -2), ["Receive", "Signal"])
        assert.deepStrictEqual(asked.slice(-2), ["Signal", "Delete"])
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
