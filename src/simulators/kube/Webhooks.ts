/** Puts a write's questions to the admission webhooks that are configured for it. */
import * as Effect from "effect/Effect"
import * as Stamp from "./Stamp.ts"
import type { Admit, Question } from "./Admission.ts"
import * as AdmissionReview from "./AdmissionReview.ts"
import * as Failure from "./Failure.ts"
import { Unreachable } from "./HttpsExchange.ts"
import type { Kind } from "./Kind.ts"
import { at, equals, isObject, text, type KubeJson } from "./KubeJson.ts"
import type { User } from "./User.ts"
import type { World } from "./Writes.ts"
import { send, type ClientConfig, type Webhooks } from "./WebhookConnection.ts"
import * as WebhookConfigurations from "./WebhookConfigurations.ts"

const encoder = new TextEncoder()

const clientOf = (webhook: KubeJson): ClientConfig => {
  const client = webhook["clientConfig"]
  const service = at(client, "service")
  const ca = Buffer.from(text(client, "caBundle"), "base64").toString("utf8")
  if (!isObject(service)) return { url: text(client, "url"), service: undefined, ca }
  const [namespace, name, port] = [text(service, "namespace"), text(service, "name"), Number(service["port"])]
  const url = `https://${name}.${namespace}.svc:${port}${text(service, "path")}`
  return { url, service: { namespace, name, port }, ca }
}

interface Called {
  readonly webhook: KubeJson
  readonly shown: Kind
}

export interface Options {
  readonly world: World
  readonly webhooks: Webhooks | undefined
  readonly user: User
  /** Hears what webhooks warn of, also when the write fails. */
  readonly warn: (warnings: ReadonlyArray<string>) => void
}

/** Asks one webhook. Raises a denial, and a fault under failurePolicy Fail. */
const ask = Effect.fnUntraced(function* (options: Options, { webhook, shown }: Called, question: Question) {
  const { uid: fresh } = yield* Stamp.take
  const [name, seconds] = [text(webhook, "name"), Number(webhook["timeoutSeconds"])]
  const [uid, client] = [fresh(), clientOf(webhook)]
  const url = `${client.url}?timeout=${seconds}s`
  const { pathname, search } = new URL(url)
  const review = AdmissionReview.request(question, shown, options.user, uid)
  const verdict = yield* send(options.webhooks, client, {
    method: "POST",
    target: `${pathname}${search}`,
    headers: {
      "content-type": "application/json",
      accept: "application/json, */*",
      "user-agent": "kube-apiserver-admission"
    },
    body: encoder.encode(JSON.stringify(review))
  }).pipe(
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail(new Unreachable({ code: "", detail: "context deadline exceeded" }))
    }),
    Effect.match({
      onSuccess: (answer) => AdmissionReview.verdict(answer, name, uid, question.phase === "mutating"),
      onFailure: (error): AdmissionReview.Verdict => ({
        type: "Broken",
        warnings: [],
        fault: `failed to call webhook: Post ${JSON.stringify(url)}: ${error.detail}`
      })
    })
  )
  options.warn(verdict.warnings)
  switch (verdict.type) {
    case "Denied":
      return yield* verdict.failure
    case "Broken":
      if (text(webhook, "failurePolicy") === "Ignore") return undefined
      return yield* Failure.internalError(`failed calling webhook ${JSON.stringify(name)}: ${verdict.fault}`)
    case "Allowed":
      return verdict.patch
  }
})

/** The kind in whose version a webhook wants to see the question; another version of its kind counts under Equivalent. */
const shownTo = ({ world }: Options, webhook: KubeJson, question: Question): Kind | undefined => {
  const { kind } = question
  const equivalents = world.kinds.all().filter((other) => other.store === kind.store && other !== kind)
  return WebhookConfigurations.matched(webhook, question, equivalents, world.storage)
}

/** One after the other, each on what the one before made; then once more those that asked to see later changes. */
const mutate = Effect.fnUntraced(function* (options: Options, question: Question) {
  let object = question.object
  const asked = new Set<string>()
  const again = new Set<string>()
  for (const round of ["first", "again"]) {
    for (const webhook of WebhookConfigurations.ofPhase(options.world.storage, "mutating")) {
      const name = text(webhook, "name")
      if (round === "again" && !again.has(name)) continue
      const current: Question = { ...question, object }
      const shown = shownTo(options, webhook, current)
      if (shown === undefined) continue
      const patch = yield* ask(options, { webhook, shown }, current)
      if (patch !== undefined) {
        const before = object
        if (before === undefined) {
          return yield* Failure.internalError(
            `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`
          )
        }
        const proposed = AdmissionReview.inVersion(question.kind, shown, before) ?? before
        const next = yield* Failure.attempt(() =>
          AdmissionReview.requireKind(question.kind, shown, AdmissionReview.patched(proposed, patch))
        )
        if (!equals(next, before)) for (const earlier of asked) again.add(earlier)
        object = next
      }
      if (round === "first" && webhook["reinvocationPolicy"] === "IfNeeded") asked.add(name)
    }
  }
  return object
})

/** All at once; of several refusals the first in order counts. */
const validate = Effect.fnUntraced(function* (options: Options, question: Question) {
  const answers = yield* Effect.forEach(
    WebhookConfigurations.ofPhase(options.world.storage, "validating").flatMap((webhook) => {
      const shown = shownTo(options, webhook, question)
      return shown === undefined ? [] : [{ webhook, shown }]
    }),
    (called) => Effect.exit(ask(options, called, question)),
    { concurrency: "unbounded" }
  )
  yield* Effect.all(answers)
  return question.object
})

/** How a write is admitted; undefined while no webhook is configured: such writes stay atomic. */
export const admit = (options: Options): Admit | undefined =>
  WebhookConfigurations.any(options.world.storage)
    ? (question) => (question.phase === "mutating" ? mutate(options, question) : validate(options, question))
    : undefined
