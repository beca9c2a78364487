/** What `kubectl get` shows of the server's own kinds: the columns of pkg/printers, computed from whole objects. */
import type { Column } from "./Kind.ts"
import { at, isObject, metadata, objects, strings, text, textMap, type Json, type KubeJson } from "./KubeJson.ts"
import { humanDuration } from "./HumanDuration.ts"

type Cell = (object: KubeJson, millis: number) => Json

const column = (name: string, cell: Cell, rest: Partial<Column> = {}): Column => ({
  name,
  type: "string",
  format: "",
  description: name,
  priority: 0,
  jsonPath: "",
  cell,
  ...rest
})

const wide = { priority: 1 }

const field =
  (...path: ReadonlyArray<string>): Cell =>
  (object) =>
    text(object, ...path)

const since = (time: string, millis: number): string =>
  time === "" ? "<unknown>" : humanDuration(Math.floor((millis - Date.parse(time)) / 1000))

const age = column("Age", (object, millis) => since(text(metadata(object), "creationTimestamp"), millis))

const size = (object: KubeJson, name: string): number => {
  const found = object[name]
  return isObject(found) ? Object.keys(found).length : 0
}

const pairs = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",")

const orNone = (text: string): string => (text === "" ? "<none>" : text)
const orUnknown = (text: string): string => (text === "" ? "<unknown>" : text)

export const namespace = [column("Status", field("status", "phase")), age]

export const configMap = [column("Data", (object) => size(object, "data") + size(object, "binaryData")), age]

export const secret = [column("Type", field("type")), column("Data", (object) => size(object, "data")), age]

export const serviceAccount = [age]

export const lease = [column("Holder", field("spec", "holderIdentity")), age]

export const customResourceDefinition = [column("Created At", field("metadata", "creationTimestamp"), { type: "date" })]

const ports = (object: KubeJson): string =>
  objects(object, "spec", "ports")
    .map((port) => {
      const node = at(port, "nodePort")
      const number =
        typeof node === "number" && node > 0 ? `${String(at(port, "port"))}:${node}` : String(at(port, "port"))
      return `${number}/${text(port, "protocol") || "TCP"}`
    })
    .join(",")

const external = (object: KubeJson): string => {
  const addresses = strings(object, "spec", "externalIPs")
  const balanced = objects(object, "status", "loadBalancer", "ingress").map(
    (ingress) => text(ingress, "ip") || text(ingress, "hostname")
  )
  switch (text(object, "spec", "type")) {
    case "ExternalName":
      return text(object, "spec", "externalName")
    case "LoadBalancer": {
      const all = [...balanced, ...addresses].join(",")
      return all === "" ? "<pending>" : all
    }
    default:
      return orNone(addresses.join(","))
  }
}

export const service = [
  column("Type", (object) => text(object, "spec", "type") || "ClusterIP"),
  column("Cluster-IP", (object) => orNone(text(object, "spec", "clusterIP"))),
  column("External-IP", external),
  column("Port(s)", (object) => orNone(ports(object))),
  age,
  column("Selector", (object) => orNone(pairs(textMap(object, "spec", "selector"))), wide)
]

const nodeStatus = (object: KubeJson): string => {
  const ready = objects(object, "status", "conditions").find((condition) => text(condition, "type") === "Ready")
  const known = ready === undefined ? "Unknown" : text(ready, "status") === "True" ? "Ready" : "NotReady"
  return at(object, "spec", "unschedulable") === true ? `${known},SchedulingDisabled` : known
}

const rolePrefix = "node-role.kubernetes.io/"

const roles = (object: KubeJson): string =>
  orNone(
    Object.entries(textMap(metadata(object), "labels"))
      .flatMap(([key, value]) => {
        if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)]
        return key === "kubernetes.io/role" && value !== "" ? [value] : []
      })
      .toSorted()
      .join(",")
  )

const address =
  (type: string): Cell =>
  (object) =>
    orNone(
      text(
        objects(object, "status", "addresses").find((each) => text(each, "type") === type),
        "address"
      )
    )

const info =
  (name: string): Cell =>
  (object) =>
    orUnknown(text(object, "status", "nodeInfo", name))

const kernel: Cell = (object) => {
  const [version, architecture] = ["kernelVersion", "architecture"].map((name) =>
    text(object, "status", "nodeInfo", name)
  )
  return version !== "" && architecture !== "" ? `${version} (${architecture})` : orUnknown(version ?? "")
}

export const node = [
  column("Status", nodeStatus),
  column("Roles", roles),
  age,
  column("Version", field("status", "nodeInfo", "kubeletVersion")),
  column("Internal-IP", address("InternalIP"), wide),
  column("External-IP", address("ExternalIP"), wide),
  column("OS-Image", info("osImage"), wide),
  column("Kernel-Version", kernel, wide),
  column("Container-Runtime", info("containerRuntimeVersion"), wide)
]

const containers = (object: KubeJson) => objects(object, "status", "containerStatuses")

export const pod = [
  column(
    "Ready",
    (object) =>
      `${containers(object).filter((each) => each["ready"] === true).length}/${objects(object, "spec", "containers").length}`
  ),
  column("Status", (object) =>
    metadata(object)["deletionTimestamp"] === undefined
      ? text(object, "status", "reason") || text(object, "status", "phase")
      : "Terminating"
  ),
  column("Restarts", (object) =>
    String(containers(object).reduce((sum, each) => sum + Number(each["restartCount"] ?? 0), 0))
  ),
  age,
  column("IP", (object) => orNone(text(object, "status", "podIP")), wide),
  column("Node", (object) => orNone(text(object, "spec", "nodeName")), wide),
  column("Nominated Node", (object) => orNone(text(object, "status", "nominatedNodeName")), wide),
  column("Readiness Gates", () => "<none>", wide)
]

/** The time of an event's first occurrence, and of its last. */
const times = (object: KubeJson): readonly [first: string, last: string] => {
  const [first, last, at] = ["firstTimestamp", "lastTimestamp", "eventTime"].map((name) => text(object, name))
  const begun = first || at || ""
  return [begun, text(object, "series", "lastObservedTime") || last || begun]
}

const count: Cell = (object) => at(object, "series", "count") ?? (Number(object["count"] ?? 0) || 1)

const involved: Cell = (object) =>
  `${text(object, "involvedObject", "kind").toLowerCase()}/${text(object, "involvedObject", "name")}`

const source: Cell = (object) => {
  const [component, instance] = [
    text(object, "source", "component") || text(object, "reportingComponent"),
    text(object, "source", "host") || text(object, "reportingInstance")
  ]
  return instance === "" ? component : `${component}, ${instance}`
}

/** Of events in their stored shape; they are shown by time, not by name. */
export const event = [
  column("Last Seen", (object, millis) => since(times(object)[1], millis)),
  column("Type", field("type")),
  column("Reason", field("reason")),
  column("Object", involved),
  column("Subobject", field("involvedObject", "fieldPath"), wide),
  column("Source", source, wide),
  column("Message", (object) => text(object, "message").trim()),
  column("First Seen", (object, millis) => since(times(object)[0], millis), wide),
  column("Count", count, wide),
  column("Name", field("metadata", "name"), { ...wide, format: "name" })
]
