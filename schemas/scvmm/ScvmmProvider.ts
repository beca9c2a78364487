/** ScvmmProvider: one VMM server, and how it is reached. */
import * as Schema from "effect/Schema"
import {
  between,
  defaulted,
  extend,
  group,
  int32,
  listMap,
  listSet,
  optional,
  required,
  stringMap,
  timestamp
} from "../kube/Field.ts"
import { conditions } from "./Conditions.ts"
import { ageColumn, customResource, readyColumn } from "./CustomResource.ts"
import { ProviderTransport } from "./ProviderTransport.ts"
import { LabelSelector } from "./Reference.ts"

const SecretReference = extend(
  Schema.Struct({
    name: optional(Schema.String, "Name of the Secret."),
    namespace: optional(Schema.String, "Ignored: the Secret is that of the provider's own namespace.")
  }),
  { "x-kubernetes-map-type": "atomic" }
)

const CloudInit = Schema.Struct({
  libraryShare: optional(
    Schema.String,
    String.raw`Where media are put: a UNC path as is, else below the first writable library share; unset means ISOs\cloud-init.`
  ),
  fileSystem: optional(Schema.Literals(["vfat", "iso9660"]), "File system of the medium; unset means iso9660."),
  deviceType: optional(
    Schema.Literals(["dvd", "floppy", "scsi", "ide"]),
    "Device that the medium is attached as; unset means dvd."
  )
})

const AllowedNamespaces = Schema.Struct({
  list: optional(listSet(Schema.String), "Namespaces by name."),
  selector: optional(LabelSelector, "Namespaces by label.")
})

const Spec = Schema.Struct({
  scvmmHost: required(Schema.String, "Host name of the VMM server."),
  scvmmSecret: optional(
    SecretReference,
    "Secret with the keys username and password; ca.crt where https needs it, tls.crt and tls.key for Certificate."
  ),
  execHosts: optional(
    listSet(Schema.String),
    "Hosts that run PowerShell, in order of preference; unset means the VMM server."
  ),
  execHost: optional(Schema.String, "Deprecated: use execHosts."),
  keepAliveSeconds: optional(Schema.Int, "Idle seconds after which a session is closed; unset or 0 means 20."),
  cloudInit: optional(CloudInit, "How cloud-init data reach the guests."),
  extraFunctions: optional(
    stringMap,
    "PowerShell functions by name, defined in each session: full control of VMM for whoever may write this object."
  ),
  env: optional(stringMap, "Environment variables of the sessions."),
  transport: group(ProviderTransport, "How the hosts are spoken to."),
  sessions: defaulted(between(1, 8), 3, "Sessions per exec host."),
  allowedNamespaces: optional(
    AllowedNamespaces,
    "Namespaces whose objects may reference this provider; unset means all."
  ),
  adoption: defaulted(
    Schema.Literals(["Owned", "Unmarked"]),
    "Owned",
    "Which VMs a machine with a preset spec.id may adopt: those that are marked as its own, or unmarked ones too."
  ),
  orphanPolicy: defaulted(
    Schema.Literals(["Report", "Delete"]),
    "Report",
    "What becomes of VMs that this installation made and no ScvmmMachine names."
  ),
  orphanGracePeriodSeconds: defaulted(
    int32.check(Schema.isGreaterThanOrEqualTo(86_400)),
    86_400,
    "How long a VM must have been an orphan before it is deleted."
  ),
  syncPeriodSeconds: defaulted(
    int32.check(Schema.isGreaterThanOrEqualTo(30)),
    120,
    "Seconds between two sweeps over all VMs while nothing changes."
  )
})

const count = int32.check(Schema.isGreaterThanOrEqualTo(0))

const Status = Schema.Struct({
  execHosts: optional(
    listMap(
      Schema.Struct({
        host: required(Schema.String, "The host."),
        status: required(Schema.String, "OK or Failed."),
        message: optional(Schema.String, "Why it failed.")
      }).annotate({ description: "State of one exec host." }),
      "host"
    ),
    "State of the exec hosts."
  ),
  conditions,
  version: optional(
    Schema.Struct({
      module: optional(Schema.String, "Version of the operator's PowerShell module."),
      server: optional(Schema.String, "Version of VMM.")
    }),
    "Versions that were found."
  ),
  sessions: optional(
    Schema.Struct({
      open: required(count, "Open sessions."),
      idle: required(count, "Open sessions without a call.")
    }),
    "PowerShell sessions."
  ),
  orphans: optional(
    Schema.Array(
      Schema.Struct({
        id: required(Schema.String, "VMM's ID of the VM."),
        name: required(Schema.String, "Name of the VM."),
        machine: optional(Schema.String, "namespace/name of the ScvmmMachine that it was made for."),
        since: optional(timestamp, "Since when it is known to be an orphan.")
      }).annotate({ description: "A VM without its ScvmmMachine." })
    ).check(Schema.isMaxLength(50)),
    "VMs of this installation that no ScvmmMachine names, at most 50 of them."
  ),
  orphanCount: optional(count, "Number of all such VMs."),
  staleSince: optional(timestamp, "Since when SCVMM could not be asked; unset while it answers.")
})

export const ScvmmProvider = customResource({
  kind: "ScvmmProvider",
  shortName: "scvmmp",
  description: "ScvmmProvider is one VMM server and how it is reached.",
  role: "move-hierarchy",
  spec: Spec.annotate({ description: "The server and how it is reached." }),
  status: Status.annotate({ description: "What was seen of the server." }),
  columns: [
    readyColumn,
    { name: "SERVER", type: "string", jsonPath: ".spec.scvmmHost", description: "Host name of the VMM server" },
    {
      name: "VERSION",
      type: "string",
      jsonPath: ".status.version.server",
      description: "Version of VMM",
      priority: 1
    },
    ageColumn
  ],
  permissions: { object: ["get", "list", "watch", "patch"], status: ["get", "patch"], finalizers: true }
})
export type ScvmmProvider = typeof ScvmmProvider.schema.Type
