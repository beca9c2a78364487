/** A real API server as a Handler: forwards exchanges over HTTPS, so that simulators run against it unchanged. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as https from "node:https"
import * as Yaml from "yaml"
import type { Handler, Request, Response } from "../../../schemas/http/Exchange.ts"
import { exchange } from "./HttpsExchange.ts"
import { isObject, objects, text, type Json, type KubeJson } from "./KubeJson.ts"

/** A kubeconfig that is no YAML or names no server. */
export class RemoteError extends Data.TaggedError("RemoteError")<{ readonly detail: string }> {
  override get message(): string {
    return `kubeconfig: ${this.detail}`
  }
}

interface Remote {
  readonly server: URL
  readonly agent: https.AgentOptions
  readonly token: string
}

const decoded = (entry: KubeJson, field: string): Buffer | undefined => {
  const found = text(entry, field)
  return found === "" ? undefined : Buffer.from(found, "base64")
}

/** The current context of a kubeconfig with inline credentials; exec plugins and files are not looked at. */
const read = (kubeconfig: string): Remote => {
  // YAML of plain values is JSON.
  const document = Yaml.parse(kubeconfig) as Json
  const named = (list: string, field: string, name: string): KubeJson => {
    const entry = objects(document, list).find((each) => text(each, "name") === name)
    const found = entry?.[field]
    return isObject(found) ? found : {}
  }
  const context = named("contexts", "context", text(document, "current-context"))
  const cluster = named("clusters", "cluster", text(context, "cluster"))
  const user = named("users", "user", text(context, "user"))
  const [ca, cert, key] = [
    decoded(cluster, "certificate-authority-data"),
    decoded(user, "client-certificate-data"),
    decoded(user, "client-key-data")
  ]
  return {
    server: new URL(text(cluster, "server")),
    agent: { keepAlive: true, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    token: text(user, "token")
  }
}

const unreachable = (detail: string): Response => ({
  status: 503,
  headers: { "content-type": "application/json" },
  body: new TextEncoder().encode(
    JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason: "ServiceUnavailable",
      message: detail,
      code: 503
    })
  )
})

const authorized = (request: Request, token: string): Request =>
  token === "" ? request : { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }

/** Raises RemoteError for a kubeconfig that cannot be used. Its sockets close with the scope. */
export const remote = Effect.fn("RemoteApiServer.remote")(function* (
  kubeconfig: string
): Effect.fn.Return<Handler, RemoteError, Scope.Scope> {
  const target = yield* Effect.try({
    try: () => read(kubeconfig),
    catch: (error) => new RemoteError({ detail: error instanceof Error ? error.message : String(error) })
  })
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new https.Agent(target.agent)),
    (agent) => Effect.sync(() => agent.destroy())
  )
  return (request) =>
    exchange(target.server, agent, authorized(request, target.token)).pipe(
      Effect.catch((error) => Effect.succeed(unreachable(error.message)))
    )
})
