/** Access whose reads look into the storage: what a request would be answered, without the bytes and the JSON in between. */
import * as Effect from "effect/Effect"
import { AccessError, path, query, type Access, type ResourceName } from "./Access.ts"
import * as Failure from "./Failure.ts"
import { present, type Kind } from "./Kind.ts"
import { objects, text } from "./KubeJson.ts"
import * as Listing from "./Listing.ts"
import * as Representation from "./Representation.ts"
import * as ResourcePath from "./ResourcePath.ts"
import * as Writes from "./Writes.ts"

/** undefined for what is not simply read: kinds that are not served, or have verbs of their own. */
const readable = (world: Writes.World, resource: ResourceName, namespace: string, name: string): Kind | undefined => {
  const kind = ResourcePath.resolve(world.kinds, { ...resource, namespace, name, subresource: "" })?.kind
  return kind?.verbs === undefined ? kind : undefined
}

/** `target`: of the request that this stands for. */
const attempt = <A>(target: () => string, rules: () => A): Effect.Effect<A, AccessError> =>
  Effect.mapError(
    Failure.attempt(rules),
    ({ code, reason, text: detail }) => new AccessError({ method: "GET", path: target(), status: code, reason, detail })
  )

/** Answers the very objects that are stored, which nobody changes; what is no plain read, and every write, is of `requests`. */
export const make = (world: Writes.World, requests: Access): Access => {
  const get: Access["get"] = (resource, namespace, name) =>
    Effect.suspend(() => {
      const kind = name === "" ? undefined : readable(world, resource, namespace, name)
      if (kind === undefined) return requests.get(resource, namespace, name)
      return attempt(
        () => path(resource, namespace, name),
        () => present(kind, Writes.read(world, { kind, namespace, name, subresource: "" }))
      )
    })
  return {
    ...requests,
    get,
    find: (resource, namespace, name) =>
      Effect.catchIf(
        get(resource, namespace, name),
        (error) => error.status === 404,
        () => Effect.undefined
      ),
    list: (resource, namespace, selectors = {}) =>
      Effect.suspend(() => {
        const kind = readable(world, resource, namespace, "")
        if (kind === undefined) return requests.list(resource, namespace, selectors)
        const asked = query({ ...selectors })
        return attempt(
          () => `${path(resource, namespace)}${asked}`,
          () => {
            const page = Listing.list(world.storage, { kind, namespace }, new URLSearchParams(asked))
            const options = { millis: 0, include: "Metadata", columns: false } as const
            const listed = Representation.list("Object", kind, page.objects, page.metadata, options)
            return { items: objects(listed, "items"), resourceVersion: text(listed, "metadata", "resourceVersion") }
          }
        )
      })
  }
}
