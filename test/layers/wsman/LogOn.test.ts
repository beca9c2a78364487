/** What holds for accounts and their credentials, however they log on. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Lane from "../../../layers/wsman/Lane.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as EchoHost from "../../src/simulators/scvmm/EchoHost.ts"
import { credentials, options, over, secureOrigin, user } from "./LogOnSite.ts"

describe("credentials that would be shown", () => {
  it.effect.each([
    ["Basic", "LAB\\capi"],
    ["Kerberos", "capi@lab.example"],
    ["Certificate", "capi"]
  ] as const)("are not sent over http: %s", ([authentication, userName]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flatMap(
        Lane.make({ ...options, credentials: { ...credentials, authentication, userName } }),
        (lane) => Effect.flip(lane.post("<a/>"))
      ).pipe(Effect.scoped, Effect.provide(over(() => Effect.die("dialled"))))
      assert.deepInclude(error, {
        _tag: "WsmanAuthenticationUnsupported",
        field: "transport.authentication",
        sent: false
      })
      assert.include(error.message, "https")
    })
  )
})

describe("an account that locks", () => {
  it.effect.each(["Negotiate", "Basic"] as const)("refuses the right password too, by %s", (authentication) =>
    Effect.gen(function* () {
      const site = yield* WinRmServer.make({ host: EchoHost.make().host, users: [user], lockoutThreshold: 2 })
      const logOn = (password: string) =>
        Effect.flatMap(
          Lane.make({
            ...options,
            endpoint: { origin: secureOrigin },
            credentials: { authentication, userName: "lab\\CAPI", password: Redacted.make(password) }
          }),
          (lane) => Effect.result(lane.post("<a/>"))
        ).pipe(Effect.scoped, Effect.provide(over(site.handler)), Effect.map(Result.isSuccess))
      // The right one in between begins anew.
      assert.deepStrictEqual(
        yield* Effect.forEach(["wrong", user.password, "wrong", user.password, "wrong", "wrong", user.password], logOn),
        [false, true, false, true, false, false, false]
      )
      assert.strictEqual(yield* site.refusedLogOns, 5)
    })
  )
})
