/** Objects of a large site as Cluster API and the operator leave them: many machines, all provisioned, their clusters paused. */
import * as Effect from "effect/Effect"
import type { Access } from "../../src/simulators/kube/Access.ts"
import type { Json, KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import { isArray, isObject, text, withMetadata } from "../../src/simulators/kube/KubeJson.ts"
import type { Kind } from "../../src/simulators/capi/CoreApi.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"

export const namespace = "fleet"
const machinesOfCluster = 50
export const at = "2026-01-31T12:34:56Z"

export const IPAddressClaim: Kind = {
  group: "ipam.cluster.x-k8s.io",
  version: "v1beta2",
  kind: "IPAddressClaim",
  plural: "ipaddressclaims"
}

/** One object, without its owner reference and its status: the former needs the owner's UID, the latter a write of its own. */
export interface Member {
  readonly kind: Kind
  readonly object: KubeJson
  readonly owner?: { readonly kind: Kind; readonly name: string }
  readonly status: KubeJson
}

const guid = (kind: number, index: number): string =>
  `${String(kind).padStart(8, "0")}-9a5e-4b71-8c1f-${String(index).padStart(12, "0")}`

const condition = (type: string, status: string, reason: string, message = ""): KubeJson => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: at,
  observedGeneration: 1
})

/** The first reconcile finds nothing to write: the pause is told already. */
const paused = condition("Paused", "True", "Paused", "Cluster spec.paused is set to true")

const clusterName = (index: number): string => `cluster-${Math.floor(index / machinesOfCluster)}`
export const machineName = (index: number): string => `${clusterName(index)}-workers-x7k2p-${index}`

/** What VMM says of a machine's VM as well. */
export const facts = (index: number) => ({
  id: guid(1, index),
  vmId: guid(2, index),
  biosGuid: guid(3, index),
  vmName: `w${index}`,
  hostname: `w${index}.example.test`,
  host: `hv${index % 32}.example.test`,
  address: `10.${Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${(index % 250) + 2}`
})

const clusterMembers = (index: number, clustersPaused: boolean): ReadonlyArray<Member> => {
  const name = clusterName(index)
  return [
    {
      kind: Core.Cluster,
      object: {
        metadata: { name, labels: { site: "north" } },
        spec: {
          paused: clustersPaused,
          controlPlaneEndpoint: { host: `${name}.example.test`, port: 6443 },
          infrastructureRef: { apiGroup: Core.ScvmmCluster.group, kind: "ScvmmCluster", name },
          controlPlaneRef: { apiGroup: Core.KubeadmControlPlane.group, kind: "KubeadmControlPlane", name }
        }
      },
      status: {
        phase: "Provisioned",
        initialization: { infrastructureProvisioned: true, controlPlaneInitialized: true },
        conditions: ["Available", "InfrastructureReady", "ControlPlaneAvailable", "WorkersAvailable"].map((type) =>
          condition(type, "True", "Available")
        )
      }
    },
    {
      kind: Core.ScvmmCluster,
      object: {
        metadata: {
          name,
          labels: { [Core.clusterLabel]: name },
          finalizers: ["scvmmcluster.finalizers.cluster.x-k8s.io"]
        },
        spec: {
          controlPlaneEndpoint: { host: `${name}.example.test`, port: 6443 },
          providerRef: { name: "vmm", namespace }
        }
      },
      status: {
        initialization: { provisioned: true },
        conditions: [paused, condition("Ready", "True", "Ready")]
      },
      owner: { kind: Core.Cluster, name }
    }
  ]
}

