/** How long the operator takes from the start of its process to its first reconcile, of one provider on an embedded API server. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import * as Bundle from "../harness/Bundle.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import { create, eventually, site } from "../scenarios/Site.ts"
import type { Bench } from "./Bench.ts"
import { figure, median } from "./Bench.ts"

const namespace = "default"
const starts = 5

export const firstReconcile: Bench = {
  keys: ["start.first_reconcile_ms"],
  measure: Effect.gen(function* () {
    yield* Bundle.once
    const here = yield* site({ seed: "start" })
    // Without its Secret: the reconcile says so, and dials nobody.
    const [, provider] = Demo.manifests({ ...here.target, namespace }, { controlPlanes: 0, workers: 0 })
    if (provider === undefined) return yield* Effect.die(new Error("no provider"))
    yield* create(here.world.access, namespace, provider.kind, provider.object)
    const start = Effect.gen(function* () {
      const operator = yield* OperatorProcess.start({
        command: OperatorProcess.deployed(),
        kubeconfig: here.kubeconfig,
        log: path.join(here.folder, "operator.log"),
        // Every reconcile ends with a line at this level.
        env: { LOG_LEVEL: "debug" }
      })
      const line = yield* eventually(
        "a reconcile",
        Effect.map(operator.lines, (lines) => lines.find(({ reconcileID }) => reconcileID !== undefined))
      )
      yield* operator.stop
      return DateTime.toEpochMillis(DateTime.makeUnsafe(String(line["timestamp"]))) - operator.startedAt
    }).pipe(Effect.scoped)
    return { "start.first_reconcile_ms": figure(median(yield* Effect.replicateEffect(start, starts)), "ms") }
  }).pipe(Effect.orDie)
}
