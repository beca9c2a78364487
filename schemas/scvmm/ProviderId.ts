/** spec.providerID of machines and Nodes: `scvmm://` and the Hyper-V GUID in VMM's spelling (checklist 7). */

const scheme = "scvmm://"

export const render = (vmId: string): string => `${scheme}${vmId}`

/** The VMId of a provider ID; undefined for another provider's. */
export const parse = (providerId: string): string | undefined =>
  providerId.startsWith(scheme) && providerId.length > scheme.length ? providerId.slice(scheme.length) : undefined
