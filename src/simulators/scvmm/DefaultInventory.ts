/** A small site: two productive racks, a test group, names that repeat as they do in real sites. */
import type { Inventory } from "./Inventory.ts"

const library = "\\\\library.example.test\\MSSCVMMLibrary"
const gibibyte = 1024 ** 3

export const defaultInventory: Inventory = {
  vmmServer: { name: "vmm.example.test", productVersion: "10.22.1287.0", userRole: "Administrator" },
  accounts: [{ userName: "EXAMPLE\\capi", password: "simulated-password" }],
  execHosts: ["exec1.example.test", "exec2.example.test"],
  hostGroups: [
    "All Hosts",
    "All Hosts\\Production",
    "All Hosts\\Production\\Rack 1",
    "All Hosts\\Production\\Rack 2",
    "All Hosts\\Test",
    "All Hosts\\Test\\Rack 1"
  ],
  clusters: [
    {
      name: "prod-1",
      hostGroup: "All Hosts\\Production\\Rack 1",
      hosts: ["hv-01.example.test", "hv-02.example.test"],
      logicalNetworks: ["Datacenter", "Storage"]
    },
    {
      name: "prod-2",
      hostGroup: "All Hosts\\Production\\Rack 2",
      hosts: ["hv-03.example.test", "hv-04.example.test"],
      logicalNetworks: ["Datacenter", "Storage"]
    },
    {
      name: "test-1",
      hostGroup: "All Hosts\\Test",
      hosts: ["hv-11.example.test", "hv-12.example.test"],
      logicalNetworks: ["Lab"]
    }
  ],
  standaloneHosts: [{ name: "hv-90.example.test", hostGroup: "All Hosts\\Test\\Rack 1" }],
  clouds: [
    { name: "Production", hostGroups: ["All Hosts\\Production"] },
    { name: "Test", hostGroups: ["All Hosts\\Test"] }
  ],
  vmNetworks: [
    { name: "kubernetes", logicalNetwork: "Datacenter", subnets: ["kubernetes_0"] },
    { name: "storage", logicalNetwork: "Storage", subnets: ["storage_0"] },
    // Two of one name in the same clusters: only the logical network tells them apart.
    { name: "shared", logicalNetwork: "Datacenter", subnets: ["shared_0"] },
    { name: "shared", logicalNetwork: "Storage", subnets: ["shared_0"] },
    { name: "kubernetes", logicalNetwork: "Lab", subnets: ["kubernetes_0"] }
  ],
  operatingSystems: [
    "Other Linux (64 bit)",
    "Ubuntu Linux 22.04 (64 bit)",
    "Ubuntu Linux 24.04 (64 bit)",
    "Debian GNU/Linux 12 (64 bit)"
  ],
  virtualHardDisks: [
    {
      name: "ubuntu-24.04",
      sharePath: `${library}\\VHDs\\ubuntu-24.04.vhdx`,
      format: "VHDX",
      size: 2 * gibibyte,
      maximumSize: 10 * gibibyte,
      operatingSystem: "Ubuntu Linux 24.04 (64 bit)"
    },
    {
      name: "debian-12",
      sharePath: `${library}\\VHDs\\debian-12.vhdx`,
      format: "VHDX",
      size: gibibyte,
      maximumSize: 8 * gibibyte
    },
    {
      name: "debian-12-gen1.vhd",
      sharePath: `${library}\\VHDs\\debian-12-gen1.vhd`,
      format: "VHD",
      size: gibibyte,
      maximumSize: 8 * gibibyte
    }
  ],
  hardwareProfiles: [
    { name: "kubernetes-gen2", generation: 2, memoryMB: 4096, networkAdapters: 1 },
    { name: "kubernetes-gen1", generation: 1, memoryMB: 4096, networkAdapters: 1 },
    { name: "repeated", generation: 1, memoryMB: 1024, networkAdapters: 0 },
    { name: "repeated", generation: 2, memoryMB: 1024, networkAdapters: 0 }
  ],
  vmTemplates: [
    {
      name: "ubuntu-24.04-kubernetes",
      generation: 2,
      memoryMB: 4096,
      networkAdapters: 1,
      operatingSystem: "Ubuntu Linux 24.04 (64 bit)",
      virtualHardDisks: ["ubuntu-24.04"]
    }
  ],
  libraryShares: [
    { path: "\\\\library.example.test\\Vendor", writable: false },
    { path: library, writable: true },
    // Begins like the one before it: a prefix without a separator is another share.
    { path: "\\\\library.example.test\\MSSCVMMLibrary2", writable: true }
  ],
  storageQoSPolicies: ["Gold", "Silver"],
  virtualSANs: ["Fabric A", "Fabric B"],
  storageFabricClassifications: ["Fast", "Slow"]
}
