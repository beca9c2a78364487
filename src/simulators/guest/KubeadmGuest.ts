/** A guest that boots from its seed medium: cloud-init, network, kubeadm, and a Node in the workload cluster. */
import * as Effect from "effect/Effect"
import type * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import type { KubeJson } from "../kube/KubeJson.ts"
import * as CloudConfig from "./CloudConfig.ts"
import type { Boot, Hardware } from "./Guest.ts"
import * as IsoReader from "./IsoReader.ts"
import * as Kubeadm from "./Kubeadm.ts"
import type { WorkloadCluster, WorkloadClusters } from "./WorkloadClusters.ts"

const nodes = { group: "", version: "v1", plural: "nodes" }

export interface Pace {
  /** Power-on to an address. */
  readonly network: Duration.Input
  /** Address to a Node. */
  readonly kubeadm: Duration.Input
  /** Between two tries to join. */
  readonly retry: Duration.Input
}

type Report = Parameters<Hardware["report"]>[0]["addresses"][number]

/** A DHCP server that knows each adapter by its MAC address: 10.64/10 by a hash of it. */
const lease = (macAddress: string): string => {
  let hash = 2_166_136_261
  for (const character of macAddress.toLowerCase()) hash = Math.imul(hash ^ character.charCodeAt(0), 16_777_619) >>> 0
  return `10.${64 + (hash & 63)}.${(hash >>> 8) & 255}.${1 + ((hash >>> 16) % 254)}`
}

/** Interface i is adapter i; without a network-config the first one asks DHCP. */
const addresses = (instance: CloudConfig.Instance, hardware: Hardware): ReadonlyArray<Report> =>
  hardware.adapters.map((adapter, i) => {
    const configured =
      instance.interfaces === undefined
        ? i === 0
          ? { addresses: [], dhcp4: true }
          : undefined
        : instance.interfaces[i]
    const fixed = (configured?.addresses ?? []).map((cidr) => cidr.split("/")[0] ?? "")
    const leased = configured?.dhcp4 === true ? [lease(adapter.macAddress)] : []
    return {
      slot: adapter.slot,
      ipv4: [...fixed.filter((address) => !address.includes(":")), ...leased],
      ipv6: fixed.filter((address) => address.includes(":"))
    }
  })

const condition = (type: string, status: string): KubeJson => ({
  type,
  status,
  reason: "Simulated",
  message: "",
  lastHeartbeatTime: null,
  lastTransitionTime: null
})

const nodeOf = (identity: Kubeadm.NodeIdentity): KubeJson => ({
  metadata: {
    name: identity.name,
    labels: {
      "kubernetes.io/hostname": identity.name,
      ...(identity.controlPlane && { "node-role.kubernetes.io/control-plane": "" })
    }
  },
  spec: identity.providerId === undefined ? {} : { providerID: identity.providerId }
})

const statusOf = (identity: Kubeadm.NodeIdentity, reports: ReadonlyArray<Report>): KubeJson => ({
  status: {
    addresses: [
      ...reports
        .flatMap((report) => [...report.ipv4, ...report.ipv6])
        .map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: identity.name }
    ],
    conditions: [
      condition("Ready", "True"),
      condition("MemoryPressure", "False"),
      condition("DiskPressure", "False"),
      condition("PIDPressure", "False")
    ],
    nodeInfo: {
      kubeletVersion: identity.version,
      operatingSystem: "linux",
      architecture: "amd64",
      osImage: "Simulated Linux",
      kernelVersion: "6.0.0",
      containerRuntimeVersion: "containerd://2.0.0",
      machineID: identity.name,
      systemUUID: identity.name,
      bootID: identity.name,
      kubeProxyVersion: identity.version
    }
  }
})

/** A node registers, or finds itself registered by an earlier boot. */
const register = Effect.fnUntraced(function* (
  cluster: WorkloadCluster,
  identity: Kubeadm.NodeIdentity,
  reports: ReadonlyArray<Report>
) {
  yield* cluster.access.create(nodes, "", nodeOf(identity)).pipe(
    Effect.catchIf(
      (error) => error.reason === "AlreadyExists",
      () => Effect.void
    )
  )
  yield* cluster.access.mergePatch(nodes, "", identity.name, statusOf(identity, reports), "status")
})

/**
 * The Boot of guests with Kubernetes on board. A VM without a seed stays up without a name; a join retries until the
 * control plane knows its token, as kubeadm does.
 */
export const boot =
  (workloads: WorkloadClusters, pace: Pace): Boot =>
  (hardware) =>
    Effect.gen(function* () {
      yield* Effect.sleep(pace.network)
      const instance = hardware.media
        .map((medium) => IsoReader.read(medium))
        .flatMap((content) => (content === undefined ? [] : [CloudConfig.apply(content)]))
        .find((seed) => seed !== undefined)
      if (instance === undefined) return
      const reports = addresses(instance, hardware)
      yield* hardware.report({ computerName: instance.hostname, addresses: reports })
      const bootstrap = Kubeadm.read(instance)
      if (bootstrap === undefined) return
      yield* Effect.sleep(pace.kubeadm)
      const joined = Effect.suspend(() => {
        const cluster = workloads.find(bootstrap.endpoint)
        return bootstrap._tag === "Join" && cluster?.tokens.has(bootstrap.token) === true
          ? Effect.succeed(cluster)
          : Effect.fail("the control plane does not answer to this token")
      }).pipe(Effect.retry(Schedule.spaced(pace.retry)))
      const cluster =
        bootstrap._tag === "Init" ? yield* workloads.init(bootstrap.endpoint, bootstrap.tokens) : yield* joined
      yield* register(cluster, bootstrap.node, reports).pipe(
        Effect.tapError((error) => Effect.logWarning("a simulated guest could not register its Node", error.message)),
        Effect.ignore
      )
    }).pipe(Effect.orDie)
