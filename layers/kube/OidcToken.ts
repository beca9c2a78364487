/** The id token of a kubeconfig's auth-provider `oidc`, refreshed at its issuer (OpenID Connect Core §12). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Dial, Tls } from "../Dial.ts"
import { classify } from "../DialFailure.ts"
import { KubeConfigError } from "./KubeConfigError.ts"
import type { Remembered } from "./KubeCredentials.ts"
import { remember } from "./KubeCredentials.ts"

/** client-go's: a token that expires on the way is refused. */
const leeway = 10_000
const shortestLife = 10_000
const patience = "15 seconds"

export interface Oidc {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted | undefined
  readonly idToken: Redacted.Redacted | undefined
  readonly refreshToken: Redacted.Redacted | undefined
  /** Reads the issuer's CA, where the kubeconfig names one. */
  readonly tls: Effect.Effect<Tls, KubeConfigError>
}

const Claims = Schema.fromJsonString(Schema.Struct({ exp: Schema.Finite }))
const Discovery = Schema.fromJsonString(
  Schema.Struct({
    token_endpoint: Schema.String,
    token_endpoint_auth_methods_supported: Schema.optionalKey(Schema.Array(Schema.String))
  })
)
const Tokens = Schema.fromJsonString(
  Schema.Struct({ id_token: Schema.String, refresh_token: Schema.optionalKey(Schema.String) })
)
const Refusal = Schema.fromJsonString(Schema.Struct({ error: Schema.String }))

/** `exp` of a JWT in milliseconds since the epoch; undefined when it is none. Its signature is the API server's to check. */
const expiryOf = (jwt: string): number | undefined => {
  const payload = Result.getOrUndefined(Base64Url.decodeString(jwt.split(".")[1] ?? ""))
  const claims = Option.getOrUndefined(Schema.decodeUnknownOption(Claims)(payload))
  return claims === undefined ? undefined : claims.exp * 1000
}

/**
 * The token for requests, refreshed ten seconds before it expires. A refresh token that the issuer replaces is
 * remembered; it is not written back into the kubeconfig, as kubectl would.
 *
 * **Errors**: KubeConfigError `Failed`, naming the issuer and its error code, never a token.
 */
export const make = (
  dial: Dial["Service"],
  oidc: Oidc,
  at: { readonly path: string; readonly field: string }
): Remembered<Redacted.Redacted> => {
  let { idToken, refreshToken } = oidc
  /** The kubeconfig's own token was not tried yet. */
  let untried = true
  const failed = (detail: string) => new KubeConfigError({ reason: "Failed", ...at, detail })

  const exchange = <A>(
    http: HttpClient.HttpClient,
    request: HttpClientRequest.HttpClientRequest,
    schema: Schema.Codec<A, string>
  ) =>
    Effect.gen(function* () {
      const response = yield* http.execute(request)
      const body = yield* response.text
      if (response.status !== 200) {
        const refusal = Option.getOrUndefined(Schema.decodeUnknownOption(Refusal)(body))
        return yield* failed(
          `${request.url}: status ${response.status}${refusal === undefined ? "" : ` (${refusal.error})`}`
        )
      }
      const answer = Schema.decodeUnknownOption(schema)(body)
      return Option.isSome(answer) ? answer.value : yield* failed(`${request.url}: not what OpenID Connect wants there`)
    }).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.fail(failed(`${request.url}: no answer in time`))
      }),
      Effect.catchTag("HttpClientError", (error) => Effect.fail(failed(`${request.url}: ${classify(error).text}`)))
    )

  const reach = (url: string) =>
    Effect.gen(function* () {
      if (!URL.canParse(url)) return yield* failed(`${url} is no URL`)
      const { origin, pathname, search } = new URL(url)
      const http = yield* dial.client({ origin, tls: yield* oidc.tls })
      return { http, target: pathname + search }
    })

  const refreshed = Effect.gen(function* () {
    if (refreshToken === undefined || oidc.clientId === "") {
      return yield* failed("the id-token has expired, and it takes a client-id and a refresh-token to get another")
    }
    const issuer = yield* reach(`${oidc.issuer.replace(/\/+$/u, "")}/.well-known/openid-configuration`)
    const discovery = yield* exchange(issuer.http, HttpClientRequest.get(issuer.target), Discovery)
    const endpoint = yield* reach(discovery.token_endpoint)
    const secret = oidc.clientSecret === undefined ? "" : Redacted.value(oidc.clientSecret)
    // RFC 6749 §2.3.1: Basic is what every server takes, unless it says otherwise.
    const basic =
      secret !== "" &&
      (discovery.token_endpoint_auth_methods_supported ?? ["client_secret_basic"]).includes("client_secret_basic")
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: Redacted.value(refreshToken),
      ...(!basic && { client_id: oidc.clientId }),
      ...(!basic && secret !== "" && { client_secret: secret })
    })
    const request = HttpClientRequest.post(endpoint.target, {
      headers: {
        accept: "application/json",
        ...(basic && {
          authorization: `Basic ${Base64.encode(`${encodeURIComponent(oidc.clientId)}:${encodeURIComponent(secret)}`)}`
        })
      }
    }).pipe(HttpClientRequest.bodyText(form.toString(), "application/x-www-form-urlencoded"))
    const tokens = yield* exchange(endpoint.http, request, Tokens)
    // An issuer that does not replace the refresh token leaves it out.
    if (tokens.refresh_token !== undefined) refreshToken = Redacted.make(tokens.refresh_token)
    return Redacted.make(tokens.id_token)
  }).pipe(Effect.scoped, Effect.withSpan("OidcToken.refresh"))

  return remember(
    `auth-provider oidc ${oidc.issuer}`,
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const known = idToken && expiryOf(Redacted.value(idToken))
      if (!untried || known === undefined || known - leeway <= now) idToken = yield* refreshed
      untried = false
      const token = idToken ?? (yield* failed("there is no id-token"))
      const end = Math.max((expiryOf(Redacted.value(token)) ?? 0) - leeway, now + shortestLife)
      return { value: token, renewAt: end, badAt: end + leeway }
    })
  )
}
