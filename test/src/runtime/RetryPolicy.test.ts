import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { Conflict, NotFound, TooManyRequests } from "../../../layers/kube/KubeError.ts"
import * as Action from "../../../src/runtime/Action.ts"
import * as Outcome from "../../../src/runtime/Outcome.ts"
import { backoffMillis, baseMillis, capMillis, decide } from "../../../src/runtime/RetryPolicy.ts"

const Failures = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 }))
const Unit = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))
const at = { method: "PATCH", path: "/p", detail: "" }

describe("RetryPolicy", () => {
  it.prop("backs off between half and all of the exponential, never above the cap", { n: Failures, r: Unit }, (it) => {
    const ceiling = Math.min(capMillis, baseMillis * 2 ** (it.n - 1))
    const millis = backoffMillis(it.n, it.r / 1000)
    assert.isAtLeast(millis, Math.round(ceiling / 2))
    assert.isAtMost(millis, ceiling)
  })

  it("grows from 200 ms to five minutes", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 11, 12, 100].map((n) => backoffMillis(n, 1)),
      [200, 400, 800, 204_800, 300_000, 300_000]
    )
  })

  it("reads every retry", () => {
    assert.deepStrictEqual(decide("terminal", 3, 0.5), { afterMillis: undefined, counts: false })
    assert.deepStrictEqual(decide({ afterMillis: 1000 }, 3, 0), { afterMillis: 1000, counts: false })
    assert.deepStrictEqual(decide("backoff", 1, 0), { afterMillis: 100, counts: true })
    assert.deepStrictEqual(decide("outcome-unknown", 1, 0), decide("backoff", 1, 0))
  })
})

describe("Outcome", () => {
  const of = (exit: Exit.Exit<Action.Action>) => Outcome.of(exit, 1, 0)

  it("of actions", () => {
    assert.deepInclude(of(Exit.succeed(Action.done)), { _tag: "Success", result: "success", afterMillis: undefined })
    assert.deepInclude(of(Exit.succeed(Action.requeueAfter("5 seconds"))), {
      _tag: "Success",
      result: "requeue_after",
      afterMillis: 5000
    })
  })

  it("of errors", () => {
    assert.deepInclude(Outcome.of(Exit.fail(new NotFound(at)), 1, 0), { _tag: "Error", error: "KubeNotFound" })
    assert.deepInclude(Outcome.of(Exit.fail(new TooManyRequests({ ...at, retryAfterSeconds: 7 })), 1, 0), {
      _tag: "Error",
      afterMillis: 7000
    })
    assert.deepInclude(Outcome.of(Exit.fail({ message: "no", retry: "terminal" as const }), 1, 0), {
      _tag: "Terminal",
      result: "error",
      afterMillis: undefined
    })
  })

  it("a conflict is no error, an object that exists already is one", () => {
    assert.deepInclude(Outcome.of(Exit.fail(new Conflict({ ...at, reason: "Conflict" })), 1, 0), {
      _tag: "Conflict",
      result: "requeue",
      afterMillis: 100
    })
    assert.deepInclude(Outcome.of(Exit.fail(new Conflict({ ...at, reason: "AlreadyExists" })), 1, 0), { _tag: "Error" })
  })

  it("a defect is a panic, also beside a failure", () => {
    assert.deepInclude(Outcome.of(Exit.die(new Error("bug")), 1, 0), {
      _tag: "Panic",
      result: "error",
      afterMillis: 100
    })
    const both = Cause.combine(Cause.fail(new NotFound(at)), Cause.die("bug"))
    assert.deepInclude(Outcome.of(Exit.failCause(both), 1, 0), { _tag: "Panic" })
  })
})
