package main

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Spec and status copy themselves as controller-gen's functions would.
type part[T any] interface{ Copy() T }

type Object[S part[S], T part[T]] struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              S `json:"spec,omitempty"`
	Status            T `json:"status,omitempty"`
}

func (o *Object[S, T]) copy() *Object[S, T] {
	out := &Object[S, T]{TypeMeta: o.TypeMeta, Spec: o.Spec.Copy(), Status: o.Status.Copy()}
	o.DeepCopyInto(&out.ObjectMeta)
	return out
}

func (o *Object[S, T]) DeepCopyObject() runtime.Object { return o.copy() }

type List[S part[S], T part[T]] struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Object[S, T] `json:"items"`
}

func (l *List[S, T]) DeepCopyObject() runtime.Object {
	out := &List[S, T]{TypeMeta: l.TypeMeta}
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].copy())
	}
	return out
}

type (
	Cluster        = Object[ClusterSpec, ClusterStatus]
	Machine        = Object[MachineSpec, MachineStatus]
	IPAddressClaim = Object[ClaimSpec, ClaimStatus]
	ScvmmCluster   = Object[ScvmmClusterSpec, ScvmmClusterStatus]
	ScvmmMachine   = Object[ScvmmMachineSpec, ScvmmMachineStatus]
)

type Ref struct {
	APIGroup  string `json:"apiGroup,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

type ClusterSpec struct {
	Paused            bool `json:"paused,omitempty"`
	InfrastructureRef *Ref `json:"infrastructureRef,omitempty"`
	ControlPlaneRef   *Ref `json:"controlPlaneRef,omitempty"`
}

type MachineSpec struct {
	ClusterName       string `json:"clusterName,omitempty"`
	Version           string `json:"version,omitempty"`
	FailureDomain     string `json:"failureDomain,omitempty"`
	ProviderID        string `json:"providerID,omitempty"`
	InfrastructureRef Ref    `json:"infrastructureRef"`
	Bootstrap         struct {
		DataSecretName string `json:"dataSecretName,omitempty"`
		ConfigRef      Ref    `json:"configRef,omitempty"`
	} `json:"bootstrap"`
}

type ClaimSpec struct {
	ClusterName string `json:"clusterName,omitempty"`
	PoolRef     Ref    `json:"poolRef"`
}

type ScvmmClusterSpec struct {
	ProviderRef *Ref `json:"providerRef,omitempty"`
}

type ScvmmMachineSpec struct {
	ProviderID      string            `json:"providerID,omitempty"`
	ID              string            `json:"id,omitempty"`
	Cloud           string            `json:"cloud,omitempty"`
	HostGroup       string            `json:"hostGroup,omitempty"`
	VMName          string            `json:"vmName,omitempty"`
	Hostname        string            `json:"hostname,omitempty"`
	CPUCount        int32             `json:"cpuCount,omitempty"`
	Memory          string            `json:"memory,omitempty"`
	HardwareProfile string            `json:"hardwareProfile,omitempty"`
	OperatingSystem string            `json:"operatingSystem,omitempty"`
	EjectSeed       string            `json:"ejectSeed,omitempty"`
	PowerOffTimeout int32             `json:"guestSoftPowerOffTimeoutSeconds,omitempty"`
	CustomProperty  map[string]string `json:"customProperty,omitempty"`
	ProviderRef     *Ref              `json:"providerRef,omitempty"`
	Disks           []struct {
		VHDisk string `json:"vhDisk,omitempty"`
		Size   string `json:"size,omitempty"`
	} `json:"disks,omitempty"`
	Networking struct {
		Domain  string `json:"domain,omitempty"`
		Devices []struct {
			DeviceName string `json:"deviceName,omitempty"`
			VMNetwork  string `json:"vmNetwork,omitempty"`
		} `json:"devices,omitempty"`
	} `json:"networking"`
}

type Initialization struct {
	Provisioned                bool `json:"provisioned,omitempty"`
	InfrastructureProvisioned  bool `json:"infrastructureProvisioned,omitempty"`
	ControlPlaneInitialized    bool `json:"controlPlaneInitialized,omitempty"`
	BootstrapDataSecretCreated bool `json:"bootstrapDataSecretCreated,omitempty"`
}

type common struct {
	Conditions     []metav1.Condition `json:"conditions,omitempty"`
	Initialization Initialization     `json:"initialization,omitempty"`
}

type Address struct {
	Type    string `json:"type"`
	Address string `json:"address"`
}

type ClusterStatus struct {
	common `json:",inline"`
	Phase  string `json:"phase,omitempty"`
}

type MachineStatus struct {
	common    `json:",inline"`
	Phase     string    `json:"phase,omitempty"`
	NodeRef   Ref       `json:"nodeRef,omitempty"`
	Addresses []Address `json:"addresses,omitempty"`
}

type ClaimStatus struct {
	common     `json:",inline"`
	AddressRef Ref `json:"addressRef,omitempty"`
}

type ScvmmClusterStatus struct {
	common `json:",inline"`
}

type ScvmmMachineStatus struct {
	common       `json:",inline"`
	VMStatus     string    `json:"vmStatus,omitempty"`
	BiosGUID     string    `json:"biosGuid,omitempty"`
	CreationTime string    `json:"creationTime,omitempty"`
	ModifiedTime string    `json:"modifiedTime,omitempty"`
	Hostname     string    `json:"hostname,omitempty"`
	Host         string    `json:"host,omitempty"`
	ProviderRef  *Ref      `json:"providerRef,omitempty"`
	Addresses    []Address `json:"addresses,omitempty"`
}

func (c common) copied() common {
	c.Conditions = slices.Clone(c.Conditions)
	return c
}

func ref(r *Ref) *Ref {
	if r == nil {
		return nil
	}
	out := *r
	return &out
}

func (s ClusterSpec) Copy() ClusterSpec {
	s.InfrastructureRef, s.ControlPlaneRef = ref(s.InfrastructureRef), ref(s.ControlPlaneRef)
	return s
}
func (s MachineSpec) Copy() MachineSpec { return s }
func (s ClaimSpec) Copy() ClaimSpec     { return s }
func (s ScvmmClusterSpec) Copy() ScvmmClusterSpec {
	s.ProviderRef = ref(s.ProviderRef)
	return s
}
func (s ScvmmMachineSpec) Copy() ScvmmMachineSpec {
	s.ProviderRef, s.CustomProperty = ref(s.ProviderRef), maps.Clone(s.CustomProperty)
	s.Disks, s.Networking.Devices = slices.Clone(s.Disks), slices.Clone(s.Networking.Devices)
	return s
}
func (s ClusterStatus) Copy() ClusterStatus { s.common = s.copied(); return s }
func (s MachineStatus) Copy() MachineStatus {
	s.common, s.Addresses = s.copied(), slices.Clone(s.Addresses)
	return s
}
func (s ClaimStatus) Copy() ClaimStatus               { s.common = s.copied(); return s }
func (s ScvmmClusterStatus) Copy() ScvmmClusterStatus { s.common = s.copied(); return s }
func (s ScvmmMachineStatus) Copy() ScvmmMachineStatus {
	s.common, s.Addresses, s.ProviderRef = s.copied(), slices.Clone(s.Addresses), ref(s.ProviderRef)
	return s
}
