/** What a runspace pool lives through: cut connections, disconnected shells, small envelopes, output that is lost. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { encodeFragment, splitMessage } from "../../../layers/psrp/Fragment.ts"
import { emptyGuid, encodeMessage, type MessageBody } from "../../../layers/psrp/Message.ts"
import { pipelineOutput, PipelineState, pipelineState } from "../../../layers/psrp/PipelineMessage.ts"
import { type Invocation, open } from "../../../layers/psrp/RunspacePool.ts"
import type { Received } from "../../../layers/wsman/WsmanReceive.ts"
import { WsmanFault } from "../../../layers/wsman/WsmanError.ts"
import type { Rule } from "../../../src/simulators/scvmm/Disturbance.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { listen } from "../wsman/SimulatedListener.ts"
import { call, done, openPool, type Script, scripted, type Step } from "./ScriptedWsman.ts"

const options = { idleTimeoutSeconds: 180, name: "caps" }
const text = (length: number): Invocation => ({ name: "Get-Text", parameters: { "-Length": length } })
const sleep = (seconds: number): Invocation => ({ name: "Start-Sleep", parameters: { "-Seconds": seconds } })
const echo = (value: string): Invocation => ({ name: "Write-Output", parameters: { "-InputObject": value } })

const opened = (over: Parameters<typeof listen>[0] = {}) =>
  Effect.gen(function* () {
    const listener = yield* listen(over)
    const wsman = yield* listener.client
    return { listener, wsman, pool: yield* open(wsman, options) }
  })

const receives = (rule: Omit<Rule, "on">): Rule => ({ on: ["Receive"], ...rule })

describe("a cut connection while output is awaited", () => {
  it.effect.each(["before", "after", "within"] as const)("is survived, also three times in a row (%s)", (place) =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      for (const times of [1, 3]) {
        listener.disturb([receives({ times, disturbance: { _tag: "Cut", place } })])
        const result = yield* pool.invoke([text(100_000)])
        assert.deepStrictEqual([result.state, result.output.length], ["Completed", 1])
        assert.strictEqual(String(result.output[0]).length, 100_000)
      }
      assert.strictEqual(yield* listener.pipelines, 2)
      assert.isTrue(Option.isNone(yield* pool.broken))
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("is survived at every Receive of a long answer", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened({ delivery: "Piecewise" })
      const whole = yield* pool.invoke([text(200_000)])
      const count = 8
      for (let nth = 1; nth <= count; nth++) {
        listener.disturb([receives({ nth, times: 1, disturbance: { _tag: "Cut", place: "after" } })])
        const result = yield* pool.invoke([text(200_000)])
        assert.deepStrictEqual(result.output, whole.output, `at ${nth}`)
      }
      assert.strictEqual(yield* listener.pipelines, 1 + count)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("is survived while a command runs for longer than the operation timeout", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      listener.disturb([receives({ nth: 2, times: 1, disturbance: { _tag: "Silence", carriedOut: false } })])
      const result = yield* pool.invoke([sleep(65), echo("awake")])
      assert.deepStrictEqual([result.state, result.output], ["Completed", ["awake"]])
      assert.strictEqual(yield* listener.pipelines, 1)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("four times in a row leaves the outcome open and breaks the pool", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      listener.disturb([receives({ times: 4, disturbance: { _tag: "Cut", place: "after" } })])
      const error = yield* Effect.flip(pool.invoke([text(10)]))
      assert.deepStrictEqual([error._tag, error.sent], ["PsrpTransportFailed", true])
      assert.isTrue(Option.isSome(yield* pool.broken))
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("an empty HTTP 400 makes the shell's state be asked for, and the output again", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      const before = listener.actions().length
      const answer = { _tag: "Answer", status: 400, contentType: "", body: "", carriedOut: false } as const
      listener.disturb([receives({ times: 1, disturbance: answer })])
      assert.deepStrictEqual((yield* pool.invoke([echo("again")])).output, ["again"])
      assert.deepStrictEqual(listener.actions().slice(before, before + 4), ["Command", "Receive", "Get", "Receive"])
    }).pipe(Effect.scoped, inTime)
  )
})

describe("a shell that was idle", () => {
  it.effect("is checked in one exchange, and tells what it takes", () =>
    Effect.gen(function* () {
      const { listener, wsman, pool } = yield* opened()
      const before = yield* wsman.exchanges
      assert.isAbove((yield* pool.check).memoryUsedBytes ?? 0, 1024 * 1024)
      assert.strictEqual((yield* wsman.exchanges) - before, 1)
      assert.strictEqual(listener.actions().at(-1), "Get")
    }).pipe(Effect.scoped)
  )

  it.effect("is checked beside a command that runs, without waiting for it", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      const running = yield* Effect.forkChild(pool.invoke([sleep(10)]))
      yield* Effect.sleep("1 second")
      const began = yield* Clock.currentTimeMillis
      yield* pool.check
      assert.strictEqual((yield* Clock.currentTimeMillis) - began, 0)
      assert.strictEqual(listener.actions().at(-1), "Get")
      assert.strictEqual((yield* Fiber.join(running)).state, "Completed")
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("is reconnected where the listener has disconnected it, and used as before", () =>
    Effect.gen(function* () {
      const { listener, wsman, pool } = yield* opened()
      yield* wsman.disconnect(pool.shellId)
      yield* pool.check
      assert.strictEqual(listener.actions().at(-1), "Reconnect")
      assert.deepStrictEqual((yield* pool.invoke([echo("back")])).output, ["back"])
    }).pipe(Effect.scoped)
  )

  it.effect("is reconnected without a check, too", () =>
    Effect.gen(function* () {
      const { listener, wsman, pool } = yield* opened()
      yield* wsman.disconnect(pool.shellId)
      assert.deepStrictEqual((yield* pool.invoke([echo("back")])).output, ["back"])
      assert.strictEqual(yield* listener.pipelines, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("that is gone breaks the pool, which then sends nothing more", () =>
    Effect.gen(function* () {
      const { listener, wsman, pool } = yield* opened()
      yield* wsman.delete(pool.shellId)
      const error = yield* Effect.flip(pool.check)
      assert.deepStrictEqual([error._tag, error.sent], ["PsrpPoolBroken", false])
      assert.isTrue(Option.isSome(yield* pool.broken))
      const before = listener.actions().length
      assert.strictEqual((yield* Effect.flip(pool.check))._tag, "PsrpPoolBroken")
      assert.strictEqual((yield* Effect.flip(pool.invoke([echo("x")])))._tag, "PsrpPoolBroken")
      assert.strictEqual(listener.actions().length, before)
    }).pipe(Effect.scoped)
  )

  it.effect("that another client has taken breaks the pool; a host that does not answer does not", () =>
    Effect.gen(function* () {
      const taken = new WsmanFault({
        code: 0x803381c6,
        subcode: "InvalidParameter",
        text: "connected to a different client",
        classification: "invalidRequest",
        sent: false
      })
      const disconnected = { inputStreams: [], outputStreams: [], state: "Disconnected" } as const
      const wsman = scripted({
        overrides: {
          probe: (shellId) => Effect.succeed({ shellId, ...disconnected }),
          reconnect: () => Effect.fail(taken)
        }
      })
      const pool = yield* openPool(wsman)
      assert.strictEqual((yield* Effect.flip(pool.check))._tag, "PsrpPoolBroken")
      const silent = yield* openPool(scripted({ overrides: { probe: () => Effect.fail(taken) } }))
      assert.strictEqual((yield* Effect.flip(silent.check))._tag, "PsrpTransportFailed")
      assert.isTrue(Option.isNone(yield* silent.broken))
    }).pipe(Effect.scoped)
  )
})

describe("a pool that is released", () => {
  it.effect("deletes its shell although a Terminate has the connection and is not answered", () =>
    Effect.gen(function* () {
      const own = yield* Scope.make()
      const { listener, pool } = yield* Scope.provide(opened(), own)
      listener.disturb([
        { on: ["Signal"], disturbance: { _tag: "Silence", carriedOut: false } },
        { on: ["Delete"], disturbance: { _tag: "Delay", seconds: 1 } }
      ])
      yield* pool.invoke([echo("x")])
      yield* Scope.close(own, Exit.void)
      assert.deepStrictEqual(yield* listener.shells, [])
    }).pipe(Effect.scoped, inTime)
  )
})

describe("a connection that was idle", () => {
  const connections = (listener: Effect.Success<ReturnType<typeof opened>>["listener"]) =>
    listener.seen.slice(-2).map(({ action, connection }) => [action, connection.id])

  it.effect("is proved by a check before a Command takes it", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      yield* pool.invoke([echo("once")])
      yield* pool.check
      const [[, proved] = []] = connections(listener).slice(-1)
      listener.disturb([])
      const before = listener.seen.length
      yield* pool.invoke([echo("twice")])
      const command = listener.seen.slice(before).find(({ action }) => action === "Command")
      assert.strictEqual(command?.connection.id, proved)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect.each([
    ["was reset", { _tag: "Cut", place: "before" }, 0],
    ["gives no sign", { _tag: "Silence", carriedOut: false }, 2]
  ] as const)("and %s is replaced by the check, and the Command runs once", ([, disturbance, seconds]) =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      listener.disturb([{ on: ["Get"], times: 1, disturbance }])
      const began = yield* Clock.currentTimeMillis
      yield* pool.check
      assert.strictEqual((yield* Clock.currentTimeMillis) - began, seconds * 1000)
      assert.deepStrictEqual((yield* pool.invoke([echo("x")])).output, ["x"])
      assert.strictEqual(yield* listener.pipelines, 1)
    }).pipe(Effect.scoped, inTime)
  )
})

describe("envelopes", () => {
  const large = "ä".repeat(500_000)
  const sends = (actions: ReadonlyArray<string>) => actions.filter((action) => action === "Send").length

  it.effect("of 500 KiB carry 1 MB in two more of them", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      assert.deepStrictEqual((yield* pool.invoke([echo(large)])).output, [large])
      assert.strictEqual(sends(listener.actions()), 2)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("that a host of 150 KiB refuses are cut smaller; the command runs once, and the pool remembers", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened({ quotas: { maxEnvelopeBytes: 153_600 } })
      assert.deepStrictEqual((yield* pool.invoke([echo(large)])).output, [large])
      const first = sends(listener.actions())
      assert.deepStrictEqual((yield* pool.invoke([echo(large)])).output, [large])
      assert.strictEqual(sends(listener.actions()), 2 * first)
      assert.strictEqual(yield* listener.pipelines, 2)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect.each(["Command", "Send"] as const)("of which a %s is answered by HTTP 413", (action) =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      const answer = { _tag: "Answer", status: 413, contentType: "", body: "", carriedOut: false } as const
      listener.disturb([{ on: [action], times: 1, disturbance: answer }])
      assert.deepStrictEqual((yield* pool.invoke([echo(large)])).output, [large])
      assert.strictEqual(yield* listener.pipelines, 1)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("that are refused although they are small end the call, and nothing was done", () =>
    Effect.gen(function* () {
      const { listener, pool } = yield* opened()
      const fault = { _tag: "Fault", subcode: "EncodingLimit", text: "too large" } as const
      listener.disturb([{ on: ["Command"], disturbance: fault }])
      const error = yield* Effect.flip(pool.invoke([echo("small")]))
      assert.deepStrictEqual([error._tag, error.sent], ["PsrpTransportFailed", false])
      assert.strictEqual(yield* listener.pipelines, 0)
    }).pipe(Effect.scoped, inTime)
  )
})

describe("output after a Receive that was sent again", () => {
  /** The pool's own three objects come before. */
  const first = 4n
  const object = (objectId: bigint, body: MessageBody): Uint8Array =>
    splitMessage(
      objectId,
      encodeMessage({ destination: "client", runspacePoolId: emptyGuid, pipelineId: emptyGuid, ...body }),
      100_000
    )[0] ?? new Uint8Array()
  const receive = (repeated: boolean, ...data: ReadonlyArray<Uint8Array>): Received => ({
    streams: data.map((bytes) => ({ name: "stdout", data: bytes })),
    repeated
  })
  const output = (objectId: bigint, value: string) => object(objectId, pipelineOutput(value))
  const completed = (objectId: bigint) => object(objectId, pipelineState(PipelineState.Completed))
  const run = (...steps: ReadonlyArray<Step>) =>
    Effect.gen(function* () {
      const script: Partial<Script> = { pipelines: [steps, done] }
      const pool = yield* openPool(scripted(script))
      return yield* Effect.result(pool.invoke([call]))
    }).pipe(Effect.scoped)
  const lost = (result: Effect.Success<ReturnType<typeof run>>) =>
    result._tag === "Failure" ? [result.failure._tag, result.failure.sent] : result.success.output

  it.effect("follows on what was seen", () =>
    Effect.gen(function* () {
      const result = yield* run(
        receive(false, output(first, "a")),
        receive(true, output(first + 1n, "b"), completed(first + 2n))
      )
      assert.deepStrictEqual(lost(result), ["a", "b"])
    })
  )

  it.effect("is missed also when it was a time-out that answered the second Receive", () =>
    Effect.gen(function* () {
      const result = yield* run(
        receive(false, output(first, "a")),
        receive(true),
        receive(false, completed(first + 2n))
      )
      assert.deepStrictEqual(lost(result), ["PsrpProtocolViolation", true])
    })
  )

  it.effect("counts once where it comes twice", () =>
    Effect.gen(function* () {
      const result = yield* run(
        receive(false, output(first, "a")),
        receive(true, output(first, "a"), output(first + 1n, "b"), completed(first + 2n), completed(first + 2n))
      )
      assert.deepStrictEqual(lost(result), ["a", "b"])
    })
  )

  it.effect("is incomplete where a message is missing, of the first ones too: the outcome is open", () =>
    Effect.gen(function* () {
      const violation = ["PsrpProtocolViolation", true]
      assert.deepStrictEqual(
        lost(yield* run(receive(false, output(first, "a")), receive(true, completed(first + 2n)))),
        violation
      )
      assert.deepStrictEqual(lost(yield* run(receive(true, completed(first + 1n)))), violation)
    })
  )

  it.effect("is incomplete where a fragment is missing, in the middle or at the end", () =>
    Effect.gen(function* () {
      const violation = ["PsrpProtocolViolation", true]
      const bytes = encodeMessage({
        destination: "client",
        runspacePoolId: emptyGuid,
        pipelineId: emptyGuid,
        ...pipelineOutput("x".repeat(300))
      })
      const piece = (fragmentId: number, from: number, to: number) =>
        encodeFragment({
          objectId: first,
          fragmentId: BigInt(fragmentId),
          start: fragmentId === 0,
          end: to === bytes.length,
          blob: bytes.subarray(from, to)
        })
      const [start, middle, end] = [piece(0, 0, 100), piece(1, 100, 200), piece(2, 200, bytes.length)]
      const complete = lost(yield* run(receive(false, start), receive(true, start, middle, end, completed(first + 1n))))
      assert.deepStrictEqual(complete, ["x".repeat(300)])
      assert.deepStrictEqual(lost(yield* run(receive(false, start), receive(true, end))), violation)
      assert.deepStrictEqual(
        lost(yield* run(receive(false, start, middle), receive(true, completed(first + 1n)))),
        violation
      )
      assert.deepStrictEqual(lost(yield* run(receive(false, start, middle, completed(first + 1n)))), violation)
    })
  )
})
