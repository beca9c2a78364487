/** Who sends a request: bearer tokens and client certificates from a given list. */
import * as Redacted from "effect/Redacted"
import { timingSafeEqual, X509Certificate } from "node:crypto"
import type { Connection, Request } from "../../../schemas/http/Exchange.ts"

export interface Token {
  readonly token: Redacted.Redacted
  readonly user: string
}

/** Accepts any certificate that the listener found to be issued by its client CA and that has this common name. */
export interface ClientCertificate {
  readonly commonName: string
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

/** The user of a request; undefined for none that is known. */
export const user = (credentials: Credentials, request: Request, connection: Connection): string | undefined => {
  const header = request.headers["authorization"] ?? ""
  if (/^bearer /iu.test(header)) {
    const given = header.slice("bearer ".length).trim()
    return credentials.tokens.find((known) => same(Redacted.value(known.token), given))?.user
  }
  if (connection.clientCertificate === undefined) return undefined
  const name = commonName(connection.clientCertificate)
  return credentials.clientCertificates.some((known) => known.commonName === name) ? name : undefined
}
