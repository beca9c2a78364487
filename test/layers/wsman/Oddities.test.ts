/** What Microsoft's listener for Linux does, and Windows does not: none of it hangs our client, or confuses it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { inTime, settle } from "../../harness/VirtualTime.ts"
import { type Conversation, conversationNames, readConversation, type RecordedExchange } from "./Conversation.ts"
import { meet, openPool, script } from "./RecordedClient.ts"
import type * as RecordedListener from "./RecordedListener.ts"

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

describe("an oddity neither hangs nor confuses our client", () => {
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

  it("no CommandId on streams and states, and Action in another letter case: all that is driven is so", () => {
    const received = conversationNames
      .flatMap((name) => readConversation(name).exchanges)
      .map(({ response }) => response?.body ?? "")
      .filter((body) => body.includes("ReceiveResponse>"))
    assert.isAbove(received.filter((body) => body.includes("windows/Shell/ReceiveResponse<")).length, 200)
    for (const body of received) assert.notMatch(body, /<\w+:(?:Stream|CommandState) [^>]*CommandId=/u)
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
