/** `manager`: the operator. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Logging from "../../layers/telemetry/Logging.ts"
import * as Tracing from "../../layers/telemetry/Tracing.ts"
import { program } from "./ManagerProgram.ts"

const concurrency = (kind: string, value: number) =>
  Flag.Int(`${kind}-concurrency`).pipe(
    Flag.withDescription(`${kind} objects reconciled at once (default ${value})`),
    Flag.withDefault(value)
  )

const seconds = (name: string, what: string, value: number) =>
  Flag.Finite(name).pipe(Flag.withDescription(`${what}, in seconds (default ${value})`), Flag.withDefault(value))

export const manager = Command.make(
  "manager",
  {
    kubeconfig: Flag.String("kubeconfig").pipe(
      Flag.withDescription("kubeconfig file (default: $KUBECONFIG, the pod's service account, ~/.kube/config)"),
      Flag.optional
    ),
    namespace: Flag.String("namespace").pipe(
      Flag.withDescription("namespace to watch, providers aside: those may be in any (default: all)"),
      Flag.withDefault("")
    ),
    watchFilter: Flag.String("watch-filter").pipe(
      Flag.withDescription(
        "only ScvmmMachines and ScvmmClusters whose label cluster.x-k8s.io/watch-filter has this value"
      ),
      Flag.optional
    ),
    healthAddress: Flag.String("health-probe-bind-address").pipe(
      Flag.withDescription("host:port of /healthz and /readyz (default :8081)"),
      Flag.withDefault(":8081")
    ),
    diagnosticsAddress: Flag.String("diagnostics-address").pipe(
      Flag.withDescription("host:port of /metrics, plain http (default :8080)"),
      Flag.withDefault(":8080")
    ),
    machineConcurrency: concurrency("scvmmmachine", 10),
    clusterConcurrency: concurrency("scvmmcluster", 10),
    providerConcurrency: concurrency("scvmmprovider", 5),
    sweepPeriod: seconds("vm-sync-period", "time between two sweeps over all VMs at rest", 120),
    transitionPeriod: seconds("vm-transition-period", "time between two polls of VMs that are changing", 5)
  },
  (flags) =>
    program({
      ...flags,
      kubeconfig: Option.getOrUndefined(flags.kubeconfig),
      watchFilter: Option.getOrUndefined(flags.watchFilter),
      sweepPeriod: Duration.seconds(flags.sweepPeriod),
      transitionPeriod: Duration.seconds(flags.transitionPeriod)
    }).pipe(Effect.provide(Tracing.layer.pipe(Layer.provideMerge(Logging.layer()))))
).pipe(Command.withDescription("Runs the operator."))
