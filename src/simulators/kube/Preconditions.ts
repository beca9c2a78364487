/** What a write must fit before anything is decided: its namespace, its name, the version it was made for. Failures are thrown. */
import { Stale } from "./Admission.ts"
import * as Failure from "./Failure.ts"
import type { Kind } from "./Kind.ts"
import { metadata, text, type KubeJson } from "./KubeJson.ts"
import type { Target, World } from "./Writes.ts"

const namespaces: Failure.Named = { group: "", plural: "namespaces", kind: "Namespace" }

/** 404 for a namespace that is not there, 403 for one that is being deleted. */
export const requireNamespace = (world: World, kind: Kind, namespace: string, name: string) => {
  if (!kind.namespaced) return
  const home = world.storage.get("/namespaces", namespace)
  if (home === undefined) throw Failure.notFound(namespaces, namespace)
  if (metadata(home)["deletionTimestamp"] !== undefined) {
    throw Failure.forbidden(
      kind,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace"
        }
      ]
    )
  }
}

/** 400 for an object that names another namespace. */
export const requireNamespaceOf = (object: KubeJson, namespace: string) => {
  const named = text(metadata(object), "namespace")
  if (named !== "" && named !== namespace) {
    throw Failure.badRequest("the namespace of the provided object does not match the namespace sent on the request")
  }
}

/** 400 for an object of another name than the URL's. */
export const requireIdentity = (target: Target, object: KubeJson) => {
  const named = text(metadata(object), "name")
  if (named === "") {
    throw Failure.badRequest(
      `the name of the object (${target.name} based on URL) was undeterminable: name must be provided`
    )
  }
  if (named !== target.name) {
    throw Failure.badRequest(`the name of the object (${named}) does not match the name on the URL (${target.name})`)
  }
  requireNamespaceOf(object, target.namespace)
}

/** 409 for a version that is stored no more; custom resources must name one (422). */
export const requireVersion = (target: Target, proposed: KubeJson, stored: KubeJson) => {
  const given = text(metadata(proposed), "resourceVersion")
  const version = given === "0" ? "" : given
  if (version === "" && target.kind.custom) {
    throw Failure.invalid(target.kind.group, target.kind.plural, target.name, [
      {
        reason: "FieldValueInvalid",
        field: "metadata.resourceVersion",
        message: "Invalid value: 0: must be specified for an update"
      }
    ])
  }
  if (version !== "" && !/^\d+$/u.test(version)) {
    throw Failure.internal(`strconv.ParseUint: parsing "${version}": invalid syntax`)
  }
  if (version !== "" && version !== text(metadata(stored), "resourceVersion")) {
    throw Failure.modified(target.kind, target.name)
  }
}

/** What has been read is still what is stored; another write may have come while plugins were asked. Throws Stale. */
export const requireCurrent = (world: World, kind: Kind, key: string, read: KubeJson) => {
  if (world.storage.get(kind.store, key) !== read) throw new Stale()
}
