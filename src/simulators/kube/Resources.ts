/** Answers requests to resources: from path, verb and body to the rules of reading and writing. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Request, Response } from "../../../schemas/http/Exchange.ts"
import * as AccessReviews from "./AccessReviews.ts"
import * as Admission from "./Admission.ts"
import * as Decode from "./Decode.ts"
import * as Deletions from "./Deletions.ts"
import * as Failure from "./Failure.ts"
import { metadata, text, type Json, type KubeJson } from "./KubeJson.ts"
import * as Listing from "./Listing.ts"
import * as Options from "./Options.ts"
import * as Representation from "./Representation.ts"
import type { Names, ResourcePath } from "./ResourcePath.ts"
import * as ServiceAccountTokens from "./ServiceAccountTokens.ts"
import * as Stamp from "./Stamp.ts"
import type { User } from "./User.ts"
import { watch } from "./Watching.ts"
import type { Webhooks } from "./WebhookConnection.ts"
import { admit } from "./Webhooks.ts"
import * as Writes from "./Writes.ts"

const encoder = new TextEncoder()

const json = (status: number, body: KubeJson): Response => ({
  status,
  headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
  body: encoder.encode(JSON.stringify(body))
})

export const refused = (failure: Failure.Failure): Response => {
  const response = json(failure.code, Failure.status(failure))
  const seconds = failure.details?.["retryAfterSeconds"]
  return typeof seconds === "number"
    ? { ...response, headers: { ...response.headers, "retry-after": String(seconds) } }
    : response
}

/** The verb of a request as RBAC and audit logs name it; "" for a method that means nothing. */
export const verb = (method: string, path: Pick<Names, "name">, query: URLSearchParams): string => {
  switch (method) {
    case "GET":
    case "HEAD":
      if (path.name !== "") return "get"
      return Options.flag(query, "watch") ? "watch" : "list"
    case "POST":
      return "create"
    case "PUT":
      return "update"
    case "PATCH":
      return "patch"
    case "DELETE":
      return path.name === "" ? "deletecollection" : "delete"
    default:
      return ""
  }
}

const target = (path: ResourcePath): Writes.Target => {
  const { kind, namespace, name, subresource } = path
  if (subresource === "") return { kind, namespace, name, subresource: "" }
  if (subresource === "status" && kind.statusSubresource) return { kind, namespace, name, subresource: "status" }
  throw Failure.notFound(kind, name)
}

const deleteBody = (request: Request): Json | undefined => {
  const source = Decode.source(request.body)
  return source === ""
    ? undefined
    : Decode.parse(source, (fault) => `couldn't get version/kind; json parse error: ${fault}`).json
}

export interface Asked {
  readonly world: Writes.World
  /** Signs the tokens of service accounts. */
  readonly key: string
  readonly webhooks: Webhooks | undefined
  readonly verify: AccessReviews.Asked["verify"]
  readonly user: User
  readonly request: Request
  readonly path: ResourcePath
  readonly query: URLSearchParams
}

export interface Answered {
  readonly response: Response
  /** The object as a write left it, or would have left it; undefined for reads and refusals. */
  readonly object: KubeJson | undefined
}

/** Reads, and questions that store nothing. Throws. */
const read = (asked: Asked, stamp: Stamp.Stamp): KubeJson | undefined => {
  const { world, request, path, query } = asked
  const { kind, namespace, name } = path
  const { shape, include } = Representation.asked(request.headers["accept"] ?? "", query)
  const table = { millis: stamp.millis, include, columns: true }
  switch (verb(request.method, path, query)) {
    case "get":
      Listing.requireVersion(query, world.storage)
      return Representation.one(shape, kind, Writes.read(world, target(path)), table)
    case "list": {
      const page = Listing.list(world.storage, { kind, namespace }, query)
      return Representation.list(shape, kind, page.objects, page.metadata, table)
    }
    case "create": {
      const given = () => Decode.object(request.body, request.headers["content-type"] ?? "", kind).object
      if (kind.store === ServiceAccountTokens.serviceAccounts.store && path.subresource === "token") {
        return ServiceAccountTokens.issue(world, asked.key, { namespace, name }, given(), stamp)
      }
      return kind.verbs === undefined
        ? undefined
        : AccessReviews.answer(kind, given(), { world, user: asked.user, stamp, verify: asked.verify })
    }
    default:
      return undefined
  }
}