const machineMembers = (index: number): ReadonlyArray<Member> => {
  const name = machineName(index)
  const cluster = clusterName(index)
  const labels = {
    [Core.clusterLabel]: cluster,
    [Core.deploymentLabel]: `${cluster}-workers`,
    "cluster.x-k8s.io/set-name": `${cluster}-workers-x7k2p`,
    "machine-template-hash": "1893421701-x7k2p",
    "topology.cluster.x-k8s.io/owned": ""
  }
  const { address, biosGuid, host, hostname, id, vmId, vmName } = facts(index)
  const providerID = `scvmm://${vmId}`
  return [
    {
      kind: Core.Machine,
      object: {
        metadata: {
          name,
          labels,
          annotations: { "cluster.x-k8s.io/cloned-from-name": `${cluster}-workers` },
          finalizers: ["machine.cluster.x-k8s.io"]
        },
        spec: {
          clusterName: cluster,
          version: "v1.36.3",
          providerID,
          bootstrap: {
            dataSecretName: name,
            configRef: { apiGroup: "bootstrap.cluster.x-k8s.io", kind: "KubeadmConfig", name }
          },
          infrastructureRef: { apiGroup: Core.ScvmmMachine.group, kind: "ScvmmMachine", name }
        }
      },
      status: {
        phase: "Running",
        nodeRef: { name },
        initialization: { infrastructureProvisioned: true, bootstrapDataSecretCreated: true },
        addresses: [
          { type: "InternalIP", address },
          { type: "Hostname", address: name }
        ],
        conditions: [
          "Available",
          "Ready",
          "UpToDate",
          "BootstrapConfigReady",
          "InfrastructureReady",
          "NodeHealthy"
        ].map((type) => condition(type, "True", type))
      }
    },
    {
      kind: Core.ScvmmMachine,
      object: {
        metadata: {
          name,
          labels,
          annotations: {
            "cluster.x-k8s.io/cloned-from-name": `${cluster}-workers`,
            "cluster.x-k8s.io/cloned-from-groupkind": "ScvmmMachineTemplate.infrastructure.cluster.x-k8s.io"
          },
          finalizers: ["scvmmmachine.finalizers.cluster.x-k8s.io"]
        },
        spec: {
          providerID,
          id,
          cloud: "Production",
          hostGroup: "Production",
          hardwareProfile: "kubernetes-gen2",
          operatingSystem: "Ubuntu Linux 24.04 (64 bit)",
          vmName,
          cpuCount: 4,
          memory: "8Gi",
          disks: [{ vhDisk: "ubuntu-24.04", size: "30Gi" }, { size: "100Gi" }],
          networking: { domain: "example.test", devices: [{ deviceName: "eth0", vmNetwork: "kubernetes" }] },
          customProperty: { costCenter: "4711" },
          providerRef: { name: "vmm", namespace }
        }
      },
      status: {
        initialization: { provisioned: true },
        vmStatus: "Running",
        biosGuid,
        creationTime: at,
        modifiedTime: at,
        hostname,
        host,
        providerRef: { name: "vmm", namespace },
        addresses: [
          { type: "InternalIP", address },
          { type: "Hostname", address: hostname }
        ],
        conditions: [
          condition("Deleting", "False", "NotDeleting"),
          paused,
          condition("Ready", "True", "Ready"),
          condition("ScvmmAvailable", "True", "Available"),
          condition("VirtualMachineProvisioned", "True", "Provisioned"),
          condition("VmCreated", "True", "VmCreated"),
          condition("VmRunning", "True", "VmRunning")
        ]
      },
      owner: { kind: Core.Machine, name }
    },
    {
      kind: IPAddressClaim,
      object: {
        metadata: {
          name: `${name}-eth0-0`,
          labels: { [Core.clusterLabel]: cluster },
          annotations: { "infrastructure.x-k8s.io/hostname": vmName },
          finalizers: ["scvmmmachine.finalizers.cluster.x-k8s.io/ip-claim-protection"]
        },
        spec: {
          clusterName: cluster,
          poolRef: { apiGroup: "ipam.cluster.x-k8s.io", kind: "InClusterIPPool", name: "kubernetes" }
        }
      },
      status: {
        addressRef: { name: `${name}-eth0-0` },
        conditions: [condition("Ready", "True", "Allocated")]
      },
      owner: { kind: Core.ScvmmMachine, name }
    }
  ]
}

function* members(machines: number, paused: boolean): Generator<Member> {
  for (let index = 0; index < machines; index++) {
    // Owners before what they own.
    if (index % machinesOfCluster === 0) yield* clusterMembers(index, paused)
    yield* machineMembers(index)
  }
}

/** Makes a site with that many machines. */
export const populate = Effect.fnUntraced(function* (
  access: Access,
  machines: number,
  options: { readonly paused: boolean }
) {
  yield* access.create({ group: "", version: "v1", plural: "namespaces" }, "", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace }
  })
  const created = new Map<string, KubeJson>()
  for (const { kind, object, owner, status } of members(machines, options.paused)) {
    const owning = owner === undefined ? undefined : created.get(`${owner.kind.kind}/${owner.name}`)
    const made = yield* access.create(kind, namespace, {
      apiVersion: Core.apiVersion(kind),
      kind: kind.kind,
      ...withMetadata(object, {
        ownerReferences: owner === undefined || owning === undefined ? [] : [Core.ownedBy(owner.kind, owning, true)]
      })
    })
    const name = text(made, "metadata", "name")
    created.set(`${kind.kind}/${name}`, made)
    yield* access.mergePatch(kind, namespace, name, { status }, "status")
  }
})

const fieldsOf = (value: Json | undefined): KubeJson =>
  isObject(value)
    ? Object.fromEntries([
        [".", {}],
        ...Object.entries(value).map(([name, child]) => [`f:${name}`, fieldsOf(child)] as const)
      ])
    : isArray(value)
      ? Object.fromEntries(
          value.map((item) => [
            `k:${JSON.stringify(isObject(item) ? { type: item["type"] ?? item["deviceName"] ?? "" } : item)}`,
            fieldsOf(item)
          ])
        )
      : {}

/** What an API server keeps of who wrote what: some kilobytes an object, which the embedded one does not have. */
export const managedFields = (object: KubeJson): ReadonlyArray<Json> => {
  const { apiVersion, metadata, spec, status } = object
  const { annotations, finalizers, labels, ownerReferences } = isObject(metadata) ? metadata : {}
  const written = { metadata: { annotations, finalizers, labels, ownerReferences }, spec }
  return [
    { manager: "capi-machineset", operation: "Apply", fields: written },
    { manager: "manager", operation: "Update", fields: { metadata: { finalizers, ownerReferences }, spec } },
    { manager: "manager", operation: "Update", fields: { status }, subresource: "status" }
  ].map(({ fields, ...entry }) => ({
    ...entry,
    apiVersion: apiVersion ?? "",
    fieldsType: "FieldsV1",
    // Without those that the object lacks.
    fieldsV1: fieldsOf(JSON.parse(JSON.stringify(fields))),
    time: at
  }))
}
