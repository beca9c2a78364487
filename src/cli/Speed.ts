/** How fast a simulated site is: SCVMM's jobs, its guests, and how the operator polls to keep up. */
import * as Duration from "effect/Duration"
import type { Pace } from "../simulators/guest/KubeadmGuest.ts"
import type { Latency } from "../simulators/scvmm/Latency.ts"
import * as Latencies from "../simulators/scvmm/Latency.ts"

export type Name = "fast" | "realistic"

export interface Speed {
  readonly latency: Latency
  readonly pace: Pace
  /** The operator's --vm-transition-period, in seconds. */
  readonly transitionSeconds: number
  /** What a whole demo may take. */
  readonly limit: Duration.Duration
}

const speeds: Readonly<Record<Name, Speed>> = {
  fast: {
    latency: Latencies.fast,
    pace: { network: "300 millis", kubeadm: "300 millis", retry: "200 millis" },
    transitionSeconds: 0.5,
    limit: Duration.minutes(5)
  },
  realistic: {
    latency: Latencies.realistic,
    pace: { network: "30 seconds", kubeadm: "60 seconds", retry: "5 seconds" },
    transitionSeconds: 5,
    limit: Duration.minutes(60)
  }
}

export const speed = (name: Name): Speed => speeds[name]
