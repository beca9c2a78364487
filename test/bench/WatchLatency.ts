/** How long after a write to a ScvmmMachine its reconcile begins: the operator, and its peer, at rest on a small site. */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as Access from "../../src/simulators/kube/Access.ts"
import * as RemoteApiServer from "../../src/simulators/kube/RemoteApiServer.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { eventually } from "../scenarios/Site.ts"
import type { Bench } from "./Bench.ts"
import { figure, median } from "./Bench.ts"
import { machineName, namespace } from "./Fleet.ts"
import * as FleetApi from "./FleetApi.ts"
import type { Subject } from "./Subject.ts"
import * as Subjects from "./Subject.ts"
import { temporary } from "../harness/Folder.ts"

const machines = 50

/** Milliseconds since the epoch at which reconciles of that object were told. */
const reconciles = (subject: Subject, name: string): Effect.Effect<ReadonlyArray<number>> =>
  Effect.map(subject.lines, (lines) =>
    lines.flatMap((line) => {
      if (line["reconciled"] === name) return [Number(line["at"])]
      // A no-op: its end is within a fraction of a millisecond of its beginning.
      const ours = line["controller"] === "scvmmmachine" && line["name"] === name
      return ours && line["message"] === "reconciled" ? [Date.parse(String(line["timestamp"]))] : []
    })
  )

const latencies = Effect.fnUntraced(function* (subject: Subject, api: FleetApi.FleetApi, access: Access.Access) {
  yield* Subjects.reconciledAll(subject, machines)
  const found: Array<number> = []
  for (let index = 0; index < machines; index++) {
    const name = machineName(index)
    const before = (yield* reconciles(subject, name)).length
    yield* access.mergePatch(Core.ScvmmMachine, namespace, name, {
      metadata: { annotations: { touched: String(subject.pid) } }
    })
    const [at = Number.NaN] = yield* eventually(
      "the reconcile",
      Effect.map(reconciles(subject, name), (all) => (all.length > before ? all.slice(before) : undefined))
    )
    const written = (yield* api.written).findLast((write) => write.path.endsWith(`/${name}`))
    // The log's clock has whole milliseconds.
    found.push(Math.max(0, at - (written?.at ?? Number.NaN)))
  }
  return median(found)
})

export const watchLatency: Bench = {
  keys: ["watch.to_reconcile_ms"],
  measure: Effect.gen(function* () {
    const folder = yield* temporary("bench")
    const api = yield* FleetApi.start({ folder, machines })
    const access = Access.make(yield* RemoteApiServer.remote(fs.readFileSync(api.kubeconfig, "utf8")))
    const options = { folder, kubeconfig: api.kubeconfig, told: true }
    const ours = yield* Effect.scoped(
      Effect.flatMap(Subjects.operator(options), (subject) => latencies(subject, api, access))
    )
    const peer = yield* Effect.scoped(
      Effect.flatMap(Subjects.peerOf(options, yield* api.watches("ipaddressclaims")), (subject) =>
        subject === undefined ? Effect.undefined : latencies(subject, api, access)
      )
    )
    return { "watch.to_reconcile_ms": figure(ours, "ms", { peer, better: "lower" }) }
  }).pipe(Effect.orDie)
}
