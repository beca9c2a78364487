/** Objects as the API server stores them, decoded: what the tests of the reconcilers decide about. */
import * as Schema from "effect/Schema"
import { Cluster } from "../../../schemas/capi/Cluster.ts"
import { Machine } from "../../../schemas/capi/Machine.ts"
import { ScvmmCluster } from "../../../schemas/scvmm/ScvmmCluster.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"

interface Parts {
  readonly metadata?: object
  readonly spec?: object
  readonly status?: object
}

const stored = (name: string, { metadata, spec, status }: Parts, defaults: object = {}) => ({
  metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: "1", generation: 1, ...metadata },
  spec: { ...defaults, ...spec },
  ...(status !== undefined && { status })
})

const decodeMachine = Schema.decodeUnknownSync(ScvmmMachine.schema)
const decodeOwner = Schema.decodeUnknownSync(Machine.schema)
const decodeCluster = Schema.decodeUnknownSync(Cluster.schema)
const decodeScvmmCluster = Schema.decodeUnknownSync(ScvmmCluster.schema)
const decodeProvider = Schema.decodeUnknownSync(ScvmmProvider.schema)

/** A ScvmmMachine node-1 in namespace default. */
export const scvmmMachine = (parts: Parts = {}): ScvmmMachine =>
  decodeMachine(stored("node-1", parts, { cpuCount: 2, hardwareProfile: "gen2" }))

/** The Machine that owns it, without bootstrap data. */
export const machine = (parts: Parts = {}): Machine => decodeOwner(stored("node-1", parts, { clusterName: "c" }))

export const cluster = (parts: Parts = {}): Cluster => decodeCluster(stored("c", parts))

export const scvmmCluster = (parts: Parts = {}): ScvmmCluster => decodeScvmmCluster(stored("c", parts))

export const scvmmProvider = (parts: Parts = {}): ScvmmProvider =>
  decodeProvider(stored("vmm", parts, { scvmmHost: "vmm.example.org", scvmmSecret: { name: "vmm-secret" } }))

/** A VM that is off, unmarked and without a job. */
export const virtualMachine = (change: Partial<VirtualMachine> = {}): VirtualMachine => ({
  Id: "0d3ac35d-7be5-4b7c-8b9e-2c1c7c9a6a01",
  VMId: "6E9B2C35-1111-4111-8111-0000000000AA",
  BiosGuid: "9F0C6B0D-2222-4222-8222-0000000000BB",
  Name: "node-1",
  Description: "",
  Status: "PowerOff",
  VirtualMachineState: "PowerOff",
  Generation: 2,
  CPUCount: 2,
  MemoryMB: 2048,
  NetworkAdapters: [],
  Disks: [],
  DvdDrives: [],
  ...change
})
