/**
 * A Kubernetes API with a large site on it, as a process of its own: `node FleetServer.ts <machines> <kubeconfig to write>`. It tells
 * on stdout, in lines of JSON, when it is ready, which kinds are watched, and which objects are written when.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { crd } from "../../schemas/Crd.ts"
import type { Handler, Response } from "../../schemas/http/Exchange.ts"
import { kinds } from "../../schemas/scvmm/Kinds.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import * as EmbeddedApiServer from "../../src/simulators/kube/EmbeddedApiServer.ts"
import type { Json, KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import { isObject, objects, text, withMetadata } from "../../src/simulators/kube/KubeJson.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import * as Fleet from "./Fleet.ts"

const [machines = "", kubeconfig = ""] = process.argv.slice(2)

const tell = (line: { readonly [key: string]: Json }) => process.stdout.write(`${JSON.stringify(line)}\n`)

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const withFields = (object: KubeJson): KubeJson => withMetadata(object, { managedFields: Fleet.managedFields(object) })

/** Objects, lists and watch events with managedFields, as a real server sends them. */
const dressed = (body: string): string => {
  const value: Json = JSON.parse(body)
  if (!isObject(value)) return body
  if (isObject(value["object"])) return `${JSON.stringify({ ...value, object: withFields(value["object"]) })}\n`
  const [apiVersion, kind] = [text(value, "apiVersion"), text(value, "kind").replace(/List$/u, "")]
  return JSON.stringify(
    Array.isArray(value["items"])
      ? { ...value, items: objects(value, "items").map((item) => withFields({ apiVersion, kind, ...item })) }
      : withFields(value)
  )
}

const dress = (response: Response): Response =>
  response.status !== 200
    ? response
    : {
        ...response,
        body:
          response.body instanceof Uint8Array
            ? encoder.encode(dressed(decoder.decode(response.body)))
            : response.body.pipe(
                Stream.decodeText,
                Stream.splitLines,
                Stream.filter((line) => line !== ""),
                Stream.map((line) => encoder.encode(dressed(line)))
              )
      }

const now = () => performance.timeOrigin + performance.now()

/** Lets a write through and tells of it; the watches hear of it within that call. */
const told =
  (serve: Handler): Handler =>
  (request, connection) => {
    const { pathname, searchParams } = new URL(request.target, "http://kubernetes")
    if (searchParams.has("watch")) tell({ watched: pathname.split("/").at(-1) ?? "" })
    const answer = Effect.map(serve(request, connection), (response) =>
      pathname.includes(`/${Fleet.namespace}/`) || pathname.startsWith("/apis/") ? dress(response) : response
    )
    if (request.method === "GET" || !pathname.includes(`/${Fleet.namespace}/`)) return answer
    return Effect.suspend(() => {
      tell({ wrote: pathname.split("/").slice(-2).join("/"), at: now() })
      return answer
    })
  }

const program = Effect.gen(function* () {
  const server = yield* EmbeddedApiServer.make({ crds: kinds.map((kind) => crd(kind)) })
  yield* Fleet.populate(server.access, Number(machines), { paused: true })
  const authority = yield* CertificateAuthority.make("fleet")
  const tls = yield* authority.issue({ commonName: "localhost", usage: "server" })
  const { origin } = yield* Listener.listen({ handler: told(server.handler), tls })
  fs.writeFileSync(kubeconfig, server.kubeconfig(origin, authority.ca), { mode: 0o600 })
  tell({ ready: true })
  return yield* server.join
}).pipe(Effect.scoped)

NodeRuntime.runMain(program)
