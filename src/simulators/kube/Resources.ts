/** Answers requests to resources: from path, verb and body to the rules of reading and writing. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Request, Response } from "../../../schemas/http/Exchange.ts"
import * as Decode from "./Decode.ts"
import * as Deletions from "./Deletions.ts"
import * as Failure from "./Failure.ts"
import type { Json, KubeJson } from "./KubeJson.ts"
import * as Listing from "./Listing.ts"
import * as Options from "./Options.ts"
import * as Representation from "./Representation.ts"
import type { ResourcePath } from "./ResourcePath.ts"
import * as Stamp from "./Stamp.ts"
import { watch } from "./Watching.ts"
import * as Writes from "./Writes.ts"

const encoder = new TextEncoder()

export const json = (status: number, body: KubeJson, warnings: ReadonlyArray<string> = []): Response => ({
  status,
  headers: {
    "content-type": "application/json",
    "cache-control": "no-cache, private",
    ...(warnings.length > 0 && { warning: warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ") })
  },
  body: encoder.encode(JSON.stringify(body))
})

/** The verb of a request as RBAC and audit logs name it; "" for a method that means nothing. */
export const verb = (method: string, path: ResourcePath, query: URLSearchParams): string => {
  switch (method) {
    case "GET":
    case "HEAD":
      if (path.name !== "") return "get"
      return ["true", "1"].includes(query.get("watch") ?? "") ? "watch" : "list"
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

const include = (query: URLSearchParams): Representation.TableOptions["include"] => {
  const given = query.get("includeObject")
  return given === "None" || given === "Object" ? given : "Metadata"
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

interface Asked {
  readonly world: Writes.World
  readonly request: Request
  readonly path: ResourcePath
  readonly query: URLSearchParams
}

/** Every verb but watch. */
const answer = ({ world, request, path, query }: Asked, stamp: Stamp.Stamp): Response => {
  const { kind, namespace } = path
  const asked = verb(request.method, path, query)
  const shape = Representation.accept(request.headers["accept"] ?? "")
  const table = { millis: stamp.millis, include: include(query), columns: true }
  const contentType = request.headers["content-type"] ?? ""
  const written = (status: number, { object, warnings }: Writes.Written): Response =>
    json(status, Representation.one(shape, kind, object, table), warnings)
  const allowed = path.subresource === "" ? true : ["get", "update", "patch"].includes(asked)
  if (asked === "" || !allowed) throw Failure.methodNotAllowed(kind, asked)
  switch (asked) {
    case "get":
      return json(200, Representation.one(shape, kind, Writes.read(world, target(path)), table))
    case "list": {
      const page = Listing.list(world.storage, { kind, namespace }, query)
      return json(200, Representation.list(shape, kind, page.objects, page.metadata, table))
    }
    case "create":
      return written(
        201,
        Writes.create(
          world,
          kind,
          namespace,
          Decode.object(request.body, contentType, kind),
          Options.write("CreateOptions", query),
          stamp
        )
      )
    case "update":
      if (path.name === "") throw Failure.badRequest("name must be provided")
      return written(
        200,
        Writes.update(
          world,
          target(path),
          Decode.object(request.body, contentType, kind),
          Options.write("UpdateOptions", query)
        )
      )
    case "patch": {
      const type = Decode.patchType(contentType, kind)
      const options = Options.write("PatchOptions", query)
      const body =
        type === "apply"
          ? { json: null, duplicates: [] }
          : Decode.parse(Decode.source(request.body), (fault) => `error decoding patch: ${fault}`)
      return written(200, Writes.patch(world, target(path), type, body, options))
    }
    case "deletecollection": {
      const options = Options.deletion(query, deleteBody(request))
      const page = Listing.list(world.storage, { kind, namespace }, query)
      const removed = Deletions.removeAll(world, kind, page.objects, options, stamp.now)
      return json(200, Representation.list("Object", kind, removed, page.metadata, table))
    }
    default:
      return json(200, Deletions.remove(world, target(path), Options.deletion(query, deleteBody(request)), stamp.now))
  }
}

/** Raises what the API server refuses; the scope of a watch is that of the exchange. */
export const handle = Effect.fnUntraced(function* (
  asked: Asked
): Effect.fn.Return<Response, Failure.Failure, Scope.Scope> {
  const { world, request, path, query } = asked
  if (verb(request.method, path, query) !== "watch") {
    const stamp = yield* Stamp.take
    return yield* Failure.attempt(() => answer(asked, stamp))
  }
  const shape = yield* Failure.attempt(() => Representation.accept(request.headers["accept"] ?? ""))
  return {
    status: 200,
    headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
    body: yield* watch(world.storage, path, query, shape, include(query))
  }
})
