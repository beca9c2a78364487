/** A small client of untyped objects over any Handler: how the other simulators reach an API server, embedded or real. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Connection, Handler, Response } from "../../../schemas/http/Exchange.ts"
import { at, isArray, isObject, text, type Json, type KubeJson } from "./KubeJson.ts"

/** The names in a resource's path; group "" is the core group. */
export interface ResourceName {
  readonly group: string
  readonly version: string
  readonly plural: string
}

/** A status of 400 and above; 0 when the answer was no Kubernetes JSON or none at all. */
export class AccessError extends Data.TaggedError("AccessError")<{
  readonly method: string
  readonly path: string
  readonly status: number
  readonly reason: string
  readonly detail: string
}> {
  override get message(): string {
    return `${this.method} ${this.path}: ${this.status} ${this.detail}`
  }
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"
  readonly object: KubeJson
}

export interface Selectors {
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface Listing {
  readonly items: ReadonlyArray<KubeJson>
  readonly resourceVersion: string
}

/** Namespace "" is for cluster-scoped objects, and for all namespaces in list and watch. */
export interface Access {
  readonly get: (resource: ResourceName, namespace: string, name: string) => Effect.Effect<KubeJson, AccessError>
  /** undefined where there is none. */
  readonly find: (
    resource: ResourceName,
    namespace: string,
    name: string
  ) => Effect.Effect<KubeJson | undefined, AccessError>
  readonly list: (
    resource: ResourceName,
    namespace: string,
    selectors?: Selectors
  ) => Effect.Effect<Listing, AccessError>
  readonly create: (resource: ResourceName, namespace: string, object: KubeJson) => Effect.Effect<KubeJson, AccessError>
  /** Replaces the object that `object.metadata` names. */
  readonly replace: (
    resource: ResourceName,
    namespace: string,
    object: KubeJson,
    subresource?: "status"
  ) => Effect.Effect<KubeJson, AccessError>
  readonly mergePatch: (
    resource: ResourceName,
    namespace: string,
    name: string,
    patch: KubeJson,
    subresource?: "status"
  ) => Effect.Effect<KubeJson, AccessError>
  readonly jsonPatch: (
    resource: ResourceName,
    namespace: string,
    name: string,
    operations: ReadonlyArray<KubeJson>,
    subresource?: "status"
  ) => Effect.Effect<KubeJson, AccessError>
  /** An object that is gone already is no error. */
  readonly delete: (
    resource: ResourceName,
    namespace: string,
    name: string,
    options?: KubeJson
  ) => Effect.Effect<void, AccessError>
  /** Without a resourceVersion every object comes first, as ADDED. Ends when the server ends it. */
  readonly watch: (
    resource: ResourceName,
    namespace: string,
    options?: Selectors & { readonly resourceVersion?: string }
  ) => Stream.Stream<WatchEvent, AccessError>
  /** Any request; fails for no status. */
  readonly raw: (
    method: string,
    target: string,
    headers?: Readonly<Record<string, string>>,
    body?: string
  ) => Effect.Effect<{
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly text: string
  }>
}

export const path = (resource: ResourceName, namespace: string, name = "", subresource = ""): string => {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const home = namespace === "" ? "" : `/namespaces/${encodeURIComponent(namespace)}`
  const object = name === "" ? "" : `/${encodeURIComponent(name)}`
  return `${root}${home}/${resource.plural}${object}${subresource === "" ? "" : `/${subresource}`}`
}

/** With its question mark; "" for none. */
export const query = (values: Readonly<Record<string, string | undefined>>): string => {
  const given = new URLSearchParams()
  for (const [key, value] of Object.entries(values)) if (value !== undefined) given.set(key, value)
  return given.size === 0 ? "" : `?${given.toString()}`
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const bytesOf = (response: Response): Effect.Effect<Uint8Array> =>
  response.body instanceof Uint8Array
    ? Effect.succeed(response.body)
    : Effect.map(Stream.runCollect(response.body), (pieces) => Buffer.concat(pieces))

const parse = (json: string): Json | undefined => {
  try {
    // JSON.parse answers JSON: its type just cannot say so.
    return JSON.parse(json) as Json
  } catch {
    return undefined
  }
}

const isEventType = (type: Json | undefined): type is WatchEvent["type"] =>
  type === "ADDED" || type === "MODIFIED" || type === "DELETED" || type === "BOOKMARK"

/** @param connection the identity under which every request is made; the handler's own default without */
export const make = (handler: Handler, connection: Connection = { id: 0, secure: true }): Access => {
  const exchange = (
    method: string,
    target: string,
    headers: Readonly<Record<string, string>>,
    body: string
  ): Effect.Effect<Response, never, Scope.Scope> =>
    handler(
      {
        method,
        target,
        headers: { accept: "application/json", ...headers },
        body: encoder.encode(body)
      },
      connection
    )

  const fault = (method: string, target: string, status: number, answer: Json | undefined) =>
    new AccessError({
      method,
      path: target,
      status,
      reason: text(answer, "reason"),
      detail: text(answer, "message")
    })

  const send = Effect.fnUntraced(function* (
    method: string,
    target: string,
    body?: Json,
    contentType = "application/json"
  ) {
    const { status, bytes } = yield* Effect.scoped(
      Effect.gen(function* () {
        const headers = body === undefined ? {} : { "content-type": contentType }
        const response = yield* exchange(method, target, headers, body === undefined ? "" : JSON.stringify(body))
        return { status: response.status, bytes: yield* bytesOf(response) }
      })
    )
    const answer = parse(decoder.decode(bytes))
    if (status >= 400 || !isObject(answer)) return yield* fault(method, target, status, answer)
    return answer
  })

  const get: Access["get"] = (resource, namespace, name) => send("GET", path(resource, namespace, name))

  const absent = (error: AccessError) => error.status === 404

  return {
    get,
    find: (resource, namespace, name) =>
      get(resource, namespace, name).pipe(Effect.catchIf(absent, () => Effect.undefined)),
    list: (resource, namespace, selectors = {}) =>
      Effect.map(send("GET", `${path(resource, namespace)}${query({ ...selectors })}`), (answer) => {
        const items = answer["items"]
        return {
          items: isArray(items) ? items.filter(isObject) : [],
          resourceVersion: text(at(answer, "metadata"), "resourceVersion")
        }
      }),
    create: (resource, namespace, object) => send("POST", path(resource, namespace), object),
    replace: (resource, namespace, object, subresource) =>
      send("PUT", path(resource, namespace, text(object, "metadata", "name"), subresource), object),
    mergePatch: (resource, namespace, name, patch, subresource) =>
      send("PATCH", path(resource, namespace, name, subresource), patch, "application/merge-patch+json"),
    jsonPatch: (resource, namespace, name, operations, subresource) =>
      send("PATCH", path(resource, namespace, name, subresource), operations, "application/json-patch+json"),
    delete: (resource, namespace, name, options) =>
      send("DELETE", path(resource, namespace, name), options).pipe(
        Effect.asVoid,
        Effect.catchIf(absent, () => Effect.void)
      ),
    watch: (resource, namespace, options = {}) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const target = `${path(resource, namespace)}${query({ ...options, watch: "true" })}`
          const response = yield* exchange("GET", target, {}, "")
          if (response.status >= 400 || response.body instanceof Uint8Array) {
            const bytes = yield* bytesOf(response)
            return Stream.fail(fault("GET", target, response.status, parse(decoder.decode(bytes))))
          }
          return response.body.pipe(
            Stream.decodeText,
            Stream.splitLines,
            Stream.filter((line) => line !== ""),
            Stream.mapEffect((line) => {
              const event = parse(line)
              const object = at(event, "object")
              const type = at(event, "type")
              return isEventType(type) && isObject(object)
                ? Effect.succeed({ type, object })
                : Effect.fail(fault("GET", target, Number(at(object, "code") ?? 0), object))
            })
          )
        })
      ),
    raw: (method, target, headers = {}, body = "") =>
      Effect.scoped(
        Effect.gen(function* () {
          const response = yield* exchange(method, target, headers, body)
          return {
            status: response.status,
            headers: response.headers,
            text: decoder.decode(yield* bytesOf(response))
          }
        })
      )
  }
}
