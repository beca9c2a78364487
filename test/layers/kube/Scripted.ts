/** An API server that answers what a test tells it to, in process. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Dial } from "../../../layers/Dial.ts"
import type { KubeClientOptions } from "../../../layers/kube/KubeClient.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import type { Handler, Request, Response } from "../../../schemas/http/Exchange.ts"

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Response => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: bytes(JSON.stringify(value))
})

/** metav1.Status of a refusal. */
export const status = (code: number, reason: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Status",
  status: "Failure",
  code,
  reason,
  message: `told: ${reason}`,
  ...more
})

export const configMap = (name: string, resourceVersion: string, data: Readonly<Record<string, string>> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "ns", uid: `uid-${name}`, resourceVersion },
  data
})

export const list = (resourceVersion: string, items: ReadonlyArray<unknown>, next?: string) =>
  json(200, {
    kind: "ConfigMapList",
    metadata: { resourceVersion, ...(next !== undefined && { continue: next }) },
    items
  })

export interface Asked extends Request {
  readonly path: string
  readonly query: URLSearchParams
}

/** KubeClient over `answer`, which is called with each request and its number, from 0. */
export const scripted = (
  answer: (request: Asked, index: number) => Response | Effect.Effect<Response>,
  options?: KubeClientOptions & { readonly prefix?: string }
) => {
  const asked: Array<Asked> = []
  const handler: Handler = (request) => {
    const url = new URL(request.target, "http://api")
    const one: Asked = { ...request, path: url.pathname, query: url.searchParams }
    asked.push(one)
    const made = answer(one, asked.length - 1)
    return Effect.isEffect(made) ? made : Effect.succeed(made)
  }
  const server = `http://api:8080${options?.prefix ?? ""}`
  const layer = KubeClient.layer(KubeConfig.fixed({ server, token: Redacted.make("s3cret-token") }), options).pipe(
    Layer.provide(Dial.layerInProcess(new Map([["http://api:8080", handler]])))
  )
  return { asked, layer }
}
