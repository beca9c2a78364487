import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { KeyQueue } from "../../../src/runtime/KeyQueue.ts"
import * as Priority from "../../../src/runtime/Priority.ts"
import type { Request } from "../../../src/runtime/Request.ts"
import { make } from "../../../src/runtime/Request.ts"

const Key = Schema.Literals(["a", "b", "c", "d"])
const Millis = Schema.Literals([0, 1, 5, 20, 100])
const Level = Schema.Literals([Priority.normal, Priority.low])
const Command = Schema.Union([
  Schema.Struct({ op: Schema.Literal("add"), key: Key, priority: Level }),
  Schema.Struct({ op: Schema.Literal("addAfter"), key: Key, priority: Level, millis: Millis }),
  Schema.Struct({ op: Schema.Literal("take") }),
  Schema.Struct({ op: Schema.Literal("finish"), nth: Schema.Literals([0, 1, 2]), next: Schema.optionalKey(Millis) }),
  Schema.Struct({ op: Schema.Literal("wait"), millis: Millis })
])
type Command = typeof Command.Type

const request = (key: string, priority: Priority.Priority = Priority.normal): Request =>
  make({ namespace: "n", name: key }, "test", priority)

interface Wish {
  priority: Priority.Priority
  /** When it may run; 0: at once. */
  at: number
  /** When it came to wait at its priority: the time, and the number of the command within it. */
  order: ReadonlyArray<number>
}

/** What a queue is, told naively: one list of wishes, searched whole at every take. */
class Reference {
  now = 0
  step = 0
  passed = 0
  readonly wishes = new Map<string, Wish>()
  readonly running = new Map<string, Priority.Priority>()

  wish(key: string, priority: Priority.Priority, at: number): void {
    const known = this.wishes.get(key)
    const due = at <= this.now ? 0 : at
    const promoted = known !== undefined && priority > known.priority
    const became = due === 0 && (known === undefined || known.at > 0)
    this.wishes.set(key, {
      priority: promoted || known === undefined ? priority : known.priority,
      at: Math.min(known?.at ?? Infinity, due),
      order: known === undefined || promoted || became ? [this.now, this.step] : known.order
    })
  }

  /** Delays that are over: they come to wait one after another, as they were due. */
  release(): void {
    for (const [key, wish] of this.wishes) {
      if (wish.at > 0 && wish.at <= this.now && !this.running.has(key)) {
        this.wishes.set(key, { ...wish, at: 0, order: [this.now, this.step, wish.at] })
      }
    }
  }

  ready(priority: Priority.Priority): ReadonlyArray<string> {
    const waiting = [...this.wishes].filter(
      ([key, wish]) => wish.at === 0 && wish.priority === priority && !this.running.has(key)
    )
    const order = (wish: Wish) => wish.order.map((part) => String(part).padStart(8, "0")).join()
    const first = waiting.map(([, wish]) => order(wish)).toSorted()[0]
    // Delays that were over at the same time are in no order.
    return waiting.filter(([, wish]) => order(wish) === first).map(([key]) => key)
  }

  /** Who may be taken: of normal wishes the first, every tenth time the first of low ones. */
  take(): ReadonlyArray<string> {
    const [normal, low] = [this.ready(Priority.normal), this.ready(Priority.low)]
    return normal.length === 0 || (low.length > 0 && this.passed === 9) ? low : normal
  }

  taken(key: string): void {
    const priority = this.wishes.get(key)?.priority ?? Priority.normal
    this.wishes.delete(key)
    this.running.set(key, priority)
    this.passed = priority === Priority.low || this.ready(Priority.low).length === 0 ? 0 : this.passed + 1
  }

  finish(key: string, next: number | undefined): void {
    const priority = this.running.get(key) ?? Priority.normal
    const known = this.wishes.get(key)
    const dirty = known?.at === 0
    if (next !== undefined) this.wish(key, priority, dirty ? this.now : this.now + next)
    this.running.delete(key)
    const wish = this.wishes.get(key)
    // What came while it ran waits from now on.
    if (wish !== undefined && wish.at <= this.now) {
      this.wishes.set(key, { ...wish, at: 0, order: [this.now, this.step] })
    }
  }
}

/** Both, in step. */
class Pair {
  readonly queue = new KeyQueue()
  readonly reference = new Reference()
  readonly running = new Map<string, Request>()
  runs = 0

