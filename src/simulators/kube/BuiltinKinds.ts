/** The kinds that are served without a CRD: the part of Kubernetes and Cluster API that an infrastructure provider meets. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as AccessReviews from "./AccessReviews.ts"
import * as Columns from "./BuiltinColumns.ts"
import * as CustomResources from "./CustomResources.ts"
import * as DataRules from "./DataRules.ts"
import * as Events from "./Events.ts"
import * as Failure from "./Failure.ts"
import * as Kind from "./Kind.ts"
import { assign, isObject, metadata, text, textMap, withMetadata, type Json, type KubeJson } from "./KubeJson.ts"
import * as Rbac from "./Rbac.ts"
import { serviceAccounts } from "./ServiceAccountTokens.ts"
import * as WebhookConfigurations from "./WebhookConfigurations.ts"

const column = (name: string, jsonPath: string, type = "string"): Kind.Column => ({
  name,
  type,
  format: "",
  description: `Column in JSONPath format: ${jsonPath}`,
  priority: 0,
  jsonPath
})

const fields = (value: Json | undefined): KubeJson => (isObject(value) ? value : {})

const namespace = (object: KubeJson, stored: KubeJson | undefined): KubeJson =>
  assign(
    withMetadata(object, {
      labels: {
        ...textMap(metadata(object), "labels"),
        "kubernetes.io/metadata.name": text(metadata(object), "name")
      }
    }),
    stored === undefined
      ? { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } }
      : { spec: stored["spec"], status: stored["status"] }
  )

/** stringData becomes data; data must be base64. */
const secret = (object: KubeJson, stored: KubeJson | undefined): KubeJson => {
  const data = {
    ...textMap(object, "data"),
    ...Object.fromEntries(
      Object.entries(textMap(object, "stringData")).map(([key, value]) => [key, Base64.encode(value)])
    )
  }
  if (Object.values(data).some((value) => Result.isFailure(Base64.decode(value)))) {
    throw Failure.badRequest('Secret in version "v1" cannot be handled as a Secret: illegal base64 data')
  }
  const complete = assign(object, {
    stringData: undefined,
    data: Object.keys(data).length === 0 ? undefined : data,
    type: object["type"] ?? "Opaque"
  })
  return DataRules.check("Secret", complete, stored)
}

/** A providerID is set once. */
const node = (object: KubeJson, stored: KubeJson | undefined): KubeJson => {
  const before = text(stored, "spec", "providerID")
  if (before !== "" && text(object, "spec", "providerID") !== before) {
    throw Failure.invalid("", "Node", text(metadata(object), "name"), [
      {
        reason: "FieldValueForbidden",
        field: "spec.providerID",
        message: 'Forbidden: node updates may not change providerID except from "" to valid'
      }
    ])
  }
  return object
}

const core = (kind: string, plural: string, rest: Partial<Kind.Kind> = {}, namespaced = true): Kind.Kind =>
  Kind.make({ group: "", version: "v1", kind, plural, namespaced }, rest)

