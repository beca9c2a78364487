/** Our own client before a listener that answers as it was recorded. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Dial } from "../../../layers/Dial.ts"
import * as RunspacePool from "../../../layers/psrp/RunspacePool.ts"
import * as Wsman from "../../../layers/wsman/Wsman.ts"
import type { Conversation } from "./Conversation.ts"
import * as RecordedListener from "./RecordedListener.ts"

const origin = "https://omi.example:5986"

export const meet = Effect.fnUntraced(function* (conversation: Conversation, options: RecordedListener.Options = {}) {
  const listener = yield* RecordedListener.make(conversation, options)
  const dial = yield* Layer.build(Dial.layerInProcess(new Map([[origin, listener.handler]])))
  const wsman = yield* Wsman.connect({
    endpoint: { origin },
    configurationName: "Microsoft.PowerShell",
    operationTimeoutSeconds: 60,
    credentials: { authentication: "Basic", userName: "tester", password: Redacted.make("p") }
  }).pipe(Effect.provide(dial))
  return { ...listener, wsman }
})

export const openPool = (wsman: Wsman.Wsman) => RunspacePool.open(wsman, { idleTimeoutSeconds: 300, name: "Runspace1" })
/** The listener looks at no command. */
export const script: ReadonlyArray<RunspacePool.Invocation> = [{ name: "as recorded", isScript: true, parameters: {} }]
