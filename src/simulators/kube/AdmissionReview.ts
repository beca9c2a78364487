/** The conversation with one webhook: admission.k8s.io/v1 AdmissionReview out, a judged answer back. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import type { Question } from "./Admission.ts"
import * as Failure from "./Failure.ts"
import * as JsonPatch from "./JsonPatch.ts"
import { apiVersion, present, type Kind } from "./Kind.ts"
import { at, isObject, strings, text, type Json, type KubeJson } from "./KubeJson.ts"
import * as User from "./User.ts"
import type { Answer } from "./WebhookConnection.ts"

const named = ({ group, version, kind }: Kind): KubeJson => ({ group, version, kind })
const resource = ({ group, version, plural }: Kind): KubeJson => ({ group, version, resource: plural })

/** An object of the question in the version of another kind of the same store. */
export const inVersion = (from: Kind, to: Kind, object: KubeJson | undefined): KubeJson | undefined => {
  if (object === undefined || from === to) return object
  return present(to, from.convert === undefined ? object : from.convert.toStored(object))
}

/** @param shown the kind in whose version the webhook wants to see the object */
export const request = (question: Question, shown: Kind, user: User.User, uid: string): KubeJson => {
  const { kind, subresource, name, namespace, operation, dryRun, options } = question
  const part = subresource === "" ? {} : { subResource: subresource }
  return {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid,
      kind: named(shown),
      resource: resource(shown),
      ...part,
      requestKind: named(kind),
      requestResource: resource(kind),
      ...(subresource !== "" && { requestSubResource: subresource }),
      ...(name !== "" && { name }),
      ...(namespace !== "" && { namespace }),
      operation,
      userInfo: User.info(user),
      object: inVersion(kind, shown, question.object) ?? null,
      oldObject: inVersion(kind, shown, question.oldObject) ?? null,
      dryRun,
      options
    }
  }
}

export type Verdict =
  | { readonly type: "Allowed"; readonly warnings: ReadonlyArray<string>; readonly patch: Json | undefined }
  | { readonly type: "Denied"; readonly warnings: ReadonlyArray<string>; readonly failure: Failure.Failure }
  /** No answer that means anything: the webhook's failurePolicy decides. */
  | { readonly type: "Broken"; readonly warnings: ReadonlyArray<string>; readonly fault: string }

/** A refusal never passes for a success, and always says by whom. */
const denied = (webhook: string, status: Json | undefined): Failure.Failure => {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const [code, reason, message] = [at(status, "code"), text(status, "reason"), text(status, "message")]
  const details = at(status, "details")
  return new Failure.Failure({
    code: typeof code === "number" && code >= 400 ? code : 400,
    reason,
    text: message !== "" ? `${by}: ${message}` : reason !== "" ? `${by}: ${reason}` : `${by} without explanation`,
    ...(isObject(details) && { details })
  })
}

const fault = (review: Json | undefined, uid: string, mutating: boolean): string | undefined => {
  const response = at(review, "response")
  const found = text(review, "apiVersion") === "admission.k8s.io/v1" && text(review, "kind") === "AdmissionReview"
  const [answered, patch, patchType] = [text(response, "uid"), text(response, "patch"), text(response, "patchType")]
  if (!found) {
    const [group = "", version = ""] = text(review, "apiVersion").split("/")
    return `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${group}/${version}, Kind=${text(review, "kind")}`
  }
  if (!isObject(response)) return "webhook response was absent"
  if (answered !== uid) return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(answered)}`
  if (!mutating && patch !== "") return "validating webhook may not return response.patch"
  if (!mutating && patchType !== "") return "validating webhook may not return response.patchType"
  if (patch !== "" && patchType === "") return "webhook returned response.patch but not response.patchType"
  if (patch === "" && patchType !== "") return "webhook returned response.patchType but not response.patch"
  if (patchType !== "" && patchType !== "JSONPatch") {
    return `webhook returned invalid response.patchType of ${JSON.stringify(patchType)}`
  }
  return undefined
}

const parsed = (source: string): Json | undefined => {
  try {
    // JSON.parse answers JSON: its type just cannot say so.
    return JSON.parse(source) as Json
  } catch {
    return undefined
  }
}

/** What a webhook answered, judged as the real server judges it. */
export const verdict = (answer: Answer, webhook: string, uid: string, mutating: boolean): Verdict => {
  const broken = (fault: string): Verdict => ({ type: "Broken", warnings: [], fault })
  if (answer.status >= 300) {
    return broken(
      answer.status >= 500
        ? `failed to call webhook: an error on the server (${JSON.stringify(answer.isText ? answer.text : "unknown")}) has prevented the request from succeeding`
        : `failed to call webhook: the server responded with the status code ${answer.status} but did not return more information`
    )
  }
  const review = parsed(answer.text)
  if (!isObject(review)) {
    return broken("failed to call webhook: couldn't get version/kind; json parse error: json: invalid AdmissionReview")
  }
  const wrong = fault(review, uid, mutating)
  if (wrong !== undefined) return broken(`received invalid webhook response: ${wrong}`)
  const response = review["response"]
  const warnings = strings(response, "warnings")
  if (at(response, "allowed") !== true) {
    return { type: "Denied", warnings, failure: denied(webhook, at(response, "status")) }
  }
  const patch = text(response, "patch")
  if (patch === "") return { type: "Allowed", warnings, patch: undefined }
  const operations = parsed(Result.getOrElse(Base64.decodeString(patch), () => ""))
  return Array.isArray(operations)
    ? { type: "Allowed", warnings, patch: operations }
    : {
        type: "Broken",
        warnings,
        fault:
          "received undecodable patch in webhook response: json: cannot unmarshal into Go value of type jsonpatch.Patch"
      }
}

/** The object after a webhook's patch. Throws 500 InternalError for a patch that does not apply. */
export const patched = (object: KubeJson, patch: Json): KubeJson => {
  try {
    const result = JsonPatch.apply(object, patch)
    if (isObject(result)) return result
  } catch (error) {
    if (!(error instanceof JsonPatch.Inapplicable || error instanceof JsonPatch.Malformed)) throw error
    throw Failure.internalError(error.text)
  }
  throw Failure.internalError("the patched object is no object")
}

/** A patched object in the version of the request again; a webhook cannot make it another kind. Throws 500. */
export const requireKind = (kind: Kind, shown: Kind, object: KubeJson): KubeJson => {
  if (object["kind"] === shown.kind && object["apiVersion"] === apiVersion(shown)) {
    return inVersion(shown, kind, object) ?? object
  }
  throw Failure.internal(
    `converting (${text(object, "apiVersion")}.${text(object, "kind")}) to (${kind.kind}): unknown conversion`
  )
}
