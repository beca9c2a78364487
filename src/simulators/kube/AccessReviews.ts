/** Kinds that are only asked: who am I, whose token is this, may I do that. Created, answered, never stored. */
import * as Kind from "./Kind.ts"
import { isObject, strings, text, type KubeJson } from "./KubeJson.ts"
import * as Rbac from "./Rbac.ts"
import type { Stamp } from "./Stamp.ts"
import * as User from "./User.ts"
import type { World } from "./Writes.ts"

const kind = (group: string, name: string): Kind.Kind =>
  Kind.make(
    { group, version: "v1", kind: name, plural: `${name.toLowerCase()}s`, namespaced: false },
    { verbs: ["create"] }
  )

export const kinds: ReadonlyArray<Kind.Kind> = [
  kind("authentication.k8s.io", "TokenReview"),
  kind("authentication.k8s.io", "SelfSubjectReview"),
  kind("authorization.k8s.io", "SelfSubjectAccessReview"),
  kind("authorization.k8s.io", "SelfSubjectRulesReview"),
  kind("authorization.k8s.io", "SubjectAccessReview")
]

export interface Asked {
  readonly world: World
  readonly user: User.User
  readonly stamp: Stamp
  /** Whose token it is, for these audiences. */
  readonly verify: (
    token: string,
    audiences: ReadonlyArray<string>
  ) =>
    | { readonly user: User.User; readonly audiences: ReadonlyArray<string> }
    | { readonly user: undefined; readonly fault: string }
}

const allowed = (world: World, user: User.User, spec: KubeJson): KubeJson => {
  const wanted = spec["resourceAttributes"]
  const request = isObject(wanted)
    ? {
        verb: text(wanted, "verb"),
        group: text(wanted, "group"),
        plural: text(wanted, "resource"),
        subresource: text(wanted, "subresource"),
        namespace: text(wanted, "namespace"),
        name: text(wanted, "name")
      }
    : { verb: text(spec, "nonResourceAttributes", "verb"), path: text(spec, "nonResourceAttributes", "path") }
  return { allowed: Rbac.allows(world.storage, user, request) }
}

/** `kubectl auth can-i --list`. */
const granted = (world: World, user: User.User, spec: KubeJson): KubeJson => {
  const found = Rbac.rules(world.storage, user, text(spec, "namespace"))
  return {
    resourceRules: found.filter((rule) => strings(rule, "resources").length > 0),
    nonResourceRules: found.filter((rule) => strings(rule, "nonResourceURLs").length > 0),
    incomplete: false
  }
}

/** The question with its answer as status; undefined for a kind that is no question. */
export const answer = (kind: Kind.Kind, object: KubeJson, asked: Asked): KubeJson | undefined => {
  const spec = isObject(object["spec"]) ? object["spec"] : {}
  const answered = (status: KubeJson): KubeJson => ({
    kind: kind.kind,
    apiVersion: Kind.apiVersion(kind),
    metadata: { ...(kind.kind === "SelfSubjectReview" && { creationTimestamp: asked.stamp.now }) },
    ...(kind.kind !== "SelfSubjectReview" && { spec }),
    status
  })
  switch (`${kind.group}/${kind.kind}`) {
    case "authentication.k8s.io/TokenReview": {
      const found = asked.verify(text(spec, "token"), strings(spec, "audiences"))
      return answered(
        found.user === undefined
          ? { user: {}, error: found.fault }
          : { authenticated: true, user: User.info(found.user), audiences: [...found.audiences] }
      )
    }
    case "authentication.k8s.io/SelfSubjectReview":
      return answered({ userInfo: User.info(asked.user) })
    case "authorization.k8s.io/SelfSubjectAccessReview":
      return answered(allowed(asked.world, asked.user, spec))
    case "authorization.k8s.io/SelfSubjectRulesReview":
      return answered(granted(asked.world, asked.user, spec))
    case "authorization.k8s.io/SubjectAccessReview": {
      const [username, groups] = [text(spec, "user"), strings(spec, "groups")]
      return answered(allowed(asked.world, { username, groups, uid: text(spec, "uid"), extra: {} }, spec))
    }
    default:
      return undefined
  }
}
