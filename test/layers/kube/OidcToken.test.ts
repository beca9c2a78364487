/** auth-provider oidc against a small issuer, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as path from "node:path"
import { inspect } from "node:util"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import type { Handler, Response } from "../../../schemas/http/Exchange.ts"
import { ConfigMap } from "../../../schemas/kube/Core.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { configMap, json, status } from "./Scripted.ts"
import { temporary } from "../../harness/Folder.ts"

const jwt = (name: string, exp: number): string =>
  [Base64Url.encode(JSON.stringify({ alg: "none" })), Base64Url.encode(JSON.stringify({ exp, name })), name].join(".")

interface Issuer {
  /** Seconds a new token lives. */
  readonly life?: number
  readonly rotates?: boolean
  readonly methods?: ReadonlyArray<string>
  readonly token?: () => Response
}

/** An API server that takes the tokens of an issuer beside it, and a client of it with that auth-provider. */
const site = Effect.fnUntraced(function* (provider: Readonly<Record<string, string>>, issuer: Issuer = {}) {
  const dir = yield* temporary("oidc")
  const asked: Array<string> = []
  const refusedTokens = new Set<string>()
  const seen: Array<string> = []
  const idp: Handler = (request) =>
    Effect.gen(function* () {
      if (request.target === "/dex/.well-known/openid-configuration") {
        return json(200, {
          token_endpoint: "https://idp.example/dex/token",
          ...(issuer.methods !== undefined && { token_endpoint_auth_methods_supported: issuer.methods })
        })
      }
      const form = new URLSearchParams(new TextDecoder().decode(request.body))
      asked.push(`${request.headers["authorization"] ?? "-"} ${form.toString()}`)
      if (issuer.token !== undefined) return issuer.token()
      const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const id = jwt(`n${asked.length}`, now / 1000 + (issuer.life ?? 600))
      return json(200, { id_token: id, ...(issuer.rotates === true && { refresh_token: `r${asked.length}` }) })
    })
  const api: Handler = (request) => {
    const token = request.headers["authorization"]?.split(".").at(-1) ?? "none"
    seen.push(token)
    return Effect.succeed(
      refusedTokens.has(token) ? json(401, status(401, "Unauthorized")) : json(200, configMap("one", "1"))
    )
  }
  const dial = Dial.layerInProcess(
    new Map([
      ["https://idp.example", idp],
      ["https://api.example", api]
    ])
  )
  const file = path.join(dir, "config")
  fs.writeFileSync(
    file,
    JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: "https://api.example" } }],
      users: [
        {
          name: "u",
          user: {
            "auth-provider": {
              name: "oidc",
              config: { "idp-issuer-url": "https://idp.example/dex", "client-id": "caps", ...provider }
            }
          }
        }
      ]
    })
  )
  const services = yield* Layer.build(
    Layer.unwrap(Effect.map(KubeConfig.load({ path: file }), (config) => KubeClient.layer(config))).pipe(
      Layer.provide(dial)
    )
  )
  const get = Effect.flatMap(KubeClient, (kube) => kube.get(ConfigMap, { namespace: "ns", name: "one" })).pipe(
    Effect.provide(services),
    inTime
  )
  return { get, asked, seen, refusedTokens }
})

describe("auth-provider oidc", () => {
  it.effect("sends the id-token it has, and another one when that expires; what does not rotate stays good", () =>
    Effect.gen(function* () {
      const { get, asked, seen } = yield* site({
        "id-token": jwt("own", 300),
        "refresh-token": "r0",
        "client-secret": "c:s"
      })
      yield* get
      yield* TestClock.adjust("4 minutes")
      yield* get
      assert.deepStrictEqual([seen, asked], [["own", "own"], []])
      yield* TestClock.adjust("1 minute")
      yield* get
      yield* get
      yield* TestClock.adjust("10 minutes")
      yield* get
      assert.deepStrictEqual(seen.slice(2), ["n1", "n1", "n2"])
      const basic = `Basic ${Buffer.from("caps:c%3As").toString("base64")}`
      assert.deepStrictEqual(
        asked,
        Array.from({ length: 2 }, () => `${basic} grant_type=refresh_token&refresh_token=r0`)
      )
    })
  )

  it.effect("takes the refresh token it is given, and names itself in the form where Basic is not taken", () =>
    Effect.gen(function* () {
      const { get, asked } = yield* site(
        { "refresh-token": "r0", "client-secret": "cs" },
        { rotates: true, methods: ["client_secret_post"] }
      )
      yield* get
      yield* TestClock.adjust("10 minutes")
      yield* get
      assert.deepStrictEqual(asked, [
        "- grant_type=refresh_token&refresh_token=r0&client_id=caps&client_secret=cs",
        "- grant_type=refresh_token&refresh_token=r1&client_id=caps&client_secret=cs"
      ])
    })
  )

  it.effect("refreshes a token that the API server refuses, and asks once more at once", () =>
    Effect.gen(function* () {
      const { get, asked, seen, refusedTokens } = yield* site({ "id-token": jwt("own", 9e9), "refresh-token": "r0" })
      yield* get
      refusedTokens.add("own")
      yield* TestClock.adjust("1 minute")
      yield* get
      assert.deepStrictEqual(seen, ["own", "own", "n1"])
      // One that is refused whatever it sends is not asked in a loop.
      for (let n = 0; n < 100; n++) refusedTokens.add(`n${n}`)
      for (let second = 0; second < 60; second++) {
        yield* Effect.flip(get)
        yield* TestClock.adjust("1 second")
      }
      assert.isAtMost(asked.length, 8)
    })
  )

  it.effect("says what is missing and what the issuer says, and no secret", () =>
    Effect.gen(function* () {
      const bare = yield* site({ "id-token": jwt("own", -10) })
      const error = yield* Effect.flip(bare.get)
      assert.include(error.message, "no credentials: ")
      assert.include(error.message, "users.u.user.auth-provider: the id-token has expired")
      const refusing = yield* site(
        { "refresh-token": "s3cret", "client-secret": "s3cret" },
        { token: () => json(400, { error: "invalid_grant", error_description: "s3cret is over" }) }
      )
      const refused = yield* Effect.flip(refusing.get)
      assert.include(refused.message, "status 400 (invalid_grant)")
      assert.notInclude(inspect(refused, { depth: 20 }), "s3cret")
      const html = yield* Effect.flip((yield* site({ "refresh-token": "r" }, { token: () => json(200, "<html>") })).get)
      assert.include(html.message, "not what OpenID Connect wants there")
      const down = yield* Effect.flip(
        (yield* site({ "refresh-token": "r", "idp-issuer-url": "https://down.example" })).get
      )
      assert.include(down.message, "connection refused")
    })
  )
})
