/**
 * Virtual time: all that is ready to run in one queue, all timers in one heap, and one loop that drives both.
 *
 * Expected flow: what is ready runs, first come first served, until nothing is; then time jumps to the next timer.
 * Guarantees: the loop is synchronous, so nothing but what it runs can make anything ready. "Every fiber waits" is
 * therefore an empty queue, known without guessing; timers of one instant fire in the order in which they were set.
 * Assumptions: whatever is simulated stays inside the Effect runtime. A promise, a socket or a real timer never
 * continues here; a run that needs one is reported as a Standstill.
 * Errors: Standstill, Livelock and OutOfTime, thrown from `run`.
 */
import * as Data from "effect/Data"
import * as MutableList from "effect/MutableList"

/** What a task belongs to: a task of somebody who is gone never runs. */
export interface Owner {
  readonly name: string
  readonly isAlive: () => boolean
}

/** Nobody can run, no timer is set, and the goal is not reached: it waits for itself, or for what is outside Effect. */
export class Standstill extends Data.TaggedError("Standstill")<{ readonly message: string }> {}
/** More was run within one instant than any real work needs. */
export class Livelock extends Data.TaggedError("Livelock")<{ readonly message: string }> {}
/** The goal was not reached in the virtual time that was allowed. */
export class OutOfTime extends Data.TaggedError("OutOfTime")<{ readonly message: string }> {}

interface Task {
  readonly owner: Owner
  readonly run: () => void
}

interface Timer extends Task {
  readonly at: number
  readonly order: number
  cancelled: boolean
}

export interface Options {
  /** Milliseconds since the epoch at the beginning. */
  readonly start: number
  /** Tasks within one instant that are a livelock. */
  readonly stepsPerInstant: number
}

const defaults: Options = { start: Date.UTC(2026, 0, 1), stepsPerInstant: 1_000_000 }

const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

export class Timeline {
  /** Milliseconds since the epoch. */
  now: number
  /** Tasks that were run. */
  steps = 0
  private readonly options: Options
  private readonly ready = MutableList.make<Task>()
  /** A binary heap, the earliest first. */
  private readonly timers: Array<Timer> = []
  private order = 0

  constructor(options: Partial<Options> = {}) {
    this.options = { ...defaults, ...options }
    this.now = this.options.start
  }

  enqueue(owner: Owner, run: () => void): void {
    MutableList.append(this.ready, { owner, run })
  }

  /** Runs it once `millis` have passed, in whole milliseconds as real timers do; answers how to cancel that. */
  after(owner: Owner, millis: number, run: () => void): () => void {
    const timer: Timer = { owner, run, at: this.now + Math.ceil(millis), order: this.order++, cancelled: false }
    this.push(timer)
    return () => {
      timer.cancelled = true
    }
  }

  /** Drives everything until `done`; at most `millis` of virtual time. */
  run(done: () => boolean, millis: number): void {
    const deadline = this.now + millis
    let steps = 0
    while (!done()) {
      const task = MutableList.take(this.ready)
      if (task === MutableList.Empty) {
        this.pass(deadline)
        steps = 0
      } else if (task.owner.isAlive()) {
        steps += 1
        this.steps += 1
        if (steps > this.options.stepsPerInstant) {
          throw new Livelock({
            message: `${steps} steps at ${this.stamp()} without time passing; the last was of ${task.owner.name}`
          })
        }
        task.run()
      }
    }
  }

  /** Virtual time since the beginning, in seconds. */
  stamp(): string {
    return `+${((this.now - this.options.start) / 1000).toFixed(3)}s`
  }

  /** Jumps to the next timer, and makes all of that instant ready. */
  private pass(deadline: number): void {
    const first = this.next()
    if (first === undefined) {
      throw new Standstill({
        message: `at ${this.stamp()} nothing can run and no timer is set: what is waited for never comes, or comes from outside Effect (a promise, a socket)`
      })
    }
    if (first.at > deadline) {
      throw new OutOfTime({
        message: `not reached at ${this.stamp()}; the next timer, of ${first.owner.name}, is ${first.at - this.now} ms away`
      })
    }
    this.now = first.at
    for (let timer = this.next(); timer?.at === this.now; timer = this.next()) {
      const due = this.pop()
      MutableList.append(this.ready, {
        owner: due.owner,
        run: () => {
          // Of two timers of one instant the first may have cancelled the second.
          if (!due.cancelled) due.run()
        }
      })
    }
  }

  /** The earliest timer that still counts. */
  private next(): Timer | undefined {
    for (let timer = this.timers[0]; timer !== undefined; timer = this.timers[0]) {
      if (!timer.cancelled && timer.owner.isAlive()) return timer
      this.pop()
    }
    return undefined
  }

  private push(timer: Timer): void {
    const heap = this.timers
    let at = heap.length
    heap.push(timer)
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || before(parent, timer)) break
      heap[at] = parent
      at = above
    }
    heap[at] = timer
  }

  private pop(): Timer {
    const heap = this.timers
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) throw new Error("no timer is set")
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      if (left === undefined) break
      const smaller = right !== undefined && before(right, left) ? right : left
      if (before(last, smaller)) break
      heap[at] = smaller
      at = smaller === left ? 2 * at + 1 : 2 * at + 2
    }
    heap[at] = last
    return first
  }
}
