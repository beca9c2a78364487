/** The objects that kubectl creates from its command line, as it sends them: Kubernetes' envelope around Protocol Buffers. */
import { text, type KubeJson } from "./KubeJson.ts"
import * as Protobuf from "./Protobuf.ts"

const strings: Protobuf.Type = { list: "string" }
const labels: Protobuf.Type = { map: "string" }

const ownerReference: Protobuf.Message = {
  fields: {
    1: ["kind", "string"],
    3: ["name", "string"],
    4: ["uid", "string"],
    5: ["apiVersion", "string"],
    6: ["controller", "bool"],
    7: ["blockOwnerDeletion", "bool"]
  }
}

const objectMeta: Protobuf.Message = {
  fields: {
    1: ["name", "string"],
    2: ["generateName", "string"],
    3: ["namespace", "string"],
    4: ["selfLink", "string"],
    5: ["uid", "string"],
    6: ["resourceVersion", "string"],
    7: ["generation", "int"],
    8: ["creationTimestamp", "time"],
    9: ["deletionTimestamp", "time"],
    10: ["deletionGracePeriodSeconds", "int"],
    11: ["labels", labels],
    12: ["annotations", labels],
    13: ["ownerReferences", { list: ownerReference }],
    14: ["finalizers", strings]
  }
}

/** A kind: its metadata, and what else it holds by field number. */
const kind = (rest: Protobuf.Message["fields"]): Protobuf.Message => ({
  fields: { 1: ["metadata", objectMeta], ...rest }
})

const verdict: Protobuf.Message = {
  fields: { 1: ["allowed", "bool"], 2: ["reason", "string"], 3: ["evaluationError", "string"], 4: ["denied", "bool"] }
}

const objectReference: Protobuf.Message = {
  fields: { 1: ["kind", "string"], 2: ["namespace", "string"], 3: ["name", "string"], 5: ["apiVersion", "string"] }
}

const rule: Protobuf.Message = {
  fields: {
    1: ["verbs", strings],
    2: ["apiGroups", strings],
    3: ["resources", strings],
    4: ["resourceNames", strings],
    5: ["nonResourceURLs", strings]
  }
}

const subject: Protobuf.Message = {
  fields: { 1: ["kind", "string"], 2: ["apiGroup", "string"], 3: ["name", "string"], 4: ["namespace", "string"] }
}

const roleRef: Protobuf.Message = {
  fields: { 1: ["apiGroup", "string"], 2: ["kind", "string"], 3: ["name", "string"] }
}

const role = kind({ 2: ["rules", { list: rule }] })
const binding = kind({ 2: ["subjects", { list: subject }], 3: ["roleRef", roleRef] })

const resourceAttributes: Protobuf.Message = {
  fields: {
    1: ["namespace", "string"],
    2: ["verb", "string"],
    3: ["group", "string"],
    4: ["version", "string"],
    5: ["resource", "string"],
    6: ["subresource", "string"],
    7: ["name", "string"]
  }
}

const review: Protobuf.Message = {
  fields: {
    1: ["resourceAttributes", resourceAttributes],
    2: ["nonResourceAttributes", { fields: { 1: ["path", "string"], 2: ["verb", "string"] } }]
  }
}

const boundObject: Protobuf.Message = {
  fields: { 1: ["kind", "string"], 2: ["apiVersion", "string"], 3: ["name", "string"], 4: ["uid", "string"] }
}

const tokenRequest: Protobuf.Message = {
  fields: { 1: ["audiences", strings], 3: ["boundObjectRef", boundObject], 4: ["expirationSeconds", "int"] }
}

/** By group and kind; field numbers are those of the generated.proto of each API group. */
const messages: Readonly<Record<string, Protobuf.Message>> = {
  "/Namespace": kind({
    2: ["spec", { fields: { 1: ["finalizers", strings] } }],
    3: ["status", { fields: { 1: ["phase", "string"] } }]
  }),
  "/ConfigMap": kind({ 2: ["data", labels], 3: ["binaryData", { map: "bytes" }], 4: ["immutable", "bool"] }),
  "/Secret": kind({
    2: ["data", { map: "bytes" }],
    3: ["type", "string"],
    4: ["stringData", labels],
    5: ["immutable", "bool"]
  }),
  "/ServiceAccount": kind({
    2: ["secrets", { list: objectReference }],
    3: ["imagePullSecrets", { list: { fields: { 1: ["name", "string"] } } }],
    4: ["automountServiceAccountToken", "bool"]
  }),
  "authentication.k8s.io/TokenRequest": kind({
    2: ["spec", tokenRequest],
    3: ["status", { fields: { 1: ["token", "string"], 2: ["expirationTimestamp", "time"] } }]
  }),
  "authentication.k8s.io/SelfSubjectReview": kind({
    2: ["status", { fields: { 1: ["userInfo", { fields: { 1: ["username", "string"], 2: ["uid", "string"] } }] } }]
  }),
  "authorization.k8s.io/SelfSubjectAccessReview": kind({ 2: ["spec", review], 3: ["status", verdict] }),
  "rbac.authorization.k8s.io/Role": role,
  "rbac.authorization.k8s.io/ClusterRole": role,
  "rbac.authorization.k8s.io/RoleBinding": binding,
  "rbac.authorization.k8s.io/ClusterRoleBinding": binding
}

const typeMeta: Protobuf.Message = { fields: { 1: ["apiVersion", "string"], 2: ["kind", "string"] } }

/** runtime.Unknown; its raw bytes are the object. */
const envelope: Protobuf.Message = {
  fields: {
    1: ["typeMeta", typeMeta],
    2: ["raw", "bytes"],
    3: ["contentEncoding", "string"],
    4: ["contentType", "string"]
  }
}

const magic = [0x6b, 0x38, 0x73, 0x00]

export const mediaType = "application/vnd.kubernetes.protobuf"

/** The object of a body; undefined for a kind that is not read here. Throws Protobuf.Unreadable. */
export const decode = (bytes: Uint8Array): KubeJson | undefined => {
  if (!magic.every((byte, index) => bytes[index] === byte)) {
    throw new Protobuf.Unreadable(
      `provided data does not appear to be a protobuf message, expected prefix [${magic.join(" ")}]`
    )
  }
  const unknown = Protobuf.message(envelope, bytes.subarray(magic.length))
  const apiVersion = text(unknown, "typeMeta", "apiVersion")
  const name = text(unknown, "typeMeta", "kind")
  const known = messages[`${apiVersion.split("/").slice(0, -1).join("")}/${name}`]
  return known && { apiVersion, kind: name, ...Protobuf.message(known, Buffer.from(text(unknown, "raw"), "base64")) }
}
