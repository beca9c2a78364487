/** A runspace pool's life — opened, called, closed — while chance disturbs its exchanges and gives calls up, in virtual time. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { PipelineResult } from "../../../layers/psrp/PipelineResult.ts"
import type { PsrpError } from "../../../layers/psrp/PsrpError.ts"
import { open, type RunspacePool } from "../../../layers/psrp/RunspacePool.ts"
import { secureString } from "../../../layers/psrp/SecureString.ts"
import type { Disturbance } from "../../../src/simulators/scvmm/Disturbance.ts"
import { make as makeEntropy } from "../../../src/simulators/scvmm/Entropy.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { listen } from "../wsman/SimulatedListener.ts"
import { chosen, whole } from "./TurmoilChance.ts"
import { ruleOf } from "./TurmoilRules.ts"
import { answerOf, hostOf, type Task, taskOf } from "./TurmoilTask.ts"

const idleTimeoutSeconds = 60

/** How a call ended. */
type Ended = Exit.Exit<PipelineResult, PsrpError>

const invoke = (pool: RunspacePool, task: Task) =>
  pool.invoke(
    [
      {
        name: "Invoke-Task",
        parameters: {
          Id: task.id,
          ...(task.secret !== undefined && { Secret: secureString(Redacted.make(task.secret)) })
        }
      }
    ],
    task.input.length === 0 ? {} : { input: Stream.fromIterable(task.input) }
  )

const steps = (count: number) => Effect.repeat(Effect.yieldNow, { times: count })

/** One call; or, of two that wait for one another, one of them. */
const attempt = Effect.fnUntraced(function* (pool: RunspacePool, task: Task) {
  const began = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(invoke(pool, task))
  if (task.givenUp !== undefined) {
    if (task.givenUp.steps !== undefined) yield* steps(task.givenUp.steps)
    if (task.givenUp.seconds !== undefined) yield* Effect.sleep(task.givenUp.seconds * 1000)
    yield* Fiber.interrupt(fiber)
  }
  const ended: Ended = yield* Fiber.await(fiber)
  return { ended, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000 }
})

/** The longest that a call may take beside what it does itself: three silences, three waits, and Windows' slack. */
const limitSeconds = 240

/** What must hold of one call; `ran`: how often the host began it. */
const judge = (task: Task, ended: Ended, ran: number, found: Array<string>): void => {
  const tell = (what: string) => void found.push(`${task.id} ${what}`)
  if (ran > 1) tell(`ran ${ran} times`)
  if (Exit.isSuccess(ended)) {
    const { state, output } = ended.value
    if (ran !== 1) tell(`succeeded, and ran ${ran} times`)
    if (state !== "Completed") return tell(`ended as ${state}: ${ended.value.terminatingError?.message ?? ""}`)
    const expected = answerOf(task)
    if (output.length !== expected.length || output.some((value, at) => value !== expected[at]))
      tell(`answered ${output.map((value) => String(value).length).join(", ")} characters`)
    if (ended.value.progress.length !== task.progress) tell(`told of ${ended.value.progress.length} steps`)
    return
  }
  const failed = Cause.findErrorOption(ended.cause)
  if (Option.isSome(failed)) {
    if (!failed.value.sent && ran > 0) tell(`ran, although nothing was sent: ${failed.value.message}`)
  } else if (task.givenUp === undefined || !Cause.hasInterruptsOnly(ended.cause))
    tell(`died: ${Cause.pretty(ended.cause)}`)
}

