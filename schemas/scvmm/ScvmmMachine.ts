/** ScvmmMachine: one VM in SCVMM, the infrastructure of one Machine (contract §1.D). */
import { MachineSpec } from "./MachineSpec.ts"
import { MachineStatus } from "./MachineStatus.ts"
import { customResource, readyColumn } from "./CustomResource.ts"

export const ScvmmMachine = customResource({
  kind: "ScvmmMachine",
  shortName: "scvmmm",
  description: "ScvmmMachine is one virtual machine in System Center Virtual Machine Manager.",
  role: "contract",
  spec: MachineSpec.annotate({ description: "What the virtual machine should be." }),
  status: MachineStatus.annotate({ description: "What was seen of the virtual machine." }),
  columns: [
    { name: "STATUS", type: "string", jsonPath: ".status.vmStatus", description: "Status of the virtual machine" },
    readyColumn,
    {
      name: "HOST",
      type: "string",
      jsonPath: ".status.hostname",
      description: "Host name of the guest",
      priority: 1
    },
    { name: "IP", type: "string", jsonPath: ".status.addresses[].address", description: "IP address of the guest" },
    { name: "ID", type: "string", jsonPath: ".spec.providerID", description: "Provider ID", priority: 1 },
    {
      name: "AGE",
      type: "date",
      jsonPath: ".status.creationTime",
      description: "Time since the virtual machine was created"
    }
  ],
  permissions: { object: ["get", "list", "watch", "patch"], status: ["get", "patch"], finalizers: true }
})
export type ScvmmMachine = typeof ScvmmMachine.schema.Type