  take(): boolean {
    const { now } = this.reference
    const expected = this.reference.take()
    const depth = { normal: 0, low: 0 }
    for (const [key, wish] of this.reference.wishes) {
      if (wish.at === 0 && !this.reference.running.has(key))
        depth[wish.priority === Priority.low ? "low" : "normal"] += 1
    }
    assert.deepStrictEqual(this.queue.depth, depth)
    const taken = this.queue.take(now)
    if (taken === undefined) {
      assert.deepStrictEqual(expected, [], "somebody waits, and nobody was given out")
      return false
    }
    const key = taken.request.key.name
    assert.isFalse(this.running.has(key), `${key} runs twice at once`)
    assert.include(expected, key)
    assert.strictEqual(taken.request.priority, this.reference.wishes.get(key)?.priority)
    assert.isAtMost(taken.queuedAt, now)
    this.reference.taken(key)
    this.running.set(key, taken.request)
    this.runs += 1
    return true
  }

  finish(key: string, next: number | undefined): void {
    const taken = this.running.get(key)
    if (taken === undefined) return
    const { now } = this.reference
    this.running.delete(key)
    this.reference.finish(key, next)
    this.queue.finish(taken, next === undefined ? undefined : { request: taken, dueAt: now + next }, now)
  }

  apply(command: Command): void {
    const { reference } = this
    reference.step += 1
    switch (command.op) {
      case "add":
        reference.wish(command.key, command.priority, reference.now)
        this.queue.add(request(command.key, command.priority), reference.now)
        return
      case "addAfter": {
        const at = reference.now + command.millis
        reference.wish(command.key, command.priority, at)
        this.queue.addAt(request(command.key, command.priority), at, reference.now)
        return
      }
      case "take":
        this.take()
        return
      case "finish": {
        const key = [...this.running.keys()][command.nth]
        if (key !== undefined) this.finish(key, command.next)
        return
      }
      case "wait":
        this.wait(command.millis)
    }
  }

  wait(millis: number): void {
    this.reference.now += millis
    this.queue.release(this.reference.now)
    this.reference.release()
  }

  drain(): void {
    this.wait(1000)
    do {
      this.reference.step += 1
      for (const key of this.running.keys()) this.finish(key, undefined)
    } while (this.take())
  }
}

describe("KeyQueue", () => {
  it.prop(
    "gives out what a naive list of wishes would: once, in its turn, at its time, and loses none",
    { commands: Schema.Array(Command) },
    ({ commands }) => {
      const pair = new Pair()
      for (const command of commands) pair.apply(command)
      pair.drain()
      assert.deepStrictEqual([...pair.reference.wishes.keys()], [])
      assert.strictEqual(pair.queue.size, 0)
    },
    { arbitrary: { runs: 1000, size: 60 } }
  )

  it("serves what somebody did before the rest, each in order of arrival", () => {
    const queue = new KeyQueue()
    for (const key of ["l1", "l2"]) queue.add(request(key, Priority.low), 0)
    for (const key of ["n1", "n2"]) queue.add(request(key), 1)
    // Promoted: to the end of its new priority. Asked for again by the way: as it was.
    queue.add(request("l2"), 2)
    queue.add(request("n1", Priority.low), 2)
    assert.deepStrictEqual(queue.depth, { normal: 3, low: 1 })
    const order = Array.from({ length: 4 }, () => queue.take(3))
    assert.deepStrictEqual(
      order.map((taken) => taken?.request.key.name),
      ["n1", "n2", "l2", "l1"]
    )
    // How long it waited is told from the first wish on.
    assert.strictEqual(order[2]?.queuedAt, 0)
  })

  it("a delayed key that is promoted keeps its time, and comes first when it is due", () => {
    const queue = new KeyQueue()
    queue.addAt(request("late", Priority.low), 100, 0)
    queue.addAt(request("late"), 200, 0)
    queue.add(request("early", Priority.low), 50)
    assert.strictEqual(queue.release(99), 0)
    assert.strictEqual(queue.release(100), 1)
    assert.deepInclude(queue.take(100)?.request, { key: { namespace: "n", name: "late" }, priority: Priority.normal })
  })

  it("low keys get every tenth run however many normal ones come, and no turn is saved up while none waits", () => {
    const queue = new KeyQueue()
    const take = (i: number) => {
      queue.add(request(`n${i}`), i)
      return queue.take(i)?.request.priority
    }
    for (let i = 0; i < 50; i++) assert.strictEqual(take(i), Priority.normal)
    for (let i = 0; i < 3; i++) queue.add(request(`l${i}`, Priority.low), 50)
    const taken = Array.from({ length: 40 }, (_, i) => take(50 + i))
    assert.deepStrictEqual(
      taken.flatMap((priority, i) => (priority === Priority.low ? [i] : [])),
      [9, 19, 29]
    )
  })

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
