/** Network devices of a machine; a failure domain of ScvmmCluster may carry the same. */
import * as Schema from "effect/Schema"
import { between, defaulted, int64, listMap, optional, required } from "../kube/Field.ts"
import { TypedReference } from "./Reference.ts"

const strings = Schema.Array(Schema.String)

const Route = Schema.Struct({
  to: required(Schema.String, "Destination in CIDR notation."),
  via: required(Schema.String, "Address of the gateway."),
  metric: optional(int64.check(Schema.isBetween({ minimum: 0, maximum: 4_294_967_295 })), "Metric of the route.")
}).annotate({ description: "A static route." })

export const NetworkDevice = Schema.Struct({
  deviceName: defaulted(
    Schema.String,
    "eth0",
    "Name of the interface in the guest, as the cloud-init network configuration names it; unique in the list."
  ),
  vmNetwork: required(
    Schema.String,
    "VM network by name, looked up in the host clusters of the host group and its children."
  ),
  vmSubnet: optional(Schema.String, "VM subnet by name; unset means the first of the VM network."),
  ipAddresses: optional(strings, "Static addresses in CIDR notation, such as 10.0.0.5/24."),
  gateway: optional(Schema.String, "Default gateway."),
  gateway6: optional(Schema.String, "Default gateway of IPv6."),
  nameservers: optional(strings, "Name servers."),
  searchDomains: optional(strings, "Search domains of the resolver."),
  addressesFromPools: optional(
    Schema.Array(TypedReference.annotate({ description: "A pool of addresses." })),
    "Pools from which an IPAM provider gives addresses by IPAddressClaims."
  ),
  staticIPAddressPools: optional(strings, "Static IP address pools of SCVMM, by name, that give addresses."),
  dhcp4: optional(Schema.Boolean, "Ask for an IPv4 address by DHCP; unset means yes when nothing else gives one."),
  dhcp6: optional(Schema.Boolean, "Ask for an IPv6 address by DHCP; unset means yes when nothing else gives one."),
  routes: optional(Schema.Array(Route), "Static routes."),
  mtu: optional(between(576, 65_535), "Maximum transmission unit of the interface."),
  macAddress: optional(
    Schema.String.check(Schema.isPattern(/^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$/u)),
    "Static MAC address; unset means one of SCVMM's pool."
  ),
  vlan: optional(between(1, 4094), "VLAN ID of the adapter.")
}).annotate({ description: "A network device; its place in the list is its slot." })
export type NetworkDevice = typeof NetworkDevice.Type

export const Networking = Schema.Struct({
  domain: optional(Schema.String, "DNS domain: suffix of the default host name, and zone of address claims."),
  devices: optional(
    listMap(NetworkDevice, "deviceName"),
    "Network devices in the order of their slots; unset leaves the network configuration to the guest."
  )
})
export type Networking = typeof Networking.Type
