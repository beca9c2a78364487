/** The operator's own leader election: which Lease, under which identity, over a connection of its own. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as os from "node:os"
import * as Guid from "../../schemas/Guid.ts"
import * as LeaseState from "../../layers/kube/LeaseState.ts"
import * as LeaderElection from "../runtime/LeaderElection.ts"

/** The predecessor's id, so that the two in one namespace never act together. */
export const leaseName = "f4af8138.cluster.x-k8s.io"

export interface Settings {
  /** Undefined: the pod's own, or that of the kubeconfig's context. */
  readonly namespace: string | undefined
  readonly leaseDuration: Duration.Duration
  readonly renewDeadline: Duration.Duration
  readonly retryPeriod: Duration.Duration
}

export const timingOf = ({ leaseDuration, renewDeadline, retryPeriod }: Settings): LeaseState.Timing => ({
  lease: Duration.toMillis(leaseDuration),
  renew: Duration.toMillis(renewDeadline),
  retry: Duration.toMillis(retryPeriod)
})

/** The time limit of one request for the Lease: half a term, so that one that hangs leaves time for another. */
export const requestTimeout = ({ renewDeadline }: Settings): Duration.Duration => Duration.times(renewDeadline, 0.5)

/** An identity as client-go makes it: new with every process. */
export const make = Effect.fnUntraced(function* (settings: Settings, ownNamespace: string) {
  const identity = `${os.hostname()}_${yield* Guid.random}`
  const key = { namespace: settings.namespace ?? ownNamespace, name: leaseName }
  return yield* LeaderElection.make({ key, identity, timing: timingOf(settings) })
})
