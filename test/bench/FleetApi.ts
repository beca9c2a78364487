/** A large site's Kubernetes API in a process of its own (FleetServer), from the outside. */
import * as Effect from "effect/Effect"
import * as path from "node:path"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import * as Process from "../harness/Process.ts"
import { eventually } from "../scenarios/Site.ts"

export interface Written {
  /** plural/name. */
  readonly path: string
  /** When its request arrived, in milliseconds since the epoch. */
  readonly at: number
}

export interface FleetApi {
  readonly kubeconfig: string
  /** Whether anybody has watched that kind. */
  readonly watches: (plural: string) => Effect.Effect<boolean>
  /** All that was written through the API since it is ready. */
  readonly written: Effect.Effect<ReadonlyArray<Written>>
}

const server = path.join(import.meta.dirname, "FleetServer.ts")

/** Ends with the scope. */
export const start = Effect.fnUntraced(function* (options: { readonly folder: string; readonly machines: number }) {
  const kubeconfig = path.join(options.folder, "kubeconfig")
  const log = path.join(options.folder, "api.log")
  yield* Process.spawn(process.execPath, [server, String(options.machines), kubeconfig], log)
  const lines = OperatorProcess.linesOf(log)
  yield* eventually(
    "the API is ready",
    Effect.map(lines, (all) => all.find(({ ready }) => ready === true)),
    300
  )
  return {
    kubeconfig,
    watches: (plural) => Effect.map(lines, (all) => all.some(({ watched }) => watched === plural)),
    written: Effect.map(lines, (all) =>
      all.flatMap(({ wrote, at }) => (wrote === undefined ? [] : [{ path: String(wrote), at: Number(at) }]))
    )
  } satisfies FleetApi as FleetApi
})
