/** Where a machine goes: its own cloud and host group, or those of its failure domain (checklist 9): pure. */
import type { Networking } from "../../../schemas/scvmm/Networking.ts"
import { type Surroundings, type Wait, waitsFor } from "./Gate.ts"

export interface Placement {
  readonly cloud: string | undefined
  readonly hostGroup: string | undefined
  readonly networking: Networking | undefined
  /** The failure domain that was used. */
  readonly failureDomain: string | undefined
}

/**
 * The machine's own cloud and host group win when both are given, and its own networking; the failure domain gives the rest. A domain that the ScvmmCluster does not
 * have is a reason to wait; one that does not exist yet is told as such.
 */
export const placementOf = (around: Surroundings): Placement | Wait => {
  const { machine, owner, scvmmCluster } = around
  const { cloud, hostGroup, networking } = machine.spec
  const name = owner?.spec.failureDomain
  if (name === undefined || name === "") return { cloud, hostGroup, networking, failureDomain: undefined }
  const domains = scvmmCluster?.spec.failureDomains ?? {}
  const domain = Object.hasOwn(domains, name) ? domains[name] : undefined
  if (domain === undefined) {
    return (
      (scvmmCluster === undefined ? waitsFor(around) : undefined) ?? {
        reason: "FailureDomainNotFound",
        message: `Machine spec.failureDomain "${name}" is not in ScvmmCluster spec.failureDomains (${Object.keys(domains).join(", ") || "which is empty"})`
      }
    )
  }
  // Both or none: a cloud of the machine's and a host group of the domain's need not belong together (predecessor §6.3).
  const own = cloud !== undefined && hostGroup !== undefined
  return {
    cloud: own ? cloud : domain.cloud,
    hostGroup: own ? hostGroup : domain.hostGroup,
    networking: networking ?? domain.networking,
    failureDomain: name
  }
}
