/** MutatingWebhookConfiguration and ValidatingWebhookConfiguration: completed and judged when stored, and what they match. */
import type { Question } from "./Admission.ts"
import * as Failure from "./Failure.ts"
import * as Kind from "./Kind.ts"
import { isObject, metadata, objects, strings, text, textMap, type Json, type KubeJson } from "./KubeJson.ts"
import * as LabelSelector from "./LabelSelector.ts"
import type { Storage } from "./Storage.ts"

const group = "admissionregistration.k8s.io"

/** The scheme's defaults. */
const completed = (webhook: KubeJson, mutating: boolean): KubeJson => {
  const { clientConfig } = webhook
  const service = isObject(clientConfig) ? clientConfig["service"] : undefined
  return {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    ...(mutating && { reinvocationPolicy: "Never" }),
    ...webhook,
    ...(isObject(clientConfig) && {
      clientConfig: { ...clientConfig, ...(isObject(service) && { service: { port: 443, ...service } }) }
    }),
    rules: objects(webhook, "rules").map((rule) => ({ scope: "*", ...rule }))
  }
}

const required = (field: string, more = ""): Failure.Cause => ({
  reason: "FieldValueRequired",
  field,
  message: `Required value${more}`
})

const oneOf = (field: string, value: string, allowed: ReadonlyArray<string>): ReadonlyArray<Failure.Cause> =>
  allowed.includes(value)
    ? []
    : [
        {
          reason: "FieldValueNotSupported",
          field,
          message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed.map((name) => JSON.stringify(name)).join(", ")}`
        }
      ]

const wrong = (field: string, value: Json, fault: string): Failure.Cause => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${fault}`
})

const ofClient = (webhook: KubeJson, field: string): ReadonlyArray<Failure.Cause> => {
  const url = text(webhook, "clientConfig", "url")
  const named = isObject(webhook["clientConfig"]) && isObject(webhook["clientConfig"]["service"])
  if ((url !== "") === named) return [required(field, ": exactly one of url or service is required")]
  if (url === "" || url.startsWith("https://")) return []
  const scheme = url.split(":")[0] ?? ""
  const fault = "'https' is the only allowed URL scheme; desired format: https://host[/path]"
  return [wrong(`${field}.url`, scheme, fault)]
}

