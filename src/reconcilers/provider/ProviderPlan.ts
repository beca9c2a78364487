/** What one ScvmmProvider needs next, and what its conditions say: pure. */
import * as Contract from "../../../schemas/capi/Contract.ts"
import { finding, type Finding } from "../../../schemas/kube/Condition.ts"
import type { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import { sameConnection } from "../../../layers/scvmm/Providers.ts"
import type { HostResult } from "../../../layers/scvmm/Dialling.ts"
import type { ProviderConnection } from "../../../layers/scvmm/ScvmmSession.ts"

export type Step =
  /** Not ours to touch. */
  | { readonly _tag: "Ignore" }
  | { readonly _tag: "Paused"; readonly message: string }
  | { readonly _tag: "AddFinalizer" }
  /** Somebody says by annotation that the log-on may be tried again; who or why. */
  | { readonly _tag: "RetryLogOn"; readonly by: string }
  /** Can it be used? */
  | { readonly _tag: "Judge" }
  /** Deleted, but VMs are still to be removed through it: it is judged all the same. */
  | { readonly _tag: "AwaitMachines"; readonly names: ReadonlyArray<string> }
  | { readonly _tag: "Release" }

export interface Observed {
  readonly provider: ScvmmProvider
  /** namespace/name of the ScvmmMachines that name it, or may; only looked at when it is deleted. */
  readonly machines: ReadonlyArray<string>
}

/**
 * The finalizer is there before the first connection is published, so that no VM is made through a provider that could vanish
 * and leave nobody with the credentials to remove it. That is on every provider and not only on those in use: between the
 * first machine that names it and a finalizer put on for that machine, the provider could be deleted.
 */
export const plan = ({ provider: { metadata }, machines }: Observed): Step => {
  const annotations = metadata.annotations ?? {}
  const held = metadata.finalizers?.includes(Contract.providerFinalizer) === true
  const deleting = metadata.deletionTimestamp !== undefined
  if (annotations[Contract.deleteForMoveAnnotation] !== undefined) return { _tag: "Ignore" }
  if (deleting && !held) return { _tag: "Ignore" }
  if (annotations[Contract.pausedAnnotation] !== undefined) {
    return { _tag: "Paused", message: "ScvmmProvider has the cluster.x-k8s.io/paused annotation" }
  }
  const by = annotations[Contract.retryAuthAnnotation]
  if (by !== undefined && held && !(deleting && machines.length === 0)) return { _tag: "RetryLogOn", by }
  if (deleting) return machines.length > 0 ? { _tag: "AwaitMachines", names: machines } : { _tag: "Release" }
  return held ? { _tag: "Judge" } : { _tag: "AddFinalizer" }
}

/** A check of a provider, as the next one needs it. */
export interface Check {
  readonly connection: ProviderConnection
  readonly atMillis: number
}

/** Whether a check still stands: of the same spec and Secret, and not too old. */
export const stands = (
  check: Check | undefined,
  connection: ProviderConnection,
  nowMillis: number,
  checkMillis: number
): boolean =>
  check !== undefined && sameConnection(check.connection, connection) && nowMillis - check.atMillis < checkMillis

/** status.execHosts: how the last dial of each ended. */
export const hostFields = (
  hosts: ReadonlyArray<HostResult>
): {
  readonly execHosts?: ReadonlyArray<{ readonly host: string; readonly status: string; readonly message?: string }>
} =>
  hosts.length === 0
    ? {}
    : {
        execHosts: hosts.map(({ host, ok, message }) => ({
          host,
          status: ok ? "OK" : "Failed",
          ...(message !== undefined && { message })
        }))
      }

export const paused = (message: string): Finding =>
  finding(Contract.Condition.paused, "True", Contract.Reason.paused, message)

export const notPaused: Finding = finding(Contract.Condition.paused, "False", Contract.Reason.notPaused)

export const notDeleting: Finding = finding(Contract.Condition.deleting, "False", Contract.Reason.notDeleting)

/** Over http NTLM seals, and proves nothing of the host either; that is what was asked for. */
export const verification = (skipped: boolean): Finding =>
  skipped
    ? finding(
        Contract.Condition.verificationSkipped,
        "True",
        "InsecureSkipVerify",
        "spec.transport.insecureSkipVerify is true: nobody checks who the hosts are; set spec.transport.caBundle or serverCertificateThumbprint instead"
      )
    : finding(Contract.Condition.verificationSkipped, "False", "NotSkipped")

export const unavailable = (reason: string, message: string): ReadonlyArray<Finding> => [
  finding(Contract.Condition.scvmmAvailable, "False", reason, message),
  finding(Contract.Condition.ready, "False", Contract.Reason.notReady, message)
]

export const usable: ReadonlyArray<Finding> = [
  finding(Contract.Condition.scvmmAvailable, "True", Contract.Reason.available),
  finding(Contract.Condition.ready, "True", Contract.Reason.ready)
]

/** Names sorted, at most five of them. */
export const waiting = (names: ReadonlyArray<string>): ReadonlyArray<Finding> => {
  const message = `waiting for ${names.length} ScvmmMachines that name it: ${names.toSorted().slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`
  return [
    finding(Contract.Condition.deleting, "True", Contract.Reason.deleting, message),
    finding(Contract.Condition.ready, "False", Contract.Reason.deleting, message)
  ]
}
