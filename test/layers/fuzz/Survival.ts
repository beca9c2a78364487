/** Gives a reader damaged inputs by the hundred thousand, and holds it to what a reader of foreign bytes owes. */
import { assert } from "@effect/vitest"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { seed } from "../../harness/Chance.ts"
import { chance, damage } from "./Mutation.ts"

/** How many damaged inputs each reader is given. */
const cases = Number(process.env["FUZZ_CASES"] ?? "100000")
/** TEST_SEED is any text. */
const start = [...seed].reduce((number, character) => Math.imul(number, 31) + character.charCodeAt(0), 0)

/** Milliseconds of computing for a batch of inputs of a few kilobytes: one that takes worse than linear time exceeds it. */
const patience = 500
/** Asking for the time costs as much as reading. */
const batch = 100
/** Bytes that all readings together may leave behind. */
const leftovers = 16 * 1024 * 1024

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const held = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

/** What a value holds: each object and member, and each text and byte array by its length, once however often it occurs. */
export const sizeOf = (root: unknown): number => {
  const seen = new Set<unknown>()
  const waiting: Array<unknown> = [root]
  let size = 0
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (value === null || (typeof value !== "object" && typeof value !== "string") || seen.has(value)) continue
    seen.add(value)
    if (typeof value === "string") size += value.length
    else if (value instanceof Uint8Array) size += value.length
    else {
      const members = value instanceof Map ? [...value].flat() : Object.values(value)
      size += 1 + members.length
      for (const member of members) waiting.push(member)
    }
  }
  return size
}

export interface Reader {
  /** Whole inputs, from which the damaged ones are made. */
  readonly inputs: ReadonlyArray<Uint8Array>
  /** What was read; undefined where the reader refused with its own error. Anything thrown is a crash. */
  readonly read: (input: Uint8Array, pick: (below: number) => number) => unknown
  /** What may be read of n bytes: so many times n, and 100. */
  readonly growth: number
}

/** Without the stacks of errors that nobody looks at: making them costs more than reading. */
const withoutStacks = (body: () => void): void => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 1
  try {
    body()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** No crash, soon, no more than the input allows, nothing left behind; what is wrong is told with the seed and the case. */
export const survive = ({ inputs, read, growth }: Reader): void => {
  let understood = 0
  const survived = (index: number): void => {
    const pick = chance(Math.imul(start, 1_000_003) + index)
    const one = inputs[pick(inputs.length)] ?? new Uint8Array(0)
    const other = inputs[pick(inputs.length)] ?? new Uint8Array(0)
    const input = damage(one, other, pick)
    const told = () => `TEST_SEED=${seed}, case ${index}`
    let value: unknown
    try {
      value = read(input, pick)
    } catch (error) {
      throw new Error(`${told()}: ${Buffer.from(input).toString("base64")}`, { cause: error })
    }
    if (value === undefined) return
    understood++
    const size = sizeOf(value)
    if (size > growth * input.length + 100) assert.fail(`${told()}: ${size} from ${input.length} bytes`)
  }
  const before = held()
  withoutStacks(() => {
    for (let first = 0; first < cases; first += batch) {
      const startedAt = process.cpuUsage()
      for (let index = first; index < Math.min(first + batch, cases); index++) survived(index)
      const { user } = process.cpuUsage(startedAt)
      assert.isBelow(user / 1000, patience, `TEST_SEED=${seed}, cases from ${first} took too long`)
    }
  })
  assert.isBelow(held() - before, leftovers, "memory is left behind")
  // Damage that nothing survives would reach no reader behind the first.
  assert.isAbove(understood, cases / 50)
  assert.isBelow(understood, cases)
}