const ofWebhook = (webhook: KubeJson, field: string): ReadonlyArray<Failure.Cause> => {
  const [name, seconds] = [text(webhook, "name"), webhook["timeoutSeconds"]]
  const sideEffects = webhook["sideEffects"] ?? undefined
  return [
    ...(name.split(".").filter((part) => part !== "").length < 3
      ? [wrong(`${field}.name`, name, "should be a domain with at least three segments separated by dots")]
      : []),
    ...objects(webhook, "rules").flatMap((rule, index) => {
      const place = `${field}.rules[${index}]`
      return [
        ...strings(rule, "operations").flatMap((operation, each) =>
          oneOf(`${place}.operations[${each}]`, operation, ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"])
        ),
        ...["operations", "apiGroups", "apiVersions", "resources"]
          .filter((list) => strings(rule, list).length === 0)
          .map((list) => required(`${place}.${list}`)),
        ...oneOf(`${place}.scope`, text(rule, "scope"), ["*", "Cluster", "Namespaced"])
      ]
    }),
    ...oneOf(`${field}.failurePolicy`, text(webhook, "failurePolicy"), ["Fail", "Ignore"]),
    ...oneOf(`${field}.matchPolicy`, text(webhook, "matchPolicy"), ["Equivalent", "Exact"]),
    ...(sideEffects === undefined
      ? [required(`${field}.sideEffects`, ": must specify one of None, NoneOnDryRun")]
      : oneOf(`${field}.sideEffects`, text(webhook, "sideEffects"), ["None", "NoneOnDryRun"])),
    ...(typeof seconds === "number" && seconds >= 1 && seconds <= 30
      ? []
      : [wrong(`${field}.timeoutSeconds`, seconds ?? null, "the timeout value must be between 1 and 30 seconds")]),
    ...ofClient(webhook, `${field}.clientConfig`),
    ...(strings(webhook, "admissionReviewVersions").length === 0
      ? [required(`${field}.admissionReviewVersions`, ": must specify one of v1, v1beta1")]
      : [])
  ]
}

/** Throws 422, and 501 for the CEL of matchConditions, which nothing here evaluates. */
const prepare =
  (kind: string, mutating: boolean) =>
  (object: KubeJson): KubeJson => {
    const webhooks = objects(object, "webhooks").map((webhook) => completed(webhook, mutating))
    const names = webhooks.map((webhook) => text(webhook, "name"))
    const causes = webhooks.flatMap((webhook, index) => [
      ...ofWebhook(webhook, `webhooks[${index}]`),
      ...(names.indexOf(names[index] ?? "") < index
        ? [
            {
              reason: "FieldValueDuplicate",
              field: `webhooks[${index}].name`,
              message: `Duplicate value: ${JSON.stringify(names[index])}`
            } as const
          ]
        : [])
    ])
    if (causes.length > 0) throw Failure.invalid(group, kind, text(metadata(object), "name"), causes)
    if (webhooks.some((webhook) => objects(webhook, "matchConditions").length > 0)) {
      throw Failure.notImplemented("matchConditions are not served here: use rules and selectors")
    }
    return webhooks.length === 0 ? object : { ...object, webhooks }
  }

const served = (kind: string, plural: string, mutating: boolean): Kind.Kind =>
  Kind.make(
    { group, version: "v1", kind, plural, namespaced: false },
    { generation: true, categories: ["api-extensions"], prepare: prepare(kind, mutating) }
  )

const mutating = served("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", true)
const validating = served("ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false)

export const kinds: ReadonlyArray<Kind.Kind> = [mutating, validating]

/** Whether any webhook is configured at all. */
export const any = (storage: Storage): boolean => kinds.some((kind) => storage.list(kind.store, "").length > 0)

/** The webhooks of a phase in the order in which they are called: by name of the configuration, then as written. */
export const ofPhase = (storage: Storage, phase: Question["phase"]): ReadonlyArray<KubeJson> =>
  storage
    .list((phase === "mutating" ? mutating : validating).store, "")
    .flatMap(({ object }) => objects(object, "webhooks"))

const includes = (list: ReadonlyArray<string>, wanted: string): boolean => list.includes("*") || list.includes(wanted)

const matchesRule = (rule: KubeJson, kind: Kind.Kind, { operation, subresource }: Question): boolean => {
  const scope = text(rule, "scope")
  return (
    includes(strings(rule, "operations"), operation) &&
    includes(strings(rule, "apiGroups"), kind.group) &&
    includes(strings(rule, "apiVersions"), kind.version) &&
    strings(rule, "resources").some((resource) => {
      const [plural = "", part = ""] = resource.split("/")
      return (plural === "*" || plural === kind.plural) && (part === "*" || part === subresource)
    }) &&
    (scope === "*" || scope === (kind.namespaced ? "Namespaced" : "Cluster"))
  )
}

const labelsOf = (object: KubeJson | undefined) => textMap(object, "metadata", "labels")

const selects = (webhook: KubeJson, question: Question, storage: Storage): boolean => {
  const { kind, namespace, object, oldObject } = question
  const isNamespace = kind.store === "/namespaces"
  const home = isNamespace ? (object ?? oldObject) : storage.get("/namespaces", namespace)
  return (
    ((!kind.namespaced && !isNamespace) || LabelSelector.matches(webhook["namespaceSelector"], labelsOf(home))) &&
    [object, oldObject].some(
      (each) => each !== undefined && LabelSelector.matches(webhook["objectSelector"], labelsOf(each))
    )
  )
}

/**
 * The kind in whose version a webhook wants to see the question's object; undefined when the webhook does not ask for
 * it. Under matchPolicy Equivalent a rule for another version of the kind matches, too.
 */
export const matched = (
  webhook: KubeJson,
  question: Question,
  equivalents: ReadonlyArray<Kind.Kind>,
  storage: Storage
): Kind.Kind | undefined => {
  const { kind } = question
  if (kind.group === group || !selects(webhook, question, storage)) return undefined
  const rules = objects(webhook, "rules")
  const candidates = text(webhook, "matchPolicy") === "Exact" ? [kind] : [kind, ...equivalents]
  return candidates.find((candidate) => rules.some((rule) => matchesRule(rule, candidate, question)))
}
