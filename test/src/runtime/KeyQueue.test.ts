import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { KeyQueue } from "../../../src/runtime/KeyQueue.ts"
import type { Request } from "../../../src/runtime/Request.ts"
import { make } from "../../../src/runtime/Request.ts"

const Key = Schema.Literals(["a", "b", "c"])
const Millis = Schema.Literals([0, 1, 5, 20, 100])
const Command = Schema.Union([
  Schema.Struct({ op: Schema.Literal("add"), key: Key }),
  Schema.Struct({ op: Schema.Literal("addAfter"), key: Key, millis: Millis }),
  Schema.Struct({ op: Schema.Literal("take") }),
  Schema.Struct({ op: Schema.Literal("finish"), nth: Schema.Literals([0, 1, 2]), next: Schema.optionalKey(Millis) }),
  Schema.Struct({ op: Schema.Literal("wait"), millis: Millis })
])
type Command = typeof Command.Type

const request = (key: string): Request => make({ namespace: "n", name: key }, "test")

/** The contract, stated over wishes: what was asked for since the last run of a key began. */
class Model {
  now = 0
  readonly queue = new KeyQueue()
  readonly running = new Map<string, Request>()
  /** Time from which a run answers the key's wishes. */
  readonly wishes = new Map<string, number>()
  runs = 0

  wish(key: string, at: number): void {
    this.wishes.set(key, Math.min(at, this.wishes.get(key) ?? Infinity))
  }

  take(): boolean {
    this.queue.release(this.now)
    const taken = this.queue.take(this.now)
    if (taken === undefined) {
      for (const [key, at] of this.wishes) {
        assert.isTrue(this.running.has(key) || at > this.now, `${key} is due and idle, but was not given out`)
      }
      return false
    }
    const key = taken.request.key.name
    assert.isFalse(this.running.has(key), `${key} runs twice at once`)
    const wish = this.wishes.get(key)
    assert.isTrue(wish !== undefined && wish <= this.now, `${key} runs though nobody asked for it by now`)
    assert.isAtMost(taken.queuedAt, this.now)
    this.wishes.delete(key)
    this.running.set(key, taken.request)
    this.runs += 1
    return true
  }

  finish(key: string, next: number | undefined): void {
    const taken = this.running.get(key)
    if (taken === undefined) return
    this.running.delete(key)
    // A run that was overtaken by an add is followed by one that states its wishes anew.
    const overtaken = (this.wishes.get(key) ?? Infinity) <= this.now
    if (next !== undefined && !overtaken) this.wish(key, this.now + next)
    this.queue.finish(taken, next === undefined ? undefined : { request: taken, dueAt: this.now + next }, this.now)
  }

  apply(command: Command): void {
    switch (command.op) {
      case "add":
        this.wish(command.key, this.now)
        this.queue.add(request(command.key), this.now)
        return
      case "addAfter":
        this.wish(command.key, this.now + command.millis)
        this.queue.addAt(request(command.key), this.now + command.millis, this.now)
        return
      case "take":
        this.take()
        return
      case "finish": {
        const key = [...this.running.keys()][command.nth]
        if (key !== undefined) this.finish(key, command.next)
        return
      }
      case "wait":
        this.now += command.millis
    }
  }

  drain(): void {
    this.now += 1000
    do for (const key of this.running.keys()) this.finish(key, undefined)
    while (this.take())
  }
}

describe("KeyQueue", () => {
  it.prop(
    "gives every key out alone, when it was asked for, and loses none",
    { commands: Schema.Array(Command) },
    ({ commands }) => {
      const model = new Model()
      for (const command of commands) model.apply(command)
      model.drain()
      assert.deepStrictEqual([...model.wishes.keys()], [])
      assert.strictEqual(model.queue.size, 0)
      assert.strictEqual(model.queue.depth, 0)
    },
    { arbitrary: { runs: 500 } }
  )

  it("gives keys out in order of arrival, each once", () => {
    const queue = new KeyQueue()
    for (const key of ["b", "a", "b", "c", "a"]) queue.add(request(key), 0)
    const order = [queue.take(1), queue.take(1), queue.take(1)].map((taken) => taken?.request.key.name)
    assert.deepStrictEqual(order, ["b", "a", "c"])
    assert.isUndefined(queue.take(1))
  })

  it("runs a key again when it was added while it ran, however often", () => {
    const queue = new KeyQueue()
    const first = request("a")
    queue.add(first, 0)
    queue.take(0)
    assert.isFalse(queue.add(request("a"), 1))
    assert.isFalse(queue.add(request("a"), 2))
    assert.isUndefined(queue.take(3))
    assert.isTrue(queue.finish(first, undefined, 4))
    assert.strictEqual(queue.take(5)?.queuedAt, 4)
    queue.finish(first, undefined, 6)
    assert.isUndefined(queue.take(7))
  })

  it("keeps the earliest of several delays, and an add makes a delayed key run at once", () => {
    const queue = new KeyQueue()
    queue.addAt(request("a"), 100, 0)
    queue.addAt(request("a"), 50, 0)
    queue.addAt(request("a"), 80, 0)
    queue.addAt(request("b"), 60, 0)
    assert.strictEqual(queue.nextDue, 50)
    assert.strictEqual(queue.release(49), 0)
    queue.add(request("b"), 49)
    assert.strictEqual(queue.take(49)?.request.key.name, "b")
    assert.strictEqual(queue.release(50), 1)
    assert.strictEqual(queue.take(50)?.request.key.name, "a")
    // Left-over entries of the same keys release nothing more.
    assert.strictEqual(queue.release(1000), 0)
  })

  it("counts failures in a row by key", () => {
    const queue = new KeyQueue()
    assert.deepStrictEqual([queue.fail(request("a")), queue.fail(request("a")), queue.fail(request("b"))], [1, 2, 1])
    queue.forget(request("a"))
    assert.strictEqual(queue.fail(request("a")), 1)
  })

  it("is quick with many keys", () => {
    const queue = new KeyQueue()
    const requests = Array.from({ length: 20_000 }, (_, i) => request(`machine-${i}`))
    for (const [i, each] of requests.entries()) queue.addAt(each, 1000 + ((i * 7919) % 20_000), 0)
    assert.strictEqual(queue.release(30_000), 20_000)
    let taken = 0
    while (queue.take(30_000) !== undefined) taken += 1
    assert.strictEqual(taken, 20_000)
  })
})
