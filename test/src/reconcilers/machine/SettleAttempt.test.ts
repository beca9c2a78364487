import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as DateTime from "effect/DateTime"
import { TestClock } from "effect/testing"
import { SessionLost } from "../../../../layers/scvmm/ScvmmError.ts"
import { ScvmmSession } from "../../../../layers/scvmm/ScvmmSession.ts"
import { commitMarginSeconds, commitWithinSeconds } from "../../../../src/reconcilers/machine/Creation.ts"
import { settleAttempt } from "../../../../src/reconcilers/machine/CreateStep.ts"
import type { MachineContext } from "../../../../src/reconcilers/machine/MachineContext.ts"
import { connectionOf } from "../../../../src/reconcilers/provider/Connection.ts"
import { scvmmMachine, scvmmProvider } from "../Objects.ts"
import { workshop } from "./Workshop.ts"

const margin = commitMarginSeconds * 1_000
const creation = { execHost: "exec-1", shellId: "S", startedAt: "1970-01-01T00:00:00.000Z" }

const contextOf = Effect.gen(function* () {
  const machine = scvmmMachine()
  const connection = connectionOf(
    scvmmProvider({ spec: { transport: { scheme: "https", authentication: "Basic" } } }),
    { resourceVersion: "1", data: { username: "u", password: "p" } }
  )
  if ("_tag" in connection) return yield* Effect.die(connection.message)
  const context: MachineContext = {
    workshop: yield* workshop,
    around: { machine, owner: undefined, cluster: undefined, scvmmCluster: undefined },
    machine,
    placement: { cloud: undefined, hostGroup: undefined, networking: undefined, failureDomain: undefined },
    connection
  }
  return context
})

const sessions = (reachable: boolean, deleted: Array<string>) =>
  Layer.mock(ScvmmSession, {
    deleteShell: (_, { shellId }) =>
      Effect.suspend(() => {
        deleted.push(shellId)
        return reachable
          ? Effect.void
          : Effect.fail(new SessionLost({ host: "exec-1", function: "Delete", detail: "no route" }))
      })
  })

describe("CreateStep.settleAttempt", () => {
  const deleted: Array<string> = []
  it.effect("a deleted shell does not recall a request: the margin runs from its deletion, which happens once", () =>
    Effect.gen(function* () {
      const context = yield* contextOf
      assert.strictEqual(yield* settleAttempt(context, creation), margin)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* settleAttempt(context, creation), margin - 10_000)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* settleAttempt(context, creation), 0)
      assert.deepStrictEqual(deleted, ["S"])
    }).pipe(Effect.provide(sessions(true, deleted)))
  )

  it.effect("an attempt whose answer was seen needs neither: its session may be another machine's", () => {
    const none: Array<string> = []
    return Effect.gen(function* () {
      const context = yield* contextOf
      context.workshop.endings.record(context.machine.metadata.uid, creation, { _tag: "Answered" })
      assert.strictEqual(yield* settleAttempt(context, creation), 0)
      assert.deepStrictEqual(none, [])
      // A later attempt of the same machine starts anew.
      const later = { ...creation, startedAt: DateTime.formatIso(yield* DateTime.now), shellId: "T" }
      assert.strictEqual(yield* settleAttempt(context, later), margin)
      assert.deepStrictEqual(none, ["T"])
    }).pipe(Effect.provide(sessions(true, none)))
  })

  it.effect("a record by a clock that is hours behind or ahead changes nothing of the wait", () =>
    Effect.gen(function* () {
      for (const startedAt of ["1969-12-31T22:00:00Z", "1970-01-01T02:00:00Z", "yesterday"]) {
        const context = yield* contextOf
        assert.strictEqual(
          yield* settleAttempt(context, { ...creation, startedAt }),
          commitWithinSeconds * 1_000 + margin
        )
      }
    }).pipe(Effect.provide(sessions(false, [])))
  )

  it.effect("a shell that is out of reach: the whole window of its command must pass", () =>
    Effect.gen(function* () {
      const context = yield* contextOf
      assert.strictEqual(yield* settleAttempt(context, creation), commitWithinSeconds * 1_000 + margin)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* settleAttempt(context, creation), commitWithinSeconds * 1_000 + margin - 60_000)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* settleAttempt(context, creation), 0)
    }).pipe(Effect.provide(sessions(false, [])))
  )
})