const kubernetes: ReadonlyArray<Kind.Kind> = [
  core(
    "Namespace",
    "namespaces",
    {
      shortNames: ["ns"],
      names: "label",
      prepare: namespace,
      terminating: (object) => assign(object, { status: { ...fields(object["status"]), phase: "Terminating" } }),
      statusSubresource: true,
      fieldLabels: { "status.phase": ["status", "phase"] },
      columns: Columns.namespace
    },
    false
  ),
  core(
    "Node",
    "nodes",
    {
      shortNames: ["no"],
      prepare: node,
      statusSubresource: true,
      columns: Columns.node
    },
    false
  ),
  core("Secret", "secrets", {
    prepare: secret,
    fieldLabels: { type: ["type"] },
    columns: Columns.secret
  }),
  core("ConfigMap", "configmaps", {
    shortNames: ["cm"],
    columns: Columns.configMap,
    prepare: (object, stored) => DataRules.check("ConfigMap", object, stored)
  }),
  core("Service", "services", {
    shortNames: ["svc"],
    categories: ["all"],
    statusSubresource: true,
    columns: Columns.service
  }),
  serviceAccounts,
  core("Pod", "pods", {
    shortNames: ["po"],
    categories: ["all"],
    statusSubresource: true,
    fieldLabels: { "spec.nodeName": ["spec", "nodeName"], "status.phase": ["status", "phase"] },
    columns: Columns.pod
  }),
  core("Event", "events", { shortNames: ["ev"], fieldLabels: Events.fieldLabels, columns: Columns.event }),
  Kind.make(
    { group: "events.k8s.io", version: "v1", kind: "Event", plural: "events", namespaced: true },
    {
      shortNames: ["ev"],
      store: "/events",
      fieldLabels: Events.regardingLabels,
      convert: { toStored: Events.toCore, fromStored: Events.fromCore },
      columns: Columns.event
    }
  ),
  Kind.make(
    { group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases", namespaced: true },
    { columns: Columns.lease }
  ),
  Kind.make(
    {
      group: "apiextensions.k8s.io",
      version: "v1",
      kind: "CustomResourceDefinition",
      plural: "customresourcedefinitions",
      namespaced: false
    },
    {
      shortNames: ["crd", "crds"],
      categories: ["api-extensions"],
      statusSubresource: true,
      generation: true,
      prepare: CustomResources.complete,
      terminating: CustomResources.terminating,
      columns: Columns.customResourceDefinition
    }
  )
]

const phase = column("Phase", ".status.phase")

const stateless = new Set([
  "KubeadmConfigTemplate",
  "KubeadmControlPlaneTemplate",
  "IPAddress",
  "ClusterResourceSetBinding"
])

const external = (
  group: string,
  version: string,
  names: ReadonlyArray<readonly [kind: string, plural: string, ...shortNames: ReadonlyArray<string>]>,
  columns: ReadonlyArray<Kind.Column>
): ReadonlyArray<Kind.Kind> =>
  names.map(([kind, plural, ...shortNames]) =>
    Kind.make(
      { group, version, kind, plural, namespaced: true },
      {
        custom: true,
        statusSubresource: !stateless.has(kind),
        generation: true,
        categories: ["cluster-api"],
        shortNames,
        columns
      }
    )
  )

/** Cluster API's kinds without their schemas: whatever is stored in them is taken as it is. */
const clusterApi: ReadonlyArray<Kind.Kind> = [
  ...external(
    "cluster.x-k8s.io",
    "v1beta2",
    [
      ["Cluster", "clusters", "cl"],
      ["ClusterClass", "clusterclasses", "cc"],
      ["Machine", "machines", "ma"],
      ["MachineSet", "machinesets", "ms"],
      ["MachineDeployment", "machinedeployments", "md"],
      ["MachinePool", "machinepools", "mp"],
      ["MachineHealthCheck", "machinehealthchecks", "mhc", "mhcs"]
    ],
    [phase, Kind.age]
  ),
  ...external(
    "bootstrap.cluster.x-k8s.io",
    "v1beta2",
    [
      ["KubeadmConfig", "kubeadmconfigs"],
      ["KubeadmConfigTemplate", "kubeadmconfigtemplates"]
    ],
    [Kind.age]
  ),
  ...external(
    "controlplane.cluster.x-k8s.io",
    "v1beta2",
    [
      ["KubeadmControlPlane", "kubeadmcontrolplanes", "kcp"],
      ["KubeadmControlPlaneTemplate", "kubeadmcontrolplanetemplates"]
    ],
    [Kind.age]
  ),
  ...external(
    "ipam.cluster.x-k8s.io",
    "v1beta2",
    [
      ["IPAddressClaim", "ipaddressclaims"],
      ["IPAddress", "ipaddresses"]
    ],
    [column("Pool", ".spec.poolRef.name"), Kind.age]
  ),
  ...external("ipam.cluster.x-k8s.io", "v1alpha2", [["InClusterIPPool", "inclusterippools"]], [Kind.age]),
  Kind.make(
    {
      group: "ipam.cluster.x-k8s.io",
      version: "v1alpha2",
      kind: "GlobalInClusterIPPool",
      plural: "globalinclusterippools",
      namespaced: false
    },
    { custom: true, statusSubresource: true, generation: true, categories: ["cluster-api"] }
  ),
  ...external(
    "addons.cluster.x-k8s.io",
    "v1beta2",
    [
      ["ClusterResourceSet", "clusterresourcesets"],
      ["ClusterResourceSetBinding", "clusterresourcesetbindings"]
    ],
    [Kind.age]
  )
]

export const all: ReadonlyArray<Kind.Kind> = [
  ...kubernetes,
  ...Rbac.kinds,
  ...AccessReviews.kinds,
  ...WebhookConfigurations.kinds,
  ...clusterApi
]
