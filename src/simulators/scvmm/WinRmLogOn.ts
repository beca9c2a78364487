/** Who asks a simulated WinRM listener: by Basic or a client certificate with every request, or one NTLM log-on for each connection. */
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
import * as CertificateMapping from "./CertificateMapping.ts"
import * as NtlmAcceptor from "./NtlmAcceptor.ts"
import * as SpnegoAcceptor from "./SpnegoAcceptor.ts"

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
  /** DER of the listener's own certificate: what log-ons by NTLM inside TLS are bound to. Without it any binding will do. */
  readonly certificate: Uint8Array | undefined
  /** Whether they must be: Relaxed unless given. */
  readonly cbtHardeningLevel?: "None" | "Relaxed" | "Strict" | undefined
  /** Wrong passwords after which an account is locked, for good. Never unless given. */
  readonly lockoutThreshold?: number | undefined
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

/** What clients send that log on by the certificate of their connection. */
const mutualTls = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

/** How far a connection's log-on has come. */
type Progress<User> =
  | { readonly _tag: "Offered"; readonly wrapping: SpnegoAcceptor.Wrapping | undefined }
  | {
      readonly _tag: "Challenged"
      readonly challenged: NtlmAcceptor.Challenged
      readonly wrapping: SpnegoAcceptor.Wrapping | undefined
    }
  | { readonly _tag: "LoggedOn"; readonly user: User; readonly security: NtlmSecurity }

/** Counts wrong passwords; the right one begins anew, unless the account is locked. */
const lockouts = (threshold: number | undefined) => {
  const failures = new Map<string, number>()
  return {
    failed: ({ userName }: NtlmAcceptor.Account): void =>
      void failures.set(userName.toLowerCase(), (failures.get(userName.toLowerCase()) ?? 0) + 1),
    /** Whether the right password lets in. */
    passes: ({ userName }: NtlmAcceptor.Account): boolean => {
      if (threshold !== undefined && (failures.get(userName.toLowerCase()) ?? 0) >= threshold) return false
      failures.delete(userName.toLowerCase())
      return true
    }
  }
}

/** After a log-on by NTLM what follows is sealed, or inside TLS. A locked account is answered as a wrong password is: with 401. */
export const make = <User extends NtlmAcceptor.Account & CertificateMapping.Mapped>(
  options: Options<User>
): LogOns<User> => {
  const connections = new WeakMap<Connection, Progress<User>>()
  const accounts = lockouts(options.lockoutThreshold)
  let refused = 0

  const level = options.cbtHardeningLevel ?? "Relaxed"
  const binding =
    options.certificate === undefined || level === "None"
      ? undefined
      : { own: tlsServerEndPoint(options.certificate), level }

  const basicAllowed = ({ secure }: Connection): boolean => secure || options.allowUnencrypted
  const challenge = (connection: Connection, token?: Uint8Array): Reply => {
    // Amid a log-on HTTP.sys names its scheme alone.
    if (token !== undefined) return plain(401, { "www-authenticate": `Negotiate ${Base64.encode(token)}` })
    const basic = basicAllowed(connection) ? ', Basic realm="WSMAN"' : ""
    return plain(401, { "www-authenticate": `Negotiate, Kerberos${basic}` })
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
    if (user === undefined) return refuse(connection)
    if (user.password !== given?.password) accounts.failed(user)
    else if (accounts.passes(user)) return { user, body, reply: (reply) => reply }
    return refuse(connection)
  }

  const byCertificate = ({ body }: Request, connection: Connection): Entered<User> | Reply => {
    const { clientCertificate, secure } = connection
    const user =
      secure && clientCertificate !== undefined
        ? CertificateMapping.userOf(clientCertificate, options.users)
        : undefined
    return user === undefined ? refuse(connection) : { user, body, reply: (reply) => reply }
  }

  const toChallenge = Effect.fnUntraced(function* (
    token: Uint8Array,
    wrapping: SpnegoAcceptor.Wrapping | undefined,
    connection: Connection
  ): Effect.fn.Return<Reply> {
    const serverChallenge = new Uint8Array(8)
    for (let at = 0; at < 8; at++) serverChallenge[at] = yield* Random.nextIntBetween(0, 256, { halfOpen: true })
    const challenged = NtlmAcceptor.challenge(token, {
      computerName,
      serverChallenge,
      epochMillis: yield* Clock.currentTimeMillis,
      grants: NtlmAcceptor.usualGrants
    })
    if (Result.isFailure(challenged)) return refuse(connection)
    connections.set(connection, { _tag: "Challenged", challenged: challenged.success, wrapping })
    return challenge(connection, SpnegoAcceptor.challenge(wrapping, challenged.success.challenge))
  })

  const toAccept = (
    token: Uint8Array,
    opened: SpnegoAcceptor.Opened,
    { body }: Request,
    connection: Connection
  ): Entered<User> | Reply => {
    const before = connections.get(connection)
    if (before?._tag !== "Challenged") return refuse(connection)
    const accepted = NtlmAcceptor.accept(
      before.challenged,
      token,
      options.users,
      connection.secure ? binding : undefined
    )
    if (Result.isFailure(accepted)) {
      const { account } = accepted.failure
      if (account !== undefined) accounts.failed(account)
      return refuse(connection)
    }
    const { account, security } = accepted.success
    const last = SpnegoAcceptor.complete(opened, security)
    if (!accounts.passes(account) || Result.isFailure(last)) return refuse(connection)
    connections.set(connection, { _tag: "LoggedOn", user: account, security })
    const said: Record<string, string> =
      last.success === undefined ? {} : { "www-authenticate": `Negotiate ${Base64.encode(last.success)}` }
    // Inside TLS the request that logs on may say what it wants at once.
    return connection.secure && body.length > 0
      ? { user: account, body, reply: (reply) => ({ ...reply, headers: { ...reply.headers, ...said } }) }
      : plain(200, said)
  }

  const byToken = Effect.fnUntraced(function* (
    token: Uint8Array,
    request: Request,
    connection: Connection
  ): Effect.fn.Return<Entered<User> | Reply> {
    const before = connections.get(connection)
    const wrapping = before === undefined || before._tag === "LoggedOn" ? undefined : before.wrapping
    const opened = SpnegoAcceptor.open(token, wrapping)
    if (Result.isFailure(opened)) return refuse(connection)
    const { success } = opened
    if (success.token === undefined) {
      if (success.wrapping === undefined) return refuse(connection)
      connections.set(connection, { _tag: "Offered", wrapping: success.wrapping })
      return challenge(connection, SpnegoAcceptor.challenge(success.wrapping, undefined))
    }
    return messageType(success.token) === 1
      ? yield* toChallenge(success.token, success.wrapping, connection)
      : toAccept(success.token, success, request, connection)
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
      if (header.toLowerCase() === mutualTls) return Effect.succeed(byCertificate(request, connection))
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
