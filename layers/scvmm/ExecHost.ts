/** The client of WS-Management on one exec host of a provider. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Dial from "../Dial.ts"
import * as Wsman from "../wsman/Wsman.ts"
import * as WsmanError from "../wsman/WsmanError.ts"
import type { Circuit } from "./Circuit.ts"
import * as ScrubbedPool from "./ScrubbedPool.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"

const endpointOf = (connection: ProviderConnection, host: string): Dial.Endpoint => {
  const { scheme, port, caBundle, thumbprint, insecureSkipVerify, clientCertificate } = connection
  const name = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host
  return {
    origin: `${scheme}://${name}:${port}`,
    ...(scheme === "https" && {
      tls: {
        ...(caBundle !== undefined && { ca: caBundle }),
        ...(thumbprint !== undefined && { thumbprint }),
        ...(insecureSkipVerify && { insecureSkipVerify }),
        // Windows asks for it once it knows what is wanted, by what TLS 1.3 has no more and Node does not offer in its place.
        ...(clientCertificate !== undefined && { ...clientCertificate, maxVersion: "TLSv1.2" as const })
      }
    })
  }
}

/** With these each request is a log-on: after a refused one the shells of other sessions are left to their idle timeout. */
const sparing = (wsman: Wsman.Wsman, connection: ProviderConnection, circuit: Circuit): Wsman.Wsman =>
  connection.authentication === "Basic" || connection.authentication === "Certificate"
    ? {
        ...wsman,
        delete: (shellId) =>
          circuit.check(connection).pipe(
            Effect.mapError(({ detail }) => new WsmanError.AuthenticationFailed({ detail, sent: false })),
            Effect.andThen(wsman.delete(shellId))
          )
      }
    : wsman

/** Nothing is dialled before the first operation. */
export const connect = (
  connection: ProviderConnection,
  host: string,
  circuit: Circuit
): Effect.Effect<Wsman.Wsman, never, Scope.Scope | Dial.Dial> =>
  Wsman.connect({
    endpoint: endpointOf(connection, host),
    configurationName: connection.configurationName,
    operationTimeoutSeconds: connection.operationTimeoutSeconds,
    credentials: {
      authentication: connection.authentication,
      userName: connection.userName,
      password: connection.password
    },
    scrub: ScrubbedPool.scrubOf(connection)
  }).pipe(Effect.map((wsman) => sparing(wsman, connection, circuit)))
