/** The objects of the demo: a provider with its Secret, and a cluster as a user would write it. */
import type { KubeJson } from "../../simulators/kube/KubeJson.ts"
import type { Kind } from "../../simulators/capi/CoreApi.ts"
import * as Core from "../../simulators/capi/CoreApi.ts"

export const clusterName = "demo"
export const workers = "demo-workers"
export const controlPlane = "demo-control-plane"
export const endpoint = { host: "control-plane.demo.example.test", port: 6443 }

export interface Target {
  readonly namespace: string
  readonly port: number
  /** PEM. */
  readonly ca: string
  readonly vmmHost: string
  readonly userName: string
  readonly password: string
}

const base64 = (text: string): string => Buffer.from(text).toString("base64")

export interface Manifest {
  readonly kind: Kind
  readonly object: KubeJson
}

const provider: Kind = {
  group: "infrastructure.cluster.x-k8s.io",
  version: "v1alpha1",
  kind: "ScvmmProvider",
  plural: "scvmmproviders"
}

const machineTemplate = (name: string, memory: string, cpuCount: number): Manifest => ({
  kind: Core.ScvmmMachineTemplate,
  object: {
    metadata: { name },
    spec: {
      template: {
        spec: {
          cloud: "Production",
          hostGroup: "Production",
          hardwareProfile: "kubernetes-gen2",
          cpuCount,
          memory,
          disks: [{ vhDisk: "ubuntu-24.04", size: "30Gi" }],
          networking: { domain: "demo.example.test", devices: [{ deviceName: "eth0", vmNetwork: "kubernetes" }] }
        }
      }
    }
  }
})

const version = "v1.36.3"

export const manifests = (
  target: Target,
  replicas: { readonly controlPlanes: number; readonly workers: number }
): ReadonlyArray<Manifest> => [
  {
    kind: Core.Secret,
    object: {
      metadata: { name: "scvmm" },
      type: "Opaque",
      data: { username: base64(target.userName), password: base64(target.password), "ca.crt": base64(target.ca) }
    }
  },
  {
    kind: provider,
    object: {
      metadata: { name: "scvmm" },
      spec: {
        scvmmHost: target.vmmHost,
        scvmmSecret: { name: "scvmm" },
        execHosts: ["127.0.0.1"],
        transport: { scheme: "https", port: target.port, authentication: "Basic" },
        keepAliveSeconds: 60
      }
    }
  },
  {
    kind: Core.ScvmmCluster,
    object: {
      metadata: { name: clusterName },
      spec: {
        providerRef: { name: "scvmm", namespace: target.namespace },
        controlPlaneEndpoint: endpoint
      }
    }
  },
  machineTemplate(controlPlane, "4Gi", 2),
  machineTemplate(workers, "8Gi", 4),
  {
    kind: Core.KubeadmControlPlane,
    object: {
      metadata: { name: controlPlane, labels: { [Core.clusterLabel]: clusterName } },
      spec: {
        replicas: replicas.controlPlanes,
        version,
        machineTemplate: {
          spec: {
            infrastructureRef: {
              apiGroup: Core.ScvmmMachineTemplate.group,
              kind: "ScvmmMachineTemplate",
              name: controlPlane
            }
          }
        }
      }
    }
  },
  {
    kind: Core.MachineDeployment,
    object: {
      metadata: { name: workers, labels: { [Core.clusterLabel]: clusterName } },
      spec: {
        clusterName,
        replicas: replicas.workers,
        selector: { matchLabels: { [Core.clusterLabel]: clusterName } },
        template: {
          spec: {
            clusterName,
            version,
            bootstrap: {},
            infrastructureRef: {
              apiGroup: Core.ScvmmMachineTemplate.group,
              kind: "ScvmmMachineTemplate",
              name: workers
            }
          }
        }
      }
    }
  },
  {
    kind: Core.Cluster,
    object: {
      metadata: { name: clusterName },
      spec: {
        infrastructureRef: { apiGroup: Core.ScvmmCluster.group, kind: "ScvmmCluster", name: clusterName },
        controlPlaneRef: { apiGroup: Core.KubeadmControlPlane.group, kind: "KubeadmControlPlane", name: controlPlane }
      }
    }
  }
]
