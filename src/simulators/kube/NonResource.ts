/** Answers requests that name no resource: discovery, OpenAPI, version, health; everything else is not found. */
import type { Request, Response } from "../../../schemas/http/Exchange.ts"
import * as AggregatedDiscovery from "./AggregatedDiscovery.ts"
import * as Discovery from "./Discovery.ts"
import * as Failure from "./Failure.ts"
import type { Kind } from "./Kind.ts"
import type { KubeJson } from "./KubeJson.ts"
import { accepted, isJson, isYaml, type MediaRange } from "./MediaType.ts"
import * as OpenApi from "./OpenApi.ts"

const encoder = new TextEncoder()
const uncached = { "cache-control": "no-cache, private" }

const answer = (status: number, type: string, body: string, headers: Response["headers"] = uncached): Response => ({
  status,
  headers: { ...headers, ...(type !== "" && { "content-type": type }) },
  body: encoder.encode(body)
})

const plain = (status: number, body: string): Response =>
  answer(status, "text/plain; charset=utf-8", body, { ...uncached, "x-content-type-options": "nosniff" })

const json = (body: KubeJson, status = 200): Response => answer(status, "application/json", JSON.stringify(body))

const refused = (failure: Failure.Failure): Response => json(Failure.status(failure), failure.code)

const notFound = plain(404, "404 page not found\n")

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

const asksForAll = ({ type, parameters }: MediaRange): boolean =>
  type === "application/json" &&
  parameters["g"] === "apidiscovery.k8s.io" &&
  parameters["v"] === "v2" &&
  parameters["as"] === "APIGroupDiscoveryList"

const discovery = (kinds: ReadonlyArray<Kind>, segments: ReadonlyArray<string>, request: Request): Response => {
  const [root] = segments
  const ranges = accepted(request.headers["accept"] ?? "")
  const wanted = ranges.find(
    (range) =>
      (segments.length === 1 && asksForAll(range)) ||
      ((isJson(range) || isYaml(range)) && range.parameters["as"] === undefined)
  )
  const document = Discovery.document(kinds, segments)
  if (document === undefined) return notFound
  if (wanted === undefined) return refused(Failure.notAcceptable)
  if (wanted.parameters["as"] === undefined) return json(document)
  const body = JSON.stringify(AggregatedDiscovery.document(kinds, root === "api" ? "api" : "apis"))
  return answer(200, aggregated, body, { "cache-control": "public", vary: "Accept" })
}

const openApi = (kinds: ReadonlyArray<Kind>, place: string, request: Request, query: URLSearchParams): Response => {
  if (place === "") return plain(200, JSON.stringify(OpenApi.index(kinds)))
  const document = OpenApi.document(kinds, place)
  if (document === undefined) return answer(404, "", "")
  if (!accepted(request.headers["accept"] ?? "").some(isJson))
    return answer(406, "", "", { ...uncached, vary: "Accept" })
  const wanted = query.get("hash") ?? ""
  const headers = { vary: "Accept", etag: `"${document.hash}"` }
  if (wanted === "") return answer(200, "application/json", document.json, { ...uncached, ...headers })
  return wanted === document.hash
    ? answer(200, "application/json", document.json, { "cache-control": "public, immutable", ...headers })
    : answer(301, "application/json", "", {
        ...uncached,
        ...headers,
        location: `/openapi/v3/${place}?hash=${document.hash}`
      })
}

const health = new Set(["healthz", "livez", "readyz"])

/** Answers any request whose path ResourcePath does not know. */
export const handle = (kinds: ReadonlyArray<Kind>, request: Request): Response => {
  const { pathname, searchParams } = new URL(request.target, "http://kubernetes")
  const segments = pathname.split("/").filter((segment) => segment !== "")
  const [root, second, ...rest] = segments
  if (root === "api" || root === "apis") return discovery(kinds, segments, request)
  if (root === "openapi" && second === "v3") return openApi(kinds, rest.join("/"), request, searchParams)
  if (root === "version" && second === undefined) {
    return request.method === "GET" ? json(Discovery.version) : refused(Failure.methodRefused)
  }
  if (root !== undefined && health.has(root) && second === undefined) return plain(200, "ok")
  return notFound
}
