/** A simulated listener that accounts log on to, in process, and what its clients ask of it. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Dial } from "../../../layers/Dial.ts"
import { open } from "../../../layers/psrp/RunspacePool.ts"
import type { Credentials } from "../../../layers/wsman/Credentials.ts"
import { connect } from "../../../layers/wsman/Wsman.ts"
import type { Handler, Request } from "../../../schemas/http/Exchange.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as EchoHost from "../../src/simulators/scvmm/EchoHost.ts"

export const origin = "http://exec1.example:5985"
export const user = { userName: "LAB\\capi", password: "pässword:1" }
export const credentials: Credentials = {
  authentication: "Negotiate",
  userName: user.userName,
  password: Redacted.make(user.password)
}
export const options = { endpoint: { origin }, credentials, operationTimeoutSeconds: 20 }

export const secureOrigin = "https://exec1.example:5986"
export const over = (handler: Handler) =>
  Dial.layerInProcess(
    new Map([
      [origin, handler],
      [secureOrigin, handler]
    ])
  )

/** The simulated listener, what arrives at it, and a hand in between. */
export const listener = (between: (handler: Handler) => Handler = (handler) => handler) =>
  Effect.gen(function* () {
    const asked: Array<Request & { readonly connection: number }> = []
    const server = yield* WinRmServer.make({ host: EchoHost.make().host, users: [user] })
    const inner = between(server.handler)
    const handler: Handler = (request, connection) => {
      asked.push({ ...request, connection: connection.id })
      return inner(request, connection)
    }
    const isLogOn = ({ headers }: Request) => headers["authorization"] !== undefined
    return { server, handler, asked, logOns: () => asked.filter(isLogOn).length }
  })

export const call = (text: string) => ({ name: "Write-Output", parameters: { "-InputObject": text } })

/** Opens a pool, and closes it after `body`. */
export const within = <A, E>(
  { handler }: { readonly handler: Handler },
  body: (pool: Effect.Success<ReturnType<typeof open>>) => Effect.Effect<A, E>,
  at = origin
) =>
  Effect.gen(function* () {
    const endpoint = { origin: at }
    const wsman = yield* connect({ ...options, endpoint, configurationName: "Microsoft.PowerShell" })
    return yield* body(yield* open(wsman, { idleTimeoutSeconds: 180 }))
  }).pipe(Effect.scoped, Effect.provide(over(handler)))
