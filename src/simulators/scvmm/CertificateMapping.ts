/** Whose client certificate it is (winrm/config/service/certmapping): by the user principal name in it. */
// The certificate library wants it loaded first.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata"
import * as x509 from "@peculiar/x509"

/** "name@domain" among the subject's alternative names; undefined where there is none. */
const userPrincipalName = (certificate: Uint8Array): string | undefined => {
  const names = new x509.X509Certificate(new Uint8Array(certificate)).getExtension(x509.SubjectAlternativeNameExtension)
  return names?.names.items.find(({ type }) => type === "upn")?.value
}

export interface Mapped {
  /** Name in the client certificates that log on as this user; none do without. */
  readonly certificateSubject?: string
}

/** The user that a certificate, which the listener's TLS trusts already, is mapped to. */
export const userOf = <User extends Mapped>(certificate: Uint8Array, users: ReadonlyArray<User>): User | undefined => {
  const name = userPrincipalName(certificate)?.toLowerCase()
  return users.find(({ certificateSubject }) => name !== undefined && certificateSubject?.toLowerCase() === name)
}
