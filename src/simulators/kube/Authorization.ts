/** Whether a user may do what a request asks, in the words of the real server where not. */
import * as Failure from "./Failure.ts"
import * as Rbac from "./Rbac.ts"
import type { Names } from "./ResourcePath.ts"
import type { Storage } from "./Storage.ts"
import type { User } from "./User.ts"

/** What is asked for; undefined names for a path without a resource. */
export interface Attempt {
  readonly verb: string
  readonly names: Omit<Names, "version"> | undefined
  readonly path: string
}

/** undefined for a yes. */
export const refusal = (storage: Storage, user: User, { verb, names, path }: Attempt): Failure.Failure | undefined => {
  const subject = `User ${JSON.stringify(user.username)} cannot ${verb}`
  if (names === undefined) {
    if (Rbac.allows(storage, user, { verb, path })) return undefined
    return Failure.forbiddenPath(`${subject} path ${JSON.stringify(path)}`)
  }
  // A namespace counts as lying in itself.
  const namespace = names.group === "" && names.plural === "namespaces" ? names.name : names.namespace
  if (Rbac.allows(storage, user, { ...names, namespace, verb })) return undefined
  const resource = names.subresource === "" ? names.plural : `${names.plural}/${names.subresource}`
  const place = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`
  const text = `${subject} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(names.group)} ${place}`
  return Failure.forbidden(names, names.name, text)
}

/** Throws 403. */
export const require = (storage: Storage, user: User, attempt: Attempt) => {
  const found = refusal(storage, user, attempt)
  if (found !== undefined) throw found
}