/** The steps of a write. Throws for a request that means none. */
const write = (asked: Asked, stamp: Stamp.Stamp, warn: Writes.Warn): Admission.Steps<KubeJson> => {
  const { world, request, path, query } = asked
  const { kind, namespace } = path
  const contentType = request.headers["content-type"] ?? ""
  switch (verb(request.method, path, query)) {
    case "create": {
      const body = Decode.object(request.body, contentType, kind)
      return Writes.create(world, kind, namespace, body, Options.write("CreateOptions", query), stamp, warn)
    }
    case "update": {
      if (path.name === "") throw Failure.badRequest("name must be provided")
      const body = Decode.object(request.body, contentType, kind)
      return Writes.update(world, target(path), body, Options.write("UpdateOptions", query), warn)
    }
    default: {
      const type = Decode.patchType(contentType, kind)
      const options = Options.write("PatchOptions", query, type)
      const body =
        type === "apply"
          ? { json: null, duplicates: [] }
          : Decode.parse(Decode.source(request.body), (fault) =>
              type === "strategic" ? fault : `error decoding patch: ${fault}`
            )
      return Writes.patch(world, target(path), type, body, options, warn)
    }
  }
}

/** Throws 405. */
const requireAllowed = (path: ResourcePath, asked: string) => {
  const { kind, subresource } = path
  const known = kind.subresources?.find((each) => each.subresource === subresource)?.verbs
  const allowed =
    subresource === "" ? (kind.verbs?.includes(asked) ?? true) : (known ?? ["get", "update", "patch"]).includes(asked)
  if (asked === "" || !allowed) throw Failure.methodNotAllowed(kind, asked)
}

/** Every verb but watch. Raises what the API server refuses. */
const answer = Effect.fnUntraced(function* (
  asked: Asked,
  warn: Writes.Warn
): Effect.fn.Return<Answered, Failure.Failure> {
  const { world, request, path, query, user, webhooks } = asked
  const { kind, namespace } = path
  const stamp = yield* Stamp.take
  const wanted = verb(request.method, path, query)
  const { found, shape, include } = yield* Failure.attempt(() => {
    requireAllowed(path, wanted)
    return { found: read(asked, stamp), ...Representation.asked(request.headers["accept"] ?? "", query) }
  })
  if (found !== undefined) return { response: json(wanted === "create" ? 201 : 200, found), object: undefined }
  const admitted = admit({ world, webhooks, user, warn })
  const table = { millis: stamp.millis, include, columns: true }
  switch (wanted) {
    case "delete": {
      const removed = yield* Admission.run(
        () => Deletions.remove(world, target(path), Options.deletion(query, deleteBody(request)), stamp.now),
        admitted
      )
      return { response: json(removed.status, removed.answer), object: removed.object }
    }
    case "deletecollection": {
      const { options, page } = yield* Failure.attempt(() => ({
        options: Options.deletion(query, deleteBody(request)),
        page: Listing.list(world.storage, { kind, namespace }, query)
      }))
      for (const object of page.objects) {
        const one = { kind, namespace: text(metadata(object), "namespace"), name: text(metadata(object), "name") }
        yield* Admission.run(
          () => Deletions.remove(world, { ...one, subresource: "" }, options, stamp.now, true),
          admitted
        ).pipe(
          // Somebody else was faster.
          Effect.catchIf(
            (failure) => failure.code === 404,
            () => Effect.void
          )
        )
      }
      const body = Representation.list("Object", kind, page.objects, page.metadata, table)
      return { response: json(200, body), object: undefined }
    }
    default: {
      const object = yield* Admission.run(() => write(asked, stamp, warn), admitted)
      const body = yield* Failure.attempt(() => Representation.one(shape, kind, object, table))
      return { response: json(wanted === "create" ? 201 : 200, body), object }
    }
  }
})

const warned = (response: Response, warnings: ReadonlySet<string>): Response =>
  warnings.size === 0
    ? response
    : {
        ...response,
        headers: {
          ...response.headers,
          warning: [...warnings].map((warning) => `299 - ${JSON.stringify(warning)}`).join(", ")
        }
      }

const watching = Effect.fnUntraced(function* ({ world, request, path, query }: Asked) {
  const { shape, include } = yield* Failure.attempt(() => Representation.asked(request.headers["accept"] ?? "", query))
  return {
    status: 200,
    headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
    body: yield* watch(world.storage, path, query, shape, include)
  }
})

/** Answers refusals as a Status; the scope of a watch is that of the exchange. */
export const handle = Effect.fnUntraced(function* (asked: Asked): Effect.fn.Return<Answered, never, Scope.Scope> {
  // Once each, also where a write starts again.
  const warnings = new Set<string>()
  const answered: Effect.Effect<Answered, Failure.Failure, Scope.Scope> =
    verb(asked.request.method, asked.path, asked.query) === "watch"
      ? Effect.map(watching(asked), (response) => ({ response, object: undefined }))
      : answer(asked, (more) => more.forEach((warning) => warnings.add(warning)))
  const { response, object } = yield* answered.pipe(
    Effect.catch((failure) => Effect.succeed({ response: refused(failure), object: undefined }))
  )
  return { response: warned(response, warnings), object }
})
