/** spec of ScvmmMachine, and of the template that Cluster API clones it from. */
import * as Schema from "effect/Schema"
import { between, defaulted, optional, required, stringMap, text } from "../kube/Field.ts"
import { MachineDisk } from "./MachineDisk.ts"
import { Networking } from "./Networking.ts"
import { PowerPolicy } from "./PowerPolicy.ts"
import { Quantity } from "./Quantity.ts"
import { LocalReference, ProviderReference } from "./Reference.ts"

/** The first label of the VM's name, and the domain of the machine's network. */
export const defaultHostname = String.raw`{{ regexReplaceAll "\\..*$" .spec.vmName "" }}.{{ .spec.networking.domain }}`

const FibreChannel = Schema.Struct({
  storageFabricClassification: optional(Schema.String, "Storage fabric classification by name."),
  virtualSAN: optional(Schema.String, "Virtual SAN by name.")
}).annotate({ description: "A virtual fibre channel adapter." })

const DynamicMemory = Schema.Struct({
  minimum: required(Quantity, "Least memory; also the start-up memory when memory is unset."),
  maximum: required(Quantity, "Most memory."),
  bufferPercentage: optional(Schema.Int, "Buffer in percent.")
})

const VmOptions = Schema.Struct({
  description: optional(Schema.String, "Description of the VM; the operator's marker line is appended to it."),
  startAction: optional(
    Schema.Literals(["NeverAutoTurnOnVM", "AlwaysAutoTurnOnVM", "TurnOnVMIfRunningWhenVSStopped"]),
    "What to do when the virtualization server starts."
  ),
  stopAction: optional(
    Schema.Literals(["ShutdownGuestOS", "TurnOffVM", "SaveVM"]),
    "What to do when the virtualization server stops."
  ),
  cpuLimitForMigration: optional(Schema.Boolean, "Limit CPU features, for migration between processor versions."),
  cpuLimitFunctionality: optional(Schema.Boolean, "Limit CPU functionality, for old operating systems."),
  enableNestedVirtualization: optional(Schema.Boolean, "Enable nested virtualization."),
  checkpointType: defaulted(
    Schema.Literals(["Disabled", "Production", "ProductionOnly", "Standard"]),
    "Standard",
    "Type of checkpoints."
  )
})

const dnsName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/u

const ConfigRef = Schema.Struct({
  apiGroup: required(text(1, 253).check(Schema.isPattern(dnsName)), "API group of the resource."),
  kind: required(
    text(1, 63).check(Schema.isPattern(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/u)),
    "Kind of the resource."
  ),
  name: required(text(1, 253).check(Schema.isPattern(dnsName)), "Name of the resource.")
})

const Bootstrap = Schema.Struct({
  dataSecretName: optional(
    Schema.String.check(Schema.isMaxLength(253)),
    "Secret of the machine's namespace whose key value is the user-data; unset means no cloud-init medium."
  ),
  configRef: optional(ConfigRef, "Accepted for compatibility; has no effect.")
})

const DomainJoin = Schema.Struct({
  domain: required(text(1, 253), "Active Directory domain."),
  ou: optional(text(1, 1024), "Distinguished name of the organizational unit of the computer account."),
  credentialsRef: required(
    LocalReference,
    "Secret of the machine's namespace with the keys username and password of an account that may join computers."
  )
})

const Naming = Schema.Struct({
  template: required(
    text(1, 1024),
    "Template of spec.vmName, in the language of spec.hostname; used when neither vmName nor vmNameFromPool is given."
  )
})

export const MachineSpec = Schema.Struct({
  providerID: optional(text(1, 512), "scvmm:// and the Hyper-V GUID of the VM; written by the operator."),
  id: optional(Schema.String, "VMM's own ID of the VM; written by the operator, or given to adopt a VM."),
  cloud: optional(Schema.String, "Cloud by name; unset together with hostGroup means the failure domain's."),
  hostGroup: optional(Schema.String, "Host group by name; its host clusters are where VM networks are looked up."),
  vmName: optional(Schema.String, "Name of the VM in VMM; written by the operator when a pool or a template gives it."),
  vmNameFromPool: optional(LocalReference, "ScvmmNamePool that gives the name of the VM, unless vmName is set."),
  naming: optional(Naming, "How the VM is named when neither vmName nor vmNameFromPool is given."),
  hostname: defaulted(
    Schema.String,
    defaultHostname,
    "Host name of the guest: a Go template over the ScvmmMachine, with sprig's functions for strings."
  ),
  vmTemplate: optional(
    Schema.String,
    "VM template by name; hardwareProfile and operatingSystem are then ignored, and disks[0] without a size keeps its disk."
  ),
  disks: optional(Schema.Array(MachineDisk), "Disks in the order of their LUNs."),
  fibreChannel: optional(Schema.Array(FibreChannel), "Virtual fibre channel adapters; made at creation."),
  cpuCount: required(Schema.Int, "Number of virtual processors."),
  memory: optional(Quantity, "Memory, in whole MiB; unset means that of the template or hardware profile."),
  dynamicMemory: optional(DynamicMemory, "Dynamic memory; unset means static memory."),
  hardwareProfile: required(
    Schema.String,
    "Hardware profile by name; it decides the generation. Ignored with vmTemplate."
  ),
  operatingSystem: optional(
    Schema.String,
    "Operating system as VMM names it; unset means that of the last library disk, else Other Linux (64 bit)."
  ),
  networking: optional(Networking, "Network devices; unset means the failure domain's."),
  availabilitySet: optional(Schema.String, "Availability set; VMs of one set are kept on different hosts."),
  vmOptions: optional(VmOptions, "Further properties of the VM; applied at creation."),
  customProperty: optional(stringMap, "Custom properties of VMM; keys that are removed here are not cleared there."),
  tag: optional(Schema.String, "Tag of the VM."),
  providerRef: optional(ProviderReference, "ScvmmProvider of the machine; unset means the ScvmmCluster's."),
  metadata: optional(stringMap, "Entries of the cloud-init meta-data, which override those that the operator writes."),
  bootstrap: optional(Bootstrap, "Makes a stand-alone machine: no Machine and no Cluster are needed."),
  powerPolicy: optional(
    PowerPolicy,
    "What to do when the VM was switched off by somebody; unset means the ScvmmCluster's."
  ),
  powerOffMode: optional(
    Schema.Literals(["hard", "soft", "trySoft"]),
    "How the VM is switched off for deletion; unset means hard, or trySoft while a persistent disk is attached."
  ),
  guestSoftPowerOffTimeoutSeconds: defaulted(
    between(1, 3600),
    300,
    "How long the guest may take to shut down before trySoft switches the VM off."
  ),
  ejectSeed: defaulted(
    Schema.Literals(["AfterJoin", "Never"]),
    "AfterJoin",
    "When the cloud-init medium, which holds credentials, is taken from the VM."
  ),
  domainJoin: optional(DomainJoin, "Active Directory domain that the guest joins.")
})
export type MachineSpec = typeof MachineSpec.Type
