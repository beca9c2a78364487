/** A simulated site for scenarios: SCVMM on a real socket, a Kubernetes API embedded or real, and the operator in this process. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Logging from "../../layers/telemetry/Logging.ts"
import type { Handler, Request } from "../../schemas/http/Exchange.ts"
import * as FeatureGates from "../../src/reconcilers/FeatureGates.ts"
import { program } from "../../src/cli/ManagerProgram.ts"
import * as Access from "../../src/simulators/kube/Access.ts"
import * as RemoteApiServer from "../../src/simulators/kube/RemoteApiServer.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import type { KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import { scaled, realistic } from "../../src/simulators/scvmm/Latency.ts"
import * as World from "../../src/simulators/World.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { temporary } from "../harness/Folder.ts"

const pace = { network: "50 millis", kubeadm: "50 millis", retry: "50 millis" } as const

export interface Options {
  readonly seed: string
  /** Of a real Kubernetes API; an embedded one unless given. */
  readonly kubeconfig?: string
  /** How fast SCVMM and its guests are; several hundred times real time unless given. */
  readonly speed?: Pick<World.Options, "latency" | "pace">
  /** Functions of SCVMM that stand in for the usual ones. */
  readonly functions?: World.Options["functions"]
  /** Sees every request that arrives at WinRM. */
  readonly onWinRm?: (request: Request) => void
}

/** SCVMM, its guests and a Kubernetes API. Everything ends with the scope. */
export const site = Effect.fnUntraced(function* (options: Options) {
  const folder = yield* temporary("scenario")
  const real =
    options.kubeconfig === undefined
      ? undefined
      : Access.make(yield* RemoteApiServer.remote(fs.readFileSync(options.kubeconfig, "utf8")))
  const world = yield* World.make({
    ...(options.speed ?? { latency: scaled(realistic, 0.002), pace }),
    seed: options.seed,
    ...(options.functions !== undefined && { functions: options.functions }),
    ...(real !== undefined && { kubernetes: real })
  })
  yield* Effect.forkScoped(world.join)
  const authority = yield* CertificateAuthority.make("scenario")
  const tls = yield* authority.issue({ commonName: "localhost", usage: "server" })
  const handler: Handler = (request, connection) => {
    options.onWinRm?.(request)
    return world.winrm.handler(request, connection)
  }
  const winrm = yield* Listener.listen({ handler, tls })
  let kubeconfig = options.kubeconfig
  if (kubeconfig === undefined && world.kubernetes !== undefined) {
    const server = yield* Listener.listen({ handler: world.kubernetes.handler, tls })
    kubeconfig = path.join(folder, "kubeconfig")
    fs.writeFileSync(kubeconfig, world.kubernetes.kubeconfig(server.origin, authority.ca), { mode: 0o600 })
  }
  const [account] = world.scvmm.inventory.accounts
  return {
    world,
    /** A temporary folder. */
    folder,
    kubeconfig: kubeconfig ?? "",
    target: {
      port: winrm.port,
      ca: authority.ca,
      vmmHost: world.scvmm.inventory.vmmServer.name,
      userName: account?.userName ?? "",
      password: account?.password ?? ""
    }
  }
})

/** The operator, as `manager` runs it, over real sockets; interrupting it is a regular end. */
export const operator = (kubeconfig: string) =>
  program({
    kubeconfig,
    namespace: "",
    watchFilter: undefined,
    healthAddress: "127.0.0.1:0",
    diagnosticsAddress: "127.0.0.1:0",
    machineConcurrency: 10,
    clusterConcurrency: 2,
    providerConcurrency: 2,
    sweepPeriod: Duration.seconds(120),
    transitionPeriod: Duration.millis(200),
    featureGates: FeatureGates.defaults,
    leaderElection: undefined,
    gracefulShutdown: Duration.seconds(30),
    recordWire: undefined
  })

/** Waits until `probe` answers something else than undefined; the last thing seen is in the failure. */
export const eventually = <A, E, R>(what: string, probe: Effect.Effect<A | undefined, E, R>, seconds = 60) =>
  Effect.gen(function* () {
    for (;;) {
      const found = yield* probe
      if (found !== undefined) return found
      yield* Effect.sleep("100 millis")
    }
  }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.seconds(seconds),
      orElse: () => Effect.die(new Error(`not within ${seconds} s: ${what}`))
    })
  )

export const create = Effect.fnUntraced(function* (
  access: Access.Access,
  namespace: string,
  kind: Core.Kind,
  object: KubeJson
) {
  return yield* access.create(kind, namespace, { apiVersion: Core.apiVersion(kind), kind: kind.kind, ...object })
})

/** Scenarios are judged by what happens; SCENARIO_LOG=Info shows what the operator says meanwhile. */
export const quiet = Effect.provideService(
  References.MinimumLogLevel,
  Logging.parseLevel(process.env["SCENARIO_LOG"] ?? "none") ?? "None"
)
