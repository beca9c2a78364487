/** What holds for the metadata of every object: its fields, and what the API server refuses in them. */
import type { Cause } from "./Failure.ts"
import type { NameForm } from "./Kind.ts"
import {
  assign,
  equals,
  isArray,
  isObject,
  metadata,
  objects,
  strings,
  text,
  textMap,
  withMetadata,
  type Json,
  type KubeJson
} from "./KubeJson.ts"
import { applyDefaults, compile } from "./StructuralSchema.ts"

const string = { type: "string" }
const map = { type: "object", additionalProperties: string }
const boolean = { type: "boolean" }

export const schema = compile({
  type: "object",
  properties: {
    name: string,
    generateName: string,
    namespace: string,
    selfLink: string,
    uid: string,
    resourceVersion: string,
    generation: { type: "integer" },
    creationTimestamp: string,
    deletionTimestamp: string,
    deletionGracePeriodSeconds: { type: "integer" },
    labels: map,
    annotations: map,
    finalizers: { type: "array", items: string },
    ownerReferences: {
      type: "array",
      items: {
        type: "object",
        properties: {
          apiVersion: string,
          kind: string,
          name: string,
          uid: string,
          controller: boolean,
          blockOwnerDeletion: boolean
        }
      }
    },
    managedFields: {
      type: "array",
      items: { type: "object", "x-kubernetes-preserve-unknown-fields": true }
    }
  }
})

/** Without nulls, empty maps and lists, and managedFields, which are not kept here. */
export const normalise = (object: KubeJson): KubeJson => {
  const meta = applyDefaults(metadata(object), schema)
  return {
    ...object,
    metadata: Object.fromEntries(
      Object.entries(isObject(meta) ? meta : {}).filter(
        ([field, value]) =>
          field !== "managedFields" &&
          field !== "selfLink" &&
          value !== "" &&
          !(isArray(value) && value.length === 0) &&
          !(isObject(value) && Object.keys(value).length === 0)
      )
    )
  }
}

