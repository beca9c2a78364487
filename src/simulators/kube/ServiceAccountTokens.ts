/** Tokens of service accounts: issued by TokenRequest, signed, and good until they expire or what they are bound to goes. */
import { createHmac, timingSafeEqual } from "node:crypto"
import * as Failure from "./Failure.ts"
import * as Kind from "./Kind.ts"
import { at, isObject, metadata, strings, text, type Json, type KubeJson } from "./KubeJson.ts"
import { timestamp, type Stamp } from "./Stamp.ts"
import { authenticated, ofServiceAccounts, type User } from "./User.ts"
import { read, type World } from "./Writes.ts"

/** The issuer, and the audience of tokens for this server. */
export const issuer = "https://kubernetes.default.svc"

const request: Kind.Subresource = {
  subresource: "token",
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenRequest",
  verbs: ["create"]
}

export const serviceAccounts = Kind.make(
  { group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", namespaced: true },
  { shortNames: ["sa"], subresources: [request] }
)

const encoded = (value: Json): string => Buffer.from(JSON.stringify(value)).toString("base64url")

/** HMAC and not a key pair: nobody but this server verifies them, at every request, and a run can be repeated. */
const signature = (key: string, signed: string): Buffer => createHmac("sha256", key).update(signed).digest()

const stored = (world: World, kind: string, namespace: string, name: string): KubeJson | undefined => {
  const found = world.kinds.all().find((each) => each.kind === kind && each.group === "")
  return found && world.storage.get(found.store, Kind.keyOf(found, namespace, name))
}

const reference = (object: KubeJson): KubeJson => ({
  name: text(metadata(object), "name"),
  uid: text(metadata(object), "uid")
})

/** POST serviceaccounts/<name>/token. Raises 404, 409 (a bound object of another uid), 422. */
export const issue = (
  world: World,
  key: string,
  target: { readonly namespace: string; readonly name: string },
  asked: KubeJson,
  stamp: Stamp
): KubeJson => {
  const { namespace, name } = target
  const account = read(world, { kind: serviceAccounts, namespace, name, subresource: "" })
  const seconds = at(asked, "spec", "expirationSeconds") ?? 3600
  if (typeof seconds !== "number" || seconds < 600) {
    throw Failure.invalid("authentication.k8s.io", "TokenRequest", "", [
      {
        reason: "FieldValueInvalid",
        field: "spec.expirationSeconds",
        message: `Invalid value: ${JSON.stringify(seconds)}: may not specify a duration less than 10 minutes`
      }
    ])
  }
  const given = strings(asked, "spec", "audiences")
  const audiences = given.length === 0 ? [issuer] : [...given]
  const bound = at(asked, "spec", "boundObjectRef")
  const [boundKind, boundName, boundUid] = [text(bound, "kind"), text(bound, "name"), text(bound, "uid")]
  const object = isObject(bound) ? stored(world, boundKind, namespace, boundName) : undefined
  if (isObject(bound) && object === undefined) {
    throw Failure.notFound({ group: "", plural: `${boundKind.toLowerCase()}s`, kind: boundKind }, boundName)
  }
  if (object !== undefined && boundUid !== "" && boundUid !== text(metadata(object), "uid")) {
    const text = `the UID in the bound object reference (${boundUid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw Failure.conflict({ group: "", plural: `${boundKind.toLowerCase()}s`, kind: boundKind }, boundName, text)
  }
  const now = Math.floor(stamp.millis / 1000)
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({
    aud: audiences,
    exp: now + seconds,
    iat: now,
    iss: issuer,
    jti: stamp.uid(),
    "kubernetes.io": {
      namespace,
      ...(object !== undefined && { [boundKind.toLowerCase()]: reference(object) }),
      serviceaccount: reference(account)
    },
    nbf: now,
    sub: `system:serviceaccount:${namespace}:${name}`
  })}`
  return {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace, uid: text(metadata(account), "uid"), creationTimestamp: stamp.now },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: bound ?? null },
    status: {
      token: `${signed}.${signature(key, signed).toString("base64url")}`,
      expirationTimestamp: timestamp((now + seconds) * 1000)
    }
  }
}

/** The claims of a token that this key signed; undefined for any other text. */
const claims = (key: string, token: string): KubeJson | undefined => {
  const [header = "", body = "", proof = "", ...more] = token.split(".")
  const [given, right] = [Buffer.from(proof, "base64url"), signature(key, `${header}.${body}`)]
  if (more.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined
  // Signed by us: JSON of our own making.
  return JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as KubeJson
}

const isAlive = (world: World, kind: string, namespace: string, reference: Json | undefined): boolean => {
  const found = stored(world, kind, namespace, text(reference, "name"))
  return found !== undefined && text(metadata(found), "uid") === text(reference, "uid")
}

export type Verified =
  | { readonly user: User; readonly audiences: ReadonlyArray<string> }
  | { readonly user: undefined; readonly fault: string }

/** Whose token it is, for one of the given audiences; the text says why it is nobody's. */
export const verify = (
  world: World,
  key: string,
  token: string,
  wanted: ReadonlyArray<string>,
  millis: number
): Verified => {
  const found = claims(key, token)
  if (found === undefined) return { user: undefined, fault: "invalid bearer token" }
  const own = at(found, "kubernetes.io")
  const [namespace, account] = [text(own, "namespace"), at(own, "serviceaccount")]
  const audiences = strings(found, "aud").filter((audience) => wanted.includes(audience))
  if (Number(found["exp"]) * 1000 <= millis) {
    return { user: undefined, fault: "[invalid bearer token, service account token has expired]" }
  }
  if (audiences.length === 0) {
    const [has, wants] = [strings(found, "aud"), wanted].map((list) =>
      list.map((each) => JSON.stringify(each)).join(" ")
    )
    const fault = `token audiences [${has ?? ""}] is invalid for the target audiences [${wants ?? ""}]`
    return { user: undefined, fault: `[invalid bearer token, ${fault}]` }
  }
  const bound = (["Secret", "Pod", "Node"] as const).filter((kind) => at(own, kind.toLowerCase()) !== undefined)
  if (
    !isAlive(world, "ServiceAccount", namespace, account) ||
    bound.some((kind) => !isAlive(world, kind, namespace, at(own, kind.toLowerCase())))
  ) {
    return { user: undefined, fault: "[invalid bearer token, service account token has been invalidated]" }
  }
  return {
    user: {
      username: text(found, "sub"),
      uid: text(account, "uid"),
      groups: [...ofServiceAccounts(namespace), authenticated],
      extra: { "authentication.kubernetes.io/credential-id": [`JTI=${text(found, "jti")}`] }
    },
    audiences
  }
}
