/** Cluster API's contract in names: every group, label, annotation, finalizer, condition type and reason that we read or write. */

export const clusterGroup = "cluster.x-k8s.io"
export const ipamGroup = "ipam.cluster.x-k8s.io"
export const infrastructureGroup = "infrastructure.cluster.x-k8s.io"

// Labels

/** On a CRD: which of our versions speaks the contract v1beta2 (rule 5). */
export const contractLabel = "cluster.x-k8s.io/v1beta2"
/** On every object that a release ships (rule 78). */
export const providerLabel = "cluster.x-k8s.io/provider"
export const providerLabelValue = "infrastructure-scvmm"
export const clusterNameLabel = "cluster.x-k8s.io/cluster-name"
/** On a Machine of the control plane; its value is empty. */
export const controlPlaneLabel = "cluster.x-k8s.io/control-plane"
export const watchFilterLabel = "cluster.x-k8s.io/watch-filter"
export const machineDeploymentNameLabel = "cluster.x-k8s.io/deployment-name"
export const machineSetNameLabel = "cluster.x-k8s.io/set-name"
/** On a CRD or an object: `clusterctl move` takes it along, the second with all that it owns (rule 85). */
export const moveLabel = "clusterctl.cluster.x-k8s.io/move"
export const moveHierarchyLabel = "clusterctl.cluster.x-k8s.io/move-hierarchy"

// Annotations

/** Any value pauses (rule 30). */
export const pausedAnnotation = "cluster.x-k8s.io/paused"
/** Any value: somebody else manages the infrastructure cluster (rule 29). */
export const managedByAnnotation = "cluster.x-k8s.io/managed-by"
/** While set, `clusterctl move` waits (rule 84). */
export const blockMoveAnnotation = "clusterctl.cluster.x-k8s.io/block-move"
/** The object is deleted by `clusterctl move` only: hands off (rule 87). */
export const deleteForMoveAnnotation = "clusterctl.cluster.x-k8s.io/delete-for-move"
export const clonedFromNameAnnotation = "cluster.x-k8s.io/cloned-from-name"
export const clonedFromGroupKindAnnotation = "cluster.x-k8s.io/cloned-from-groupkind"
export const topologyDryRunAnnotation = "topology.cluster.x-k8s.io/dry-run"
export const skipRemediationAnnotation = "cluster.x-k8s.io/skip-remediation"

/** Orders to the operator; the value says who or why. Consumed once, answered by an Event. */
export const powerOnAnnotation = "infrastructure.cluster.x-k8s.io/scvmm-power-on"
export const rebootAnnotation = "infrastructure.cluster.x-k8s.io/scvmm-reboot"
export const reseedAnnotation = "infrastructure.cluster.x-k8s.io/scvmm-reseed"
export const abandonVmAnnotation = "infrastructure.cluster.x-k8s.io/scvmm-abandon-vm"
export const retryAuthAnnotation = "infrastructure.cluster.x-k8s.io/scvmm-retry-auth"

/** On IPAddressClaims, for the address management of the site (predecessor §8). */
export const claimHostnameAnnotation = "infrastructure.x-k8s.io/hostname"
export const claimDnsZoneAnnotation = "infrastructure.x-k8s.io/dns-zone"

// Finalizers, under the predecessor's names (design D23)

export const machineFinalizer = "scvmmmachine.finalizers.cluster.x-k8s.io"
export const clusterFinalizer = "scvmmcluster.finalizers.cluster.x-k8s.io"
export const persistentDiskFinalizer = "scvmmpersistentdisk.finalizers.cluster.x-k8s.io"
export const ipAddressClaimFinalizer = "scvmmmachine.finalizers.cluster.x-k8s.io/ip-claim-protection"
/** New: the predecessor put none on a provider. */
export const providerFinalizer = "scvmmprovider.finalizers.cluster.x-k8s.io"

// Secrets

/** Key of the bootstrap Secret that holds the user-data (rule 65). */
export const bootstrapDataKey = "value"
/** `cloud-config` or `ignition`. */
export const bootstrapFormatKey = "format"
/** The workload cluster's kubeconfig is in Secret `<cluster>-kubeconfig`, key `value`. */
export const kubeconfigSecretName = (cluster: string): string => `${cluster}-kubeconfig`
export const kubeconfigDataKey = "value"

// Nodes

export const uninitializedTaint = "node.cluster.x-k8s.io/uninitialized"
export const cloudProviderUninitializedTaint = "node.cloudprovider.kubernetes.io/uninitialized"

// Conditions

export const Condition = {
  ready: "Ready",
  paused: "Paused",
  deleting: "Deleting",
  virtualMachineProvisioned: "VirtualMachineProvisioned",
  ipAddressClaimsFulfilled: "IPAddressClaimsFulfilled",
  scvmmAvailable: "ScvmmAvailable",
  /** Of a provider, True while nobody checks who its hosts are: a warning. */
  verificationSkipped: "VerificationSkipped",
  // The predecessor's.
  vmCreated: "VmCreated",
  vmRunning: "VmRunning",
  vmDeleting: "VmDeleting",
  ipAddressClaimed: "IPAddressClaimed",
  clusterCreated: "ClusterCreated"
} as const

/** Reasons of Cluster API's own vocabulary (rules 26, 31, 99). */
export const Reason = {
  ready: "Ready",
  notReady: "NotReady",
  readyUnknown: "ReadyUnknown",
  available: "Available",
  notAvailable: "NotAvailable",
  provisioned: "Provisioned",
  notProvisioned: "NotProvisioned",
  paused: "Paused",
  notPaused: "NotPaused",
  deleting: "Deleting",
  notDeleting: "NotDeleting",
  internalError: "InternalError",
  allocationFailed: "AllocationFailed",
  poolNotReady: "PoolNotReady",
  poolExhausted: "PoolExhausted"
} as const

/** The predecessor's reasons, spelling included (checklist 8). WaitingForOwner is never written (rule 60). */
export const LegacyReason = {
  waitingForOwner: "WaitingForOwner",
  missingCluster: "MissingCluster",
  clusterNotAvailable: "ClusterNotAvailable",
  waitingForClusterInfrastructure: "WaitingForClusterInfrastructure",
  vmCreated: "VmCreated",
  vmCreating: "VmCreating",
  vmUpdatingNetwork: "VmUpdatingNetwork",
  vmUpdatingDisks: "VmUpdatingDisks",
  vmUpdatingCloudInit: "VmUpdatingCloudInit",
  vmUpdatingProperties: "VmUpdatingProperties",
  waitingForIPAddress: "WaitingForIPAddress",
  providerNotAvailable: "ProviderNotAvailable",
  waitingForControlplaneAvailable: "WaitingForControlplaneAvailable",
  waitingForBootstrapData: "WaitingForBootstrapData",
  vmStarting: "VmStarting",
  vmRunning: "VmRunning",
  vmFailed: "VmFailed",
  vmDeleting: "VmDeleting",
  vmDeletingDisks: "VmDeletingDisks",
  vmDeletingDisksDone: "VmDeletingDisksDone",
  ipAddressClaimed: "IPAddressClaimed",
  ipAddressClaimsBeingCreated: "IPAddressClaimsBeingCreated",
  ipAddressClaimNotFound: "IPAddressClaimNotFound",
  clusterCreated: "ClusterCreated",
  clusterDeleting: "ClusterDeleting"
} as const
