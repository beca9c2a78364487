/** From a connection's request to its answer: who asks, whether they may, what is answered, and the record of it. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Connection, Handler, Request, Response } from "../../../schemas/http/Exchange.ts"
import type { Audit } from "./Audit.ts"
import * as Authentication from "./Authentication.ts"
import * as Authorization from "./Authorization.ts"
import * as Failure from "./Failure.ts"
import { metadata, text } from "./KubeJson.ts"
import * as Impersonation from "./Impersonation.ts"
import * as NonResource from "./NonResource.ts"
import * as ResourcePath from "./ResourcePath.ts"
import * as Resources from "./Resources.ts"
import * as Routing from "./Routing.ts"
import * as ServiceAccountTokens from "./ServiceAccountTokens.ts"
import { anonymous, type User } from "./User.ts"
import type { Webhooks } from "./WebhookConnection.ts"
import type { World } from "./Writes.ts"
import * as YamlAnswer from "./YamlAnswer.ts"

export interface Server {
  readonly world: World
  readonly credentials: Authentication.Credentials
  /** Signs the tokens of service accounts. */
  readonly key: string
  readonly webhooks: Webhooks | undefined
  readonly audit: Audit
}

const mutating = new Set(["create", "update", "patch", "delete", "deletecollection"])

const verify = (
  { world, credentials, key }: Server,
  token: string,
  audiences: ReadonlyArray<string>,
  millis: number
) => {
  const known = Authentication.ofToken(credentials, token)
  const wanted = audiences.length === 0 ? [ServiceAccountTokens.issuer] : audiences
  return known === undefined
    ? ServiceAccountTokens.verify(world, key, token, wanted, millis)
    : { user: known, audiences: [ServiceAccountTokens.issuer] }
}

/** undefined for credentials that are nobody's; who shows none is anonymous. */
const authenticate = (server: Server, request: Request, connection: Connection, millis: number): User | undefined => {
  const token = Authentication.bearer(request)
  if (token !== undefined) return verify(server, token, [], millis).user
  if (connection.clientCertificate === undefined) return anonymous
  return Authentication.ofCertificate(server.credentials, connection)
}

const answer = (server: Server, sender: User, request: Request): Effect.Effect<Response, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { world, audit } = server
    const { pathname, searchParams: query } = new URL(request.target, "http://kubernetes")
    const names = ResourcePath.read(pathname)
    const verb = names === undefined ? request.method.toLowerCase() : Resources.verb(request.method, names, query)
    const millis = yield* Clock.currentTimeMillis
    const path = names && ResourcePath.resolve(world.kinds, names)
    const record = (code: number, name: string, resourceVersion: string) => {
      if (names === undefined || path === undefined || !mutating.has(verb)) return
      const { group, plural, subresource, namespace } = names
      audit.record({
        user: sender.username,
        verb,
        group,
        plural,
        subresource,
        namespace,
        name,
        resourceVersion,
        code,
        millis
      })
    }
    let user = sender
    try {
      const attempt = { verb, names, path: pathname }
      user = Impersonation.apply(world.storage, sender, request.headers, attempt)
      Authorization.require(world.storage, user, attempt)
    } catch (error) {
      if (!(error instanceof Failure.Failure)) throw error
      record(error.code, names?.name ?? "", "")
      return Resources.refused(error)
    }
    const refusal = Routing.refusal(world.kinds.all(), request.method, names, path)
    if (refusal instanceof Failure.Failure) return Resources.refused(refusal)
    if (refusal === "nowhere" || path === undefined) return NonResource.handle(world.kinds.all(), request)
    const { response, object } = yield* Resources.handle({
      world,
      key: server.key,
      webhooks: server.webhooks,
      verify: (token, audiences) => verify(server, token, audiences, millis),
      user,
      request,
      path,
      query
    })
    const meta = metadata(object ?? {})
    record(response.status, text(meta, "name") || path.name, text(meta, "resourceVersion"))
    return response
  })

/** Answers a request of a known user. */
export const serve = (server: Server, user: User, request: Request): Effect.Effect<Response, never, Scope.Scope> =>
  Effect.map(answer(server, user, request), (response) => {
    const presented = YamlAnswer.present(request, response)
    return request.method === "HEAD" ? { ...presented, body: new Uint8Array() } : presented
  })

export const handler =
  (server: Server): Handler =>
  (request, connection) => {
    server.audit.countRequest()
    return Effect.flatMap(Clock.currentTimeMillis, (millis) => {
      const user = authenticate(server, request, connection, millis)
      return user === undefined ? Effect.succeed(Resources.refused(Failure.unauthorized)) : serve(server, user, request)
    })
  }