/** Everything of it is drawn from the seed. Each text is something that must not be. */
export const life = (seed: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const entropy = yield* makeEntropy(seed)
    const tasks = new Map<string, Task>()
    const began: Array<string> = []
    const listener = yield* listen({
      host: hostOf(tasks, began),
      seed,
      delivery: chosen(entropy, ["Gathered", "Piecewise"]),
      fragmentBytes: chosen(entropy, [32_768, 5000, 1500]),
      quotas: {
        disconnectIdleSeconds: chosen(entropy, [Infinity, 30]),
        maxTimeoutSeconds: chosen(entropy, [60, 5])
      }
    })
    const sealed = entropy.fraction() < 0.3
    const rules = Array.from({ length: whole(entropy, 1, 4) }, () => ruleOf(entropy, sealed))
    const may = (tag: Disturbance["_tag"]) => rules.some(({ disturbance }) => disturbance._tag === tag)
    listener.disturb(rules)
    const found: Array<string> = []
    const scope = yield* Scope.make()
    const wsman = yield* Scope.provide(sealed ? listener.sealedClient : listener.client, scope)
    const own = yield* Scope.make()
    const opened = yield* Effect.exit(Scope.provide(open(wsman, { idleTimeoutSeconds, openTimeoutSeconds: 100 }), own))
    const ends: Array<{ readonly task: Task; readonly ended: Ended }> = []
    const newTask = (over: Partial<Task> = {}) => {
      const task = { ...taskOf(entropy, `task-${tasks.size}`), ...over }
      tasks.set(task.id, task)
      return task
    }
    const call = Effect.fnUntraced(function* (pool: RunspacePool, task: Task) {
      const { ended, seconds } = yield* attempt(pool, task)
      ends.push({ task, ended })
      const bounded = rules.every(({ probability }) => probability === undefined)
      if (bounded && seconds > limitSeconds + task.seconds) found.push(`${task.id} took ${seconds} s`)
      return ended
    })
    if (Exit.isSuccess(opened)) {
      const pool = opened.value
      for (let calls = whole(entropy, 1, 5); calls > 0; calls--) {
        if (entropy.fraction() < 0.2) {
          // Two callers: the second waits for the first.
          const pair = [newTask(), newTask()]
          const fibers = yield* Effect.forEach(pair, (task) => Effect.forkChild(attempt(pool, task)))
          for (const [at, fiber] of fibers.entries()) {
            const task = pair[at]
            if (task !== undefined) ends.push({ task, ended: (yield* Fiber.join(fiber)).ended })
          }
        } else yield* call(pool, newTask())
        if (entropy.fraction() < 0.3) yield* Effect.sleep(whole(entropy, 0, 40) * 1000)
        if (entropy.fraction() < 0.3) yield* Effect.exit(pool.check)
      }
      const after = entropy.fraction()
      if (after < 0.2) {
        // Released while a call runs.
        const running = yield* Effect.forkChild(call(pool, newTask({ givenUp: undefined })))
        yield* Effect.sleep(whole(entropy, 0, 20) * 1000)
        yield* Scope.close(own, Exit.void)
        yield* Fiber.join(running)
      } else if (after < 0.8) {
        listener.disturb([])
        yield* Effect.sleep("10 seconds")
        const usable = Option.isNone(yield* pool.broken)
        if (usable) {
          const [shell] = yield* listener.shells
          // A listener may say, of a command that it has, that it has none.
          if (shell !== undefined && shell.pipelinesHeld > 0 && !may("Fault"))
            found.push(`${shell.pipelinesHeld} pipelines are held, ${shell.pipelinesRunning} run`)
          const ended = yield* call(pool, newTask({ givenUp: undefined }))
          // A shell that nothing was asked of for longer than its idle timeout is gone.
          if (shell !== undefined && Exit.isFailure(ended) && !may("Fault") && !may("Forget"))
            found.push(`it does not heal: ${Cause.pretty(ended.cause)}`)
        }
        yield* Scope.close(own, Exit.void)
        const left = yield* listener.shells
        // A log-on that is forgotten at once, or with Basic at any time, is one that is refused: nothing follows it.
        if (left.length > 0 && !may("Forget")) found.push(`${left.length} shells are left`)
      }
    } else if (Option.isNone(Cause.findErrorOption(opened.cause))) found.push(`open: ${Cause.pretty(opened.cause)}`)
    yield* Scope.close(own, Exit.void)
    yield* Scope.close(scope, Exit.void)
    yield* Effect.sleep(`${idleTimeoutSeconds + 65} seconds`)
    if ((yield* listener.shells).length > 0) found.push("a shell is left after its idle timeout")
    for (const { task, ended } of ends) judge(task, ended, began.filter((id) => id === task.id).length, found)
    const once = listener.seen.filter(({ action }) => action === "Create" || action === "Command" || action === "Send")
    const repeated = once.length - new Set(once.map(({ messageId }) => messageId)).size
    // A log-on that was forgotten is no delivery.
    if (repeated > 0 && !may("Forget")) found.push(`${repeated} requests were sent twice`)
    return found.map((what) => `${what.replaceAll(/\s+/gu, " ")} — ${JSON.stringify(rules)}`)
  }).pipe(Effect.scoped, Effect.timeoutOption("50 minutes"), Effect.map(Option.getOrElse(() => ["it hangs"])), inTime)
