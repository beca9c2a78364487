/** Our client: a runspace pool over WSMan for each caller. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs"
import * as Dial from "../../../layers/Dial.ts"
import * as RunspacePool from "../../../layers/psrp/RunspacePool.ts"
import * as Wsman from "../../../layers/wsman/Wsman.ts"
import { serve, target } from "./ClientProgram.ts"

const { caFile, password, port, transport, userName } = target()

const open = Effect.gen(function* () {
  const wsman = yield* Wsman.connect({
    endpoint: {
      origin: `${transport === "https" ? "https" : "http"}://127.0.0.1:${port}`,
      ...(transport === "https" && { tls: { ca: fs.readFileSync(caFile, "utf8") } })
    },
    configurationName: "Microsoft.PowerShell",
    operationTimeoutSeconds: 20,
    credentials: { authentication: "Negotiate", userName, password: Redacted.make(password) }
  })
  const pool = yield* RunspacePool.open(wsman, { idleTimeoutSeconds: 300 })
  return {
    call: (length: number) =>
      Effect.map(pool.invoke([{ name: "Get-Text", parameters: { Length: length } }]), ({ output }) => {
        const [text] = output
        return typeof text === "string" ? text.length : 0
      })
  }
}).pipe(Effect.provide(Dial.Dial.layerUndici))

serve(open)
