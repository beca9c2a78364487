/** A simulated WinRM listener in process, and clients of it, for tests of the wire. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { Dial } from "../../../layers/Dial.ts"
import { connect } from "../../../layers/wsman/Wsman.ts"
import { make, type Exchange, type Options } from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as EchoHost from "../../src/simulators/scvmm/EchoHost.ts"

export const origin = "https://exec1.example:5986"
const plainOrigin = "http://exec1.example:5985"
const user = { userName: "LAB\\capi", password: "password" }

export const connectOptions = {
  endpoint: { origin },
  configurationName: "Microsoft.PowerShell",
  operationTimeoutSeconds: 20,
  credentials: { authentication: "Basic", userName: user.userName, password: Redacted.make(user.password) }
} as const

/** Every message of it is sealed. */
const sealedOptions = {
  ...connectOptions,
  endpoint: { origin: plainOrigin },
  credentials: { ...connectOptions.credentials, authentication: "Negotiate" }
} as const

/** `host`: see EchoHost. `actions`: of every exchange, in order. */
export const listen = (options: Partial<Options> = {}) =>
  Effect.gen(function* () {
    const exchanges: Array<Exchange> = []
    const { host, log } = EchoHost.make()
    const server = yield* make({
      host,
      users: [user],
      onExchange: (exchange) => void exchanges.push(exchange),
      ...options
    })
    const dial = yield* Layer.build(
      Dial.layerInProcess(
        new Map([
          [origin, server.handler],
          [plainOrigin, server.handler]
        ])
      )
    )
    return {
      ...server,
      log,
      seen: exchanges,
      actions: () => exchanges.map(({ action }) => action),
      client: connect(connectOptions).pipe(Effect.provideContext(dial)),
      sealedClient: connect(sealedOptions).pipe(Effect.provideContext(dial))
    }
  }).pipe(Effect.provide(Logger.layer([])))
