/** RESET_RUNSPACE_STATE and its answer (MS-PSRP §2.2.2.31): a runspace without the variables that earlier pipelines left. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { MessageType } from "./Message.ts"
import { property, bag } from "./PsObject.ts"
import { PoolBroken, type PsrpError } from "./PsrpError.ts"
import { awaitMessage, type RunspacePoolStreams } from "./RunspacePoolStreams.ts"

/** Fails with PoolBroken when the server refuses. `callId` pairs the answer with this call. */
export const resetRunspace = Effect.fn("RunspacePool.reset")(function* <E>(
  streams: RunspacePoolStreams<E>,
  callId: bigint
): Effect.fn.Return<void, PsrpError | E> {
  yield* streams.send({ type: MessageType.ResetRunspaceState, data: bag({ ci: callId }) }, "stdin")
  const done = yield* awaitMessage(
    streams,
    ({ type, data }) =>
      Result.succeed(
        type === MessageType.RunspaceAvailability && property(data, "ci") === callId
          ? property(data, "SetMinMaxRunspacesResponse") === true
          : undefined
      ),
    "during the reset",
    false
  )
  if (!done) return yield* new PoolBroken({ reason: "the server refused to reset the runspace", sent: false })
})
