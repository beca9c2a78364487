/** Where a call runs, with a runspace pool of which nothing but `invoke` is asked. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RunspacePool } from "../../../layers/psrp/RunspacePool.ts"
import type { Station } from "../../../layers/scvmm/SessionCall.ts"

export const stationOf = (invoke: RunspacePool["invoke"]): Station => ({
  execHost: "exec1",
  exchanges: Effect.succeed(0),
  pool: {
    shellId: "S",
    psVersion: undefined,
    invoke,
    reset: Effect.void,
    check: Effect.die("no look"),
    broken: Effect.succeed(Option.none())
  }
})
