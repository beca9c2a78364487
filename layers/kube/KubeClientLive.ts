/** The operations of KubeClient over HTTP. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { Json, Patch } from "../../schemas/kube/Patch.ts"
import { contentType, encode } from "../../schemas/kube/Patch.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import { apiVersion, collectionPath, objectPath } from "../../schemas/kube/Resource.ts"
import { Dial } from "../Dial.ts"
import type { DeleteOptions, KubeClient, KubeClientOptions, Listing, ListOptions, WriteOptions } from "./KubeClient.ts"
import type { KubeConfig } from "./KubeConfig.ts"
import type { KubeError } from "./KubeError.ts"
import { ServerFault } from "./KubeError.ts"
import type { Call } from "./KubeRequest.ts"
import * as KubeRequest from "./KubeRequest.ts"
import { events, timeoutSeconds } from "./KubeWatch.ts"
import { rawKey } from "./RawObject.ts"

/** Who managedFields says has written. */
export const fieldManager = "capscvmm"

const List = Schema.Struct({
  metadata: Schema.Struct({
    resourceVersion: Schema.String,
    continue: Schema.optionalKey(Schema.String)
  }),
  items: Schema.Array(Schema.Unknown)
})
const decodeList = Schema.decodeUnknownResult(Schema.toCodecGoJson(List))

const call = <A extends KubeObject>(
  verb: KubeRequest.Verb,
  method: Call["method"],
  resource: Resource<A>,
  key: ObjectKey,
  more?: { readonly path?: string; readonly query?: Call["query"]; readonly body?: Call["body"] }
): Call => ({
  verb,
  method,
  path: more?.path ?? objectPath(resource, key),
  resource: resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`,
  namespace: key.namespace,
  name: key.name,
  ...(more?.query !== undefined && { query: more.query }),
  ...(more?.body !== undefined && { body: more.body })
})

const suffix = (options: WriteOptions | undefined): string =>
  options?.subresource === undefined ? "" : `/${options.subresource}`

const writeQuery = (options: WriteOptions | undefined) => ({
  fieldManager,
  fieldValidation: options?.fieldValidation,
  dryRun: options?.dryRun === true ? "All" : undefined
})

export const make = Effect.fnUntraced(function* (config: KubeConfig, options: KubeClientOptions) {
  const http = yield* KubeRequest.make(yield* Dial, config, {
    timeout: options.timeout ?? "30 seconds",
    host: options.host
  })
  const pageSize = options.pageSize ?? 250

  const decoded = <A extends KubeObject>(
    resource: Resource<A>,
    made: Call,
    value: unknown
  ): Effect.Effect<A, KubeError> =>
    Effect.mapError(
      Schema.decodeUnknownEffect(resource.schema)(value),
      (error) =>
        new ServerFault({ method: made.method, path: made.path, status: 200, detail: `unreadable: ${error.message}` })
    )

  const send = <A extends KubeObject>(resource: Resource<A>, made: Call): Effect.Effect<A, KubeError> =>
    Effect.flatMap(http.json(made), (value) => decoded(resource, made, value))

  const page = Effect.fnUntraced(function* <A extends KubeObject>(
    resource: Resource<A>,
    listOptions: ListOptions,
    limit: number,
    next: string | undefined
  ) {
    const namespace = listOptions.namespace ?? ""
    const made = call(
      "list",
      "GET",
      resource,
      { namespace, name: "" },
      {
        path: collectionPath(resource, namespace),
        query: {
          labelSelector: listOptions.labelSelector,
          fieldSelector: listOptions.fieldSelector,
          limit: limit === 0 ? undefined : String(limit),
          continue: next
        }
      }
    )
    const result = decodeList(yield* http.json(made))
    if (result._tag === "Success") return result.success
    const detail = `not a list: ${result.failure.message}`
    return yield* new ServerFault({ method: "GET", path: made.path, status: 200, detail })
  })

  /**
   * Each page is decoded before the next is asked for: of a large list only one page at a time is held as JSON. When the continue
   * token expires on the way, everything again in one page.
   */
  const list = <A extends KubeObject>(
    resource: Resource<A>,
    listOptions: ListOptions = {},
    limit = pageSize
  ): Effect.Effect<Listing<A>, KubeError> =>
    Effect.gen(function* () {
      const decode = Schema.decodeUnknownResult(resource.schema)
      const items: Array<A> = []
      const undecodable: Array<{ readonly key: ObjectKey; readonly message: string }> = []
      let next: string | undefined
      while (true) {
        const answer = yield* page(resource, listOptions, limit, next)
        for (const item of answer.items) {
          const result = decode(item)
          if (result._tag === "Success") items.push(result.success)
          else undecodable.push({ key: rawKey(item), message: result.failure.message })
        }
        next = answer.metadata.continue
        if (next === undefined || next === "") {
          return { items, undecodable, resourceVersion: answer.metadata.resourceVersion }
        }
      }
    }).pipe(Effect.catchTag("KubeGone", (error) => (limit === 0 ? Effect.fail(error) : list(resource, listOptions, 0))))

  const client: KubeClient["Service"] = {
    get: (resource, key) => send(resource, call("get", "GET", resource, key)),

    list: (resource, listOptions) => list(resource, listOptions),

    watch: (resource, watchOptions) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const namespace = watchOptions.namespace ?? ""
          const seconds = yield* timeoutSeconds
          const made = call(
            "watch",
            "GET",
            resource,
            { namespace, name: "" },
            {
              path: collectionPath(resource, namespace),
              query: {
                watch: "1",
                allowWatchBookmarks: "true",
                resourceVersion: watchOptions.resourceVersion,
                timeoutSeconds: String(seconds),
                labelSelector: watchOptions.labelSelector,
                fieldSelector: watchOptions.fieldSelector
              }
            }
          )
          const response = yield* http.exchange(made, Effect.succeed)
          return events(made.path, response, seconds, (error) => http.unreachable(made, error))
        })
      ),

    create: (resource, namespace, body, writeOptions) => {
      const json: Json = { apiVersion: apiVersion(resource), kind: resource.kind, ...body }
      const { name } = rawKey(body)
      return send(
        resource,
        call(
          "create",
          "POST",
          resource,
          { namespace, name },
          {
            path: collectionPath(resource, namespace) + suffix(writeOptions),
            query: writeQuery(writeOptions),
            body: { type: "application/json", json }
          }
        )
      )
    },

    patch: (resource, key, patch: Patch, writeOptions) =>
      send(
        resource,
        call("patch", "PATCH", resource, key, {
          path: objectPath(resource, key) + suffix(writeOptions),
          query: writeQuery(writeOptions),
          body: { type: contentType(patch), json: encode(patch) }
        })
      ),

    delete: (resource, key, deleteOptions: DeleteOptions = {}) => {
      const { uid, resourceVersion, propagationPolicy } = deleteOptions
      const json: Json = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        ...((uid !== undefined || resourceVersion !== undefined) && {
          preconditions: {
            ...(uid !== undefined && { uid }),
            ...(resourceVersion !== undefined && { resourceVersion })
          }
        }),
        ...(propagationPolicy !== undefined && { propagationPolicy })
      }
      const made = call("delete", "DELETE", resource, key, { body: { type: "application/json", json } })
      return Effect.asVoid(http.json(made))
    },

    raw: (path) => http.json({ verb: "raw", method: "GET", path, resource: "", namespace: "", name: "" })
  }
  return client
})
