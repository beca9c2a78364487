/** An admission webhook of a test, over TLS, that both servers call. */
import * as Effect from "effect/Effect"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import { at, isObject, type Json, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { listen } from "../../../src/simulators/Listener.ts"
import { makeAuthority } from "../../harness/Certificates.ts"
import { eventually, exchange, type Api } from "./Servers.ts"

export const mutatings = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "mutatingwebhookconfigurations"
}
export const validatings = { ...mutatings, plural: "validatingwebhookconfigurations" }

/** What a webhook answers to a request, without its uid; a number is an HTTP status with a text. */
export type Reaction = (request: KubeJson, path: string) => KubeJson | number | Effect.Effect<never>

export interface Hook {
  readonly clientConfig: (path: string) => KubeJson
  /** AdmissionRequests so far, oldest first. */
  readonly requests: () => ReadonlyArray<KubeJson>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The probe that shows that a configuration is in force. */
const probe = "webhook-probe"

const answered = (status: number, body: Json) => ({
  status,
  headers: { "content-type": typeof body === "string" ? "text/plain" : "application/json" },
  body: encoder.encode(typeof body === "string" ? body : JSON.stringify(body))
})

/** Listens until the scope closes. */
export const hook = Effect.fnUntraced(function* (react: Reaction) {
  const authority = yield* Effect.promise(() => makeAuthority("webhook-ca"))
  const { cert, key } = yield* Effect.promise(() =>
    authority.issue({ commonName: "webhook", ip: ["127.0.0.1"], usage: "serverAuth" })
  )
  const requests: Array<KubeJson> = []
  const handler: Handler = ({ target, body }) => {
    // An AdmissionReview of the server under test.
    const review = JSON.parse(decoder.decode(body)) as Json
    const request = at(review, "request")
    if (!isObject(request)) return Effect.die(new Error("no AdmissionReview"))
    const base = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" }
    const path = target.split("?")[0] ?? ""
    if (at(request, "name") === probe) {
      const response = { uid: request["uid"] ?? "", allowed: path !== "/probe", status: { message: probe } }
      return Effect.succeed(answered(200, { ...base, response }))
    }
    requests.push(request)
    const reaction = react(request, path)
    if (typeof reaction === "number") return Effect.succeed(answered(reaction, "broken"))
    if (Effect.isEffect(reaction)) return reaction
    return Effect.succeed(answered(200, { ...base, response: { uid: request["uid"] ?? "", ...reaction } }))
  }
  const { origin } = yield* listen({ handler, tls: { cert, key } })
  return {
    clientConfig: (path) => ({ url: `${origin}${path}`, caBundle: Buffer.from(authority.cert).toString("base64") }),
    requests: () => requests
  } satisfies Hook
})

export const operations = (patch: ReadonlyArray<KubeJson>): KubeJson => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(patch)).toString("base64")
})

/** A webhook for gadgets and config maps in the test's namespace alone. */
export const webhook = (api: Api, clientConfig: KubeJson, more: KubeJson = {}): KubeJson => ({
  name: "hook.example.com",
  clientConfig,
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": api.namespace } },
  rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["gadgets", "configmaps"] }],
  ...more
})

/**
 * Stores a configuration until the scope closes, and waits until it is in force: a last webhook is added for that,
 * which refuses nothing but a config map of one name.
 */
export const configure = Effect.fnUntraced(function* (
  api: Api,
  resource: typeof mutatings,
  watcher: Hook,
  webhooks: ReadonlyArray<KubeJson>
) {
  const kind = resource.plural === mutatings.plural ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration"
  const name = `${api.namespace}-${resource.plural}`
  const last = webhook(api, watcher.clientConfig("/probe"), {
    name: `${resource.plural}.probe.example.com`,
    objectSelector: { matchLabels: { probe: resource.plural } }
  })
  yield* Effect.acquireRelease(
    api.create(resource, "", {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind,
      metadata: { name },
      webhooks: [...webhooks, last]
    }),
    () => Effect.orDie(api.delete(resource, "", name))
  )
  const attempt = exchange(api, "POST", `/api/v1/namespaces/${api.namespace}/configmaps?dryRun=All`, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: probe, labels: { probe: resource.plural } }
  })
  yield* eventually(attempt, (answer) => answer.message.includes(probe))
})