const part = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/u
const value = /^(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/u
const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/u
const subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/u

const partText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const keyText = `${partText.replace("name part", "a valid label key")} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`
const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/** What is wrong with a qualified name (label key, annotation key, finalizer). */
export const labelKeyFaults = (key: string): ReadonlyArray<string> => {
  const [name = "", prefix, ...more] = key.split("/").toReversed()
  if (more.length > 0) return [keyText]
  return [
    ...(prefix === "" ? ["prefix part must be non-empty"] : []),
    ...(prefix === undefined || prefix === "" || subdomain.test(prefix) ? [] : [`prefix part ${subdomainText}`]),
    ...(name === "" ? ["name part must be non-empty"] : []),
    ...(name.length > 63 ? ["name part must be no more than 63 bytes"] : []),
    ...(part.test(name) ? [] : [partText])
  ]
}

export const labelValueFault = (text: string): string | undefined => {
  if (text.length > 63) return "must be no more than 63 bytes"
  return value.test(text) ? undefined : valueText
}

const segmentFault = (name: string): string | undefined => {
  if (name === "." || name === "..") return `may not be '${name}'`
  const found = ["/", "%"].find((sign) => name.includes(sign))
  return found && `may not contain '${found}'`
}

/** What is wrong with an RFC 1123 label. */
export const labelFault = (name: string): string | undefined => {
  if (name.length > 63) return "must be no more than 63 bytes"
  return label.test(name) ? undefined : labelText
}

const nameFault = (name: string, names: NameForm): string | undefined => {
  if (names === "path") return segmentFault(name)
  if (names === "label") return labelFault(name)
  if (name.length > 253) return "must be no more than 253 bytes"
  return subdomain.test(name) ? undefined : subdomainText
}

/** What is wrong with the beginning of a name: it may end in a dash. */
const prefixFault = (prefix: string, names: NameForm): string | undefined => {
  if (names !== "path") return nameFault(prefix.replace(/.-$/u, "a"), names)
  return prefix === "." || prefix === ".." ? undefined : segmentFault(prefix)
}

const wrong = (field: string, found: Json, fault: string | undefined): ReadonlyArray<Cause> =>
  fault === undefined
    ? []
    : [{ reason: "FieldValueInvalid", field, message: `Invalid value: ${JSON.stringify(found)}: ${fault}` }]

/** "" for none, also of what is no API version. */
const versionOf = (apiVersion: string): string => {
  const parts = apiVersion.split("/")
  return parts.length > 2 ? "" : (parts.at(-1) ?? "")
}

const ofOwners = (owners: ReadonlyArray<KubeJson>): ReadonlyArray<Cause> => {
  const controllers = owners.filter((owner) => owner["controller"] === true)
  const [first, second] = controllers
  return [
    ...owners.flatMap((owner) => [
      ...(versionOf(text(owner, "apiVersion")) === ""
        ? wrong("metadata.ownerReferences.apiVersion", text(owner, "apiVersion"), "version must not be empty")
        : []),
      ...(text(owner, "kind") === "" ? wrong("metadata.ownerReferences.kind", "", "must not be empty") : []),
      ...(text(owner, "name") === "" ? wrong("metadata.ownerReferences.name", "", "must not be empty") : []),
      ...(text(owner, "uid") === "" ? wrong("metadata.ownerReferences.uid", "", "must not be empty") : []),
      ...(text(owner, "apiVersion") === "v1" && text(owner, "kind") === "Event"
        ? wrong("metadata.ownerReferences", owner, "/v1, Kind=Event is disallowed from being an owner")
        : [])
    ]),
    ...(first === undefined || second === undefined
      ? []
      : [
          {
            reason: "FieldValueInvalid",
            field: "metadata.ownerReferences",
            message: `Invalid value: ${JSON.stringify(owners)}: Only one reference can have Controller set to true. Found "true" in references for ${text(first, "kind")}/${text(first, "name")} and ${text(second, "kind")}/${text(second, "name")}`
          } as const
        ])
  ]
}

/** What is wrong with the metadata of an object, new or changed. */
export const causes = (object: KubeJson, names: NameForm): ReadonlyArray<Cause> => {
  const meta = metadata(object)
  const [name, prefix] = [text(meta, "name"), text(meta, "generateName")]
  return [
    ...(prefix === "" ? [] : wrong("metadata.generateName", prefix, prefixFault(prefix, names))),
    ...(name === ""
      ? [
          {
            reason: "FieldValueRequired",
            field: "metadata.name",
            message: "Required value: name or generateName is required"
          } as const
        ]
      : wrong("metadata.name", name, nameFault(name, names))),
    ...Object.entries(textMap(meta, "labels")).flatMap(([key, held]) => [
      ...labelKeyFaults(key).flatMap((fault) => wrong("metadata.labels", key, fault)),
      ...wrong("metadata.labels", held, labelValueFault(held))
    ]),
    ...Object.keys(textMap(meta, "annotations")).flatMap((key) =>
      labelKeyFaults(key.toLowerCase()).flatMap((fault) => wrong("metadata.annotations", key, fault))
    ),
    ...strings(meta, "finalizers").flatMap((finalizer) =>
      labelKeyFaults(finalizer).flatMap((fault) => wrong("metadata.finalizers", finalizer, fault))
    ),
    ...ofOwners(objects(meta, "ownerReferences"))
  ]
}

/** What is wrong with the metadata of a new object alone. */
export const createCauses = (object: KubeJson): ReadonlyArray<Cause> => {
  const generation = metadata(object)["generation"]
  return typeof generation === "number" && generation < 0
    ? wrong("metadata.generation", generation, "must be greater than or equal to 0")
    : []
}

const standard = ["foregroundDeletion", "orphan", "kubernetes"]

/** What is wrong with the finalizers of a kind of Kubernetes' own; elsewhere they draw a warning. */
export const finalizerCauses = (object: KubeJson): ReadonlyArray<Cause> =>
  strings(metadata(object), "finalizers").flatMap((finalizer, index) =>
    finalizer.includes("/") || standard.includes(finalizer)
      ? []
      : wrong(
          `metadata.finalizers[${index}]`,
          finalizer,
          "name is neither a standard finalizer name nor is it fully qualified"
        )
  )

const carried = [
  "namespace",
  "uid",
  "creationTimestamp",
  "generation",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "resourceVersion"
] as const

/** What an update may not change, and finalizers that come too late. */
export const updateCauses = (next: KubeJson, stored: KubeJson): ReadonlyArray<Cause> => {
  const [after, before] = [metadata(next), metadata(stored)]
  const deleting = before["deletionTimestamp"] !== undefined
  // Of an object that is being deleted the time is kept without a word, whatever is sent.
  const fixed = ["uid", ...(deleting ? [] : ["deletionTimestamp"]), "deletionGracePeriodSeconds"]
  const immutable = fixed.flatMap((field) =>
    after[field] === undefined || equals(after[field], before[field])
      ? []
      : wrong(`metadata.${field}`, after[field] ?? null, "field is immutable")
  )
  const held = strings(before, "finalizers")
  const added = strings(after, "finalizers").filter((finalizer) => !held.includes(finalizer))
  return !deleting || added.length === 0
    ? immutable
    : [
        ...immutable,
        {
          reason: "FieldValueForbidden",
          field: "metadata.finalizers",
          message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((finalizer) => JSON.stringify(finalizer)).join(", ")}}`
        }
      ]
}

/** `next` with the metadata that the server alone writes taken from `stored`. */
export const carry = (next: KubeJson, stored: KubeJson): KubeJson =>
  withMetadata(next, Object.fromEntries(carried.map((field) => [field, metadata(stored)[field]])))

/** A new object without what a client cannot choose. */
export const fresh = (object: KubeJson): KubeJson => ({
  ...object,
  metadata: assign(metadata(object), {
    uid: undefined,
    creationTimestamp: undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined
  })
})

/** Finalizer names without a domain draw a warning when they are new. */
export const warnings = (next: KubeJson, stored: KubeJson | undefined): ReadonlyArray<string> => {
  const held = stored === undefined ? [] : strings(metadata(stored), "finalizers")
  return strings(metadata(next), "finalizers")
    .filter((finalizer) => !finalizer.includes("/") && !held.includes(finalizer))
    .filter((finalizer) => !standard.includes(finalizer))
    .map(
      (finalizer) =>
        `metadata.finalizers: "${finalizer}": prefer a domain-qualified finalizer name${finalizer.includes(".") ? " including a path (/)" : ""} to avoid accidental conflicts with other finalizer writers`
    )
}
