/** spec of ScvmmCluster, and of the template that a ClusterClass clones it from. */
import * as Schema from "effect/Schema"
import { between, defaulted, extend, optional, required, text } from "../kube/Field.ts"
import { Networking } from "./Networking.ts"
import { PowerPolicy } from "./PowerPolicy.ts"
import { ProviderReference, TypedReference } from "./Reference.ts"

const port = between(1, 65_535)

const ControlPlaneEndpoint = extend(
  Schema.Struct({
    host: optional(text(1, 512), "Host name or address of the API server."),
    port: optional(port, "Port of the API server.")
  }),
  { minProperties: 1 }
)

/** Exactly one of pool, staticIPAddressPool and hook. */
const ControlPlaneEndpointFrom = Schema.Struct({
  pool: optional(TypedReference, "Pool from which an IPAM provider gives the address by an IPAddressClaim."),
  staticIPAddressPool: optional(
    Schema.String,
    "Static IP address pool of SCVMM, by name; the address is granted as a VIP."
  ),
  hook: optional(
    Schema.Boolean,
    "True: the provider's extraFunctions ClaimControlPlaneEndpoint and ReleaseControlPlaneEndpoint give the address."
  ),
  port: defaulted(port, 6443, "Port of the API server.")
})

const FailureDomain = Schema.Struct({
  controlPlane: optional(Schema.Boolean, "Whether control-plane machines may be placed here."),
  cloud: required(Schema.String, "Cloud by name."),
  hostGroup: required(Schema.String, "Host group by name."),
  networking: optional(Networking, "Network devices of machines that have none of their own.")
}).annotate({ description: "A place for machines." })
export type FailureDomain = typeof FailureDomain.Type

export const ClusterSpec = Schema.Struct({
  controlPlaneEndpoint: optional(ControlPlaneEndpoint, "Endpoint of the control plane; never changed once set."),
  controlPlaneEndpointFrom: optional(
    ControlPlaneEndpointFrom,
    "Where the endpoint comes from when controlPlaneEndpoint is unset: exactly one of pool, staticIPAddressPool and hook."
  ),
  providerRef: optional(ProviderReference, "ScvmmProvider of the machines that name none."),
  failureDomains: optional(
    Schema.Record(Schema.String, FailureDomain),
    "Failure domains by name; the failureDomain of a Machine picks one."
  ),
  powerPolicy: defaulted(
    PowerPolicy,
    "Report",
    "What to do when a VM was switched off by somebody: report it, or power it on again."
  ),
  nodeProviderID: defaulted(
    Schema.Literals(["Patch", "None"]),
    "Patch",
    "Whether the operator sets spec.providerID of Nodes that have none."
  ),
  removeUninitializedTaint: defaulted(
    Schema.Boolean,
    false,
    "Whether the operator removes the taint node.cloudprovider.kubernetes.io/uninitialized from Nodes."
  )
})
export type ClusterSpec = typeof ClusterSpec.Type
