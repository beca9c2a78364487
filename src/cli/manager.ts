/** `manager`: the operator. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Logging from "../../layers/telemetry/Logging.ts"
import * as Tracing from "../../layers/telemetry/Tracing.ts"
import * as FeatureGates from "../reconcilers/FeatureGates.ts"
import * as GoDuration from "./GoDuration.ts"
import { program } from "./ManagerProgram.ts"
import * as RecordWire from "./RecordWire.ts"

const concurrency = (kind: string, value: number) =>
  Flag.Int(`${kind}-concurrency`).pipe(
    Flag.withDescription(`${kind} objects reconciled at once (default ${value})`),
    // Nobody would work at all, and nothing would say so.
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
    Flag.withDefault(value)
  )

const duration = (name: string, what: string, value: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("duration"),
    Flag.withDescription(`${what} (default ${value})`),
    Flag.withDefault(value),
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(GoDuration.parse(text)),
      () => "a duration such as 15s or 1m30s"
    )
  )

/** Between two polls: without a pause they would be a loop. */
const period = (name: string, what: string, value: string) =>
  duration(name, what, value).pipe(
    Flag.filter(
      (period) => Duration.isGreaterThan(period, Duration.zero),
      () => "a duration greater than zero"
    )
  )

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
    sweepPeriod: period("vm-sync-period", "time between two sweeps over all VMs at rest", "120s"),
    transitionPeriod: period("vm-transition-period", "time between two polls of VMs that are changing", "5s"),
    featureGates: Flag.String("feature-gates").pipe(
      Flag.withMetavar("gates"),
      Flag.withDescription(
        "comma-separated name=true|false: ExtraFunctions, functions and variables of providers (default true)"
      ),
      Flag.withDefault(""),
      Flag.filterMap(
        (text) => Option.fromUndefinedOr(FeatureGates.parse(text)),
        () => "ExtraFunctions=true or ExtraFunctions=false"
      )
    ),
    leaderElect: Flag.Boolean("leader-elect").pipe(
      Flag.withDescription("act only while holding a Lease: needed with more than one replica (default false)"),
      Flag.withDefault(false)
    ),
    leaderElectionNamespace: Flag.String("leader-election-namespace").pipe(
      Flag.withDescription("namespace of the Lease (default: the pod's own, or that of the kubeconfig's context)"),
      Flag.optional
    ),
    leaseDuration: duration(
      "leader-elect-lease-duration",
      "how long others wait for a leader that does not renew its Lease",
      "15s"
    ),
    renewDeadline: duration(
      "leader-elect-renew-deadline",
      "how long a leader that cannot renew its Lease goes on acting",
      "10s"
    ),
    retryPeriod: duration("leader-elect-retry-period", "time between two looks at the Lease", "2s"),
    gracefulShutdown: duration(
      "graceful-shutdown-timeout",
      "how long reconciles and calls that run may go on after a SIGTERM",
      "30s"
    ),
    recordWire: RecordWire.flag
  },
  ({ leaderElect, leaderElectionNamespace, leaseDuration, renewDeadline, retryPeriod, ...flags }) =>
    program({
      ...flags,
      kubeconfig: Option.getOrUndefined(flags.kubeconfig),
      watchFilter: Option.getOrUndefined(flags.watchFilter),
      recordWire: Option.getOrUndefined(flags.recordWire),
      leaderElection: leaderElect
        ? { namespace: Option.getOrUndefined(leaderElectionNamespace), leaseDuration, renewDeadline, retryPeriod }
        : undefined
    }).pipe(Effect.provide(Tracing.layer.pipe(Layer.provideMerge(Logging.layer()))))
).pipe(Command.withDescription("Runs the operator."))
