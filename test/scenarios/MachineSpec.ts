/** The spec of a machine that every simulated SCVMM can make. */

/** Without bootstrap data; its provider is "scvmm" of that namespace. */
export const machineSpec = (namespace: string) => ({
  bootstrap: {},
  providerRef: { name: "scvmm", namespace },
  cloud: "Production",
  hostGroup: "Production",
  hardwareProfile: "kubernetes-gen2",
  cpuCount: 2,
  memory: "4Gi",
  disks: [{ vhDisk: "ubuntu-24.04" }],
  networking: { domain: "example.test", devices: [{ vmNetwork: "kubernetes" }] }
})
