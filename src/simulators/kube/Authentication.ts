/** Who sends a request: bearer tokens and client certificates from a given list, and tokens of service accounts. */
import * as Redacted from "effect/Redacted"
import { timingSafeEqual, X509Certificate } from "node:crypto"
import type { Connection, Request } from "../../../schemas/http/Exchange.ts"
import * as User from "./User.ts"

export interface Token {
  readonly token: Redacted.Redacted
  readonly user: string
  /** Default system:masters: the user may do everything. */
  readonly groups?: ReadonlyArray<string>
}

/** Accepts any certificate that the listener found to be issued by its client CA and that has this common name. */
export interface ClientCertificate {
  readonly commonName: string
  /** Default system:masters. */
  readonly groups?: ReadonlyArray<string>
}

export interface Credentials {
  readonly tokens: ReadonlyArray<Token>
  readonly clientCertificates: ReadonlyArray<ClientCertificate>
}

const encoder = new TextEncoder()

const same = (a: string, b: string): boolean => {
  const [left, right] = [encoder.encode(a), encoder.encode(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const commonName = (der: Uint8Array): string =>
  /(?:^|\n)CN=(.*)/u.exec(new X509Certificate(der).subject ?? "")?.[1] ?? ""

const user = (name: string, groups: ReadonlyArray<string> | undefined): User.User =>
  User.make(name, groups ?? [User.masters])

/** The user of a token in the list. */
export const ofToken = (credentials: Credentials, token: string): User.User | undefined => {
  const known = credentials.tokens.find((each) => same(Redacted.value(each.token), token))
  return known && user(known.user, known.groups)
}

/** The bearer token of a request; undefined for one that sends none. */
export const bearer = (request: Request): string | undefined => {
  const header = request.headers["authorization"] ?? ""
  return /^bearer /iu.test(header) ? header.slice("bearer ".length).trim() : undefined
}

/** The user of a connection's client certificate; undefined for none that is known. */
export const ofCertificate = (credentials: Credentials, connection: Connection): User.User | undefined => {
  if (connection.clientCertificate === undefined) return undefined
  const name = commonName(connection.clientCertificate)
  const known = credentials.clientCertificates.find((each) => each.commonName === name)
  return known && user(name, known.groups)
}
