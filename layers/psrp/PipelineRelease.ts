/** The end of a pipeline on the server: a Terminate for each, and before it a stop for one that nobody waits for any more. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { signals } from "../wsman/SoapNames.ts"
import { stopPipeline } from "./Pipeline.ts"
import type { PipelineChannel } from "./PipelineChannel.ts"
import type { RunspacePoolHealth } from "./RunspacePoolHealth.ts"

const cap = "5 seconds"

/** Never fails: a pipeline that could not be terminated breaks the pool instead, for it would hold one of the shell's slots. */
export const terminate = ({ wsman, shellId, commandId }: PipelineChannel, health: RunspacePoolHealth) =>
  wsman.signal(shellId, commandId, signals.terminate).pipe(
    // Inside the time limit, whose own fiber it then concerns: the caller's may be interrupted already.
    Effect.interruptible,
    Effect.timeout(cap),
    Effect.catch((error) => {
      health.markBroken(`Terminate failed: ${error.message}`)
      return Effect.logWarning("pipeline not terminated").pipe(
        Effect.annotateLogs({ shell_id: shellId, command_id: commandId, reason: error.message })
      )
    })
  )

/**
 * Stops the pipeline as Ctrl+C does, for at most 5 s; then terminates it, stopped or not. A Command that was not answered may
 * still be on its way, past both: the pool then ends with it.
 */
export const stop = (channel: PipelineChannel, health: RunspacePoolHealth) =>
  Effect.suspend(() => {
    if (!channel.accepted) health.markBroken("interrupted before the command was accepted")
    return stopPipeline(channel)
  }).pipe(
    Effect.interruptible,
    Effect.timeoutOption(cap),
    Effect.flatMap((stopped) =>
      Option.isSome(stopped) ? Effect.void : Effect.fail({ message: "did not stop in time" })
    ),
    Effect.catch((error) =>
      Effect.logWarning("pipeline not stopped, terminating it").pipe(
        Effect.annotateLogs({ shell_id: channel.shellId, reason: error.message })
      )
    ),
    Effect.andThen(terminate(channel, health)),
    Effect.withSpan("Pipeline.interrupt")
  )
