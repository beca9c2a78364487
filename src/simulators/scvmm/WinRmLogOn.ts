/** Who asks a simulated WinRM listener: Basic with every request, or one NTLM log-on for each connection. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { tlsServerEndPoint } from "../../../layers/wsman/NtlmChannelBinding.ts"
import type { NtlmSecurity } from "../../../layers/wsman/NtlmSecurity.ts"
import { messageType } from "../../../layers/wsman/NtlmMessage.ts"
import { decodeSealed, encodeSealed, isSealed, sealedContentType } from "../../../layers/wsman/Sealing.ts"
import type { Connection, Request } from "../../../schemas/http/Exchange.ts"
import * as NtlmAcceptor from "./NtlmAcceptor.ts"

/** A whole answer, not a stream. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface Entered<User> {
  readonly user: User
  /** The envelope, or nothing of a request that only logs on. */
  readonly body: Uint8Array
  /** The answer as this client may read it. */
  readonly reply: (reply: Reply) => Reply
}

export interface LogOns<User> {
  /** Who asks for what, or the answer that ends the exchange. */
  readonly enter: (request: Request, connection: Connection) => Effect.Effect<Entered<User> | Reply>
  /** Log-ons with credentials that were refused. */
  readonly refused: () => number
  /** The connection is not logged on any more; answers what such a one hears. */
  readonly forget: (connection: Connection) => Reply
}

export interface Options<User> {
  readonly users: ReadonlyArray<User>
  /** Basic over plain http, which Windows refuses by default. */
  readonly allowUnencrypted: boolean
  /** DER of the listener's own certificate: log-ons by NTLM inside TLS must be bound to it. Without it any binding will do. */
  readonly certificate: Uint8Array | undefined
}

/** What NTLM calls this machine, and its domain. */
const computerName = "EXEC1"

const nothing = new Uint8Array(0)

export const plain = (status: number, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { server: "Microsoft-HTTPAPI/2.0", ...headers },
  body: nothing
})

const basicCredentials = (header: string): { readonly userName: string; readonly password: string } | undefined => {
  const encoded = /^Basic\s+(\S+)$/iu.exec(header)?.[1]
  const decoded = encoded === undefined ? undefined : Result.getOrUndefined(Base64.decodeString(encoded))
  const colon = decoded?.indexOf(":") ?? -1
  return decoded === undefined || colon < 0
    ? undefined
    : { userName: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}

const tokenOf = (header: string): Uint8Array | undefined => {
  const encoded = /^Negotiate\s+(\S+)$/iu.exec(header)?.[1]
  return encoded === undefined ? undefined : Result.getOrUndefined(Base64.decode(encoded))
}

/** How far a connection's log-on has come. */
type Progress<User> =
  | { readonly _tag: "Challenged"; readonly challenged: NtlmAcceptor.Challenged }
  | { readonly _tag: "LoggedOn"; readonly user: User; readonly security: NtlmSecurity }

/** After a log-on by NTLM what follows is sealed, or inside TLS. */
export const make = <User extends NtlmAcceptor.Account>(options: Options<User>): LogOns<User> => {
  const connections = new WeakMap<Connection, Progress<User>>()
  let refused = 0

  const basicAllowed = ({ secure }: Connection): boolean => secure || options.allowUnencrypted
  const challenge = (connection: Connection, token = ""): Reply => {
    const basic = basicAllowed(connection) ? ', Basic realm="WSMAN"' : ""
    return plain(401, { "www-authenticate": `Negotiate${token === "" ? "" : ` ${token}`}, Kerberos${basic}` })
  }
  const refuse = (connection: Connection): Reply => {
    refused++
    connections.delete(connection)
    return challenge(connection)
  }

  const byBasic = (header: string, { body }: Request, connection: Connection): Entered<User> | Reply => {
    const given = basicCredentials(header)
    const user = basicAllowed(connection)
      ? options.users.find(({ userName }) => userName.toLowerCase() === given?.userName.toLowerCase())
      : undefined
    return user !== undefined && user.password === given?.password
      ? { user, body, reply: (reply) => reply }
      : refuse(connection)
  }

  const byToken = Effect.fnUntraced(function* (
    token: Uint8Array,
    { body }: Request,
    connection: Connection
  ): Effect.fn.Return<Entered<User> | Reply> {
    const before = connections.get(connection)
    if (messageType(token) === 1) {
      const serverChallenge = new Uint8Array(8)
      for (let at = 0; at < 8; at++) serverChallenge[at] = yield* Random.nextIntBetween(0, 256, { halfOpen: true })
      const challenged = NtlmAcceptor.challenge(token, {
        computerName,
        serverChallenge,
        epochMillis: yield* Clock.currentTimeMillis,
        grants: NtlmAcceptor.usualGrants
      })
      if (Result.isFailure(challenged)) return refuse(connection)
      connections.set(connection, { _tag: "Challenged", challenged: challenged.success })
      return challenge(connection, Base64.encode(challenged.success.challenge))
    }
    if (before?._tag !== "Challenged") return refuse(connection)
    const binding =
      connection.secure && options.certificate !== undefined ? tlsServerEndPoint(options.certificate) : undefined
    const accepted = NtlmAcceptor.accept(before.challenged, token, options.users, binding)
    if (Result.isFailure(accepted)) return refuse(connection)
    const { account, security } = accepted.success
    connections.set(connection, { _tag: "LoggedOn", user: account, security })
    // Inside TLS the request that logs on may say what it wants at once.
    return connection.secure && body.length > 0 ? { user: account, body, reply: (reply: Reply) => reply } : plain(200)
  })

  const bySession = ({ body, headers }: Request, connection: Connection): Entered<User> | Reply => {
    const progress = connections.get(connection)
    const contentType = headers["content-type"] ?? ""
    const sealed = isSealed(contentType)
    if (progress?._tag !== "LoggedOn" || (!sealed && !connection.secure)) {
      connections.delete(connection)
      return challenge(connection)
    }
    const { user, security } = progress
    if (!sealed) return { user, body, reply: (answer) => answer }
    const opened = Result.flatMap(decodeSealed(contentType, body), security.unseal)
    if (Result.isFailure(opened)) {
      connections.delete(connection)
      return plain(400)
    }
    const reply = (answer: Reply): Reply => ({
      ...answer,
      headers: { ...answer.headers, "content-type": sealedContentType },
      body: encodeSealed(security.seal(answer.body))
    })
    return { user, body: opened.success, reply }
  }

  return {
    enter: (request, connection) => {
      const header = request.headers["authorization"]
      if (header === undefined) return Effect.succeed(bySession(request, connection))
      const token = tokenOf(header)
      return token === undefined
        ? Effect.succeed(byBasic(header, request, connection))
        : byToken(token, request, connection)
    },
    refused: () => refused,
    forget: (connection) => {
      connections.delete(connection)
      return challenge(connection)
    }
  }
}
