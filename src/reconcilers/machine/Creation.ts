/** From a ScvmmMachine's spec to the parameters of New-CapsVirtualMachine, and what of it this version cannot do: pure. */
import * as Quantity from "../../../schemas/scvmm/Quantity.ts"
import type { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import type { NewVirtualMachine } from "../../../schemas/vmm/Verb.ts"
import type { Placement } from "./Placement.ts"
import type { Wait } from "./Gate.ts"

export type Parameters = (typeof NewVirtualMachine)["parameters"]["Type"]

/** Seconds that the create verb may take before it commits; a later attempt waits for this and a margin (design D6). */
export const commitWithinSeconds = 180
export const commitMarginSeconds = 30

type Spec = ScvmmMachine["spec"]

/** Fields that change the VM and that nothing acts on yet: refused by name, so that nobody gets less than was asked for. */
export const unsupported = (spec: Spec, networking: Placement["networking"]): Wait | undefined => {
  const fields = [
    ...(spec.vmName === undefined && spec.vmNameFromPool !== undefined ? ["vmNameFromPool"] : []),
    ...(spec.naming !== undefined && spec.vmName === undefined ? ["naming"] : []),
    ...(spec.domainJoin === undefined ? [] : ["domainJoin"]),
    ...(spec.disks ?? []).flatMap((disk, i) => [
      ...(disk.persistentDisk === undefined ? [] : [`disks[${i}].persistentDisk`]),
      ...(disk.iopsMaximum === undefined ? [] : [`disks[${i}].iopsMaximum`])
    ]),
    ...(networking?.devices ?? []).flatMap((device, i) => [
      ...((device.addressesFromPools ?? []).length === 0 ? [] : [`networking.devices[${i}].addressesFromPools`]),
      ...((device.staticIPAddressPools ?? []).length === 0 ? [] : [`networking.devices[${i}].staticIPAddressPools`])
    ]),
    ...(spec.powerOffMode === undefined || spec.powerOffMode === "hard" ? [] : ["powerOffMode"]),
    ...(spec.tag === undefined ? [] : ["tag"]),
    ...(Object.keys(spec.customProperty ?? {}).length === 0 ? [] : ["customProperty"])
  ]
  return fields.length === 0
    ? undefined
    : {
        reason: "NotSupported",
        message: `this version does not act on ${fields.map((field) => `spec.${field}`).join(", ")}; remove it to go on`
      }
}

/** The name that the VM gets: precedence spec.vmName, then metadata.name (checklist 25). */
export const vmNameOf = (machine: ScvmmMachine): string => machine.spec.vmName ?? machine.metadata.name

const memory = (spec: Spec): Partial<Parameters> => {
  const startup = spec.memory ?? spec.dynamicMemory?.minimum
  return {
    ...(startup !== undefined && { MemoryMB: Quantity.toMebibytes(startup) }),
    ...(spec.dynamicMemory !== undefined && {
      DynamicMemoryMinimumMB: Quantity.toMebibytes(spec.dynamicMemory.minimum),
      DynamicMemoryMaximumMB: Quantity.toMebibytes(spec.dynamicMemory.maximum),
      ...(spec.dynamicMemory.bufferPercentage !== undefined && {
        DynamicMemoryBufferPercentage: spec.dynamicMemory.bufferPercentage
      })
    })
  }
}

const options = (spec: Spec): Partial<Parameters> => {
  const given = spec.vmOptions
  if (given === undefined) return {}
  return {
    ...(given.description !== undefined && { Description: given.description }),
    VMOptions: {
      ...(given.startAction !== undefined && { StartAction: given.startAction }),
      ...(given.stopAction !== undefined && { StopAction: given.stopAction }),
      ...(given.cpuLimitForMigration !== undefined && { CPULimitForMigration: given.cpuLimitForMigration }),
      ...(given.cpuLimitFunctionality !== undefined && { CPULimitFunctionality: given.cpuLimitFunctionality }),
      ...(given.enableNestedVirtualization !== undefined && {
        EnableNestedVirtualization: given.enableNestedVirtualization
      }),
      ...(given.checkpointType !== undefined && { CheckpointType: given.checkpointType })
    }
  }
}

/** Quantities become MiB, fractions dropped; what is unset is left to the profile or template (checklist 13–19). */
export const parametersOf = (machine: ScvmmMachine, placement: Placement, marker: string): Parameters => {
  const { spec, metadata } = machine
  return {
    Name: vmNameOf(machine),
    Marker: marker,
    MachineUid: metadata.uid,
    CommitWithinSeconds: commitWithinSeconds,
    ...(placement.cloud !== undefined && { Cloud: placement.cloud }),
    ...(placement.hostGroup !== undefined && { HostGroup: placement.hostGroup }),
    ...(spec.vmTemplate !== undefined && { VMTemplate: spec.vmTemplate }),
    HardwareProfile: spec.hardwareProfile,
    ...(spec.operatingSystem !== undefined && { OperatingSystem: spec.operatingSystem }),
    CPUCount: spec.cpuCount,
    ...memory(spec),
    Disks: (spec.disks ?? []).map((disk) => ({
      SizeMB: disk.size === undefined ? 0 : Quantity.toMebibytes(disk.size),
      Dynamic: disk.dynamic ?? true,
      ...(disk.vhDisk !== undefined && { VHDisk: disk.vhDisk }),
      ...(disk.volumeType !== undefined && { VolumeType: disk.volumeType }),
      ...(disk.storageQoSPolicy !== undefined && { StorageQoSPolicy: disk.storageQoSPolicy })
    })),
    NetworkDevices: (placement.networking?.devices ?? []).map((device) => ({
      VMNetwork: device.vmNetwork,
      ...(device.vmSubnet !== undefined && { VMSubnet: device.vmSubnet }),
      ...(device.macAddress !== undefined && { MACAddress: device.macAddress }),
      ...(device.vlan !== undefined && { VLanID: device.vlan })
    })),
    FibreChannel: (spec.fibreChannel ?? []).map((adapter) => ({
      ...(adapter.storageFabricClassification !== undefined && {
        StorageFabricClassification: adapter.storageFabricClassification
      }),
      ...(adapter.virtualSAN !== undefined && { VirtualSAN: adapter.virtualSAN })
    })),
    ...(spec.availabilitySet !== undefined && { AvailabilitySet: spec.availabilitySet }),
    ...options(spec)
  }
}
