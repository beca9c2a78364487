/** The shell that a runspace pool lives in: created with the pool's first messages, deleted when the scope closes. */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Wsman } from "../wsman/Wsman.ts"
import type { WsmanError } from "../wsman/WsmanError.ts"

export interface ShellOptions {
  /** After this long without a request the server ends the shell by itself; WinRM's least is 60. */
  readonly idleTimeoutSeconds: number
  /** Shown by the server where it lists its shells. */
  readonly name?: string
}

export interface RunspacePoolShell {
  /** As the server names it: upper-case GUID. */
  readonly shellId: string
  /** Terminates on their way: the deletion waits for them, up to a limit. */
  readonly terminates: FiberSet.FiberSet<void>
}

const releaseCap = "5 seconds"
/** Part of the release: a Terminate that hangs must leave time for the Delete, which ends the pipeline as well. */
const terminatesCap = "2 seconds"

/** The release takes at most 5 s; a shell that could not be deleted is ended by its idle timeout. */
export const createShell = Effect.fnUntraced(function* (
  wsman: Wsman,
  requestedId: string,
  creationXml: Uint8Array,
  options: ShellOptions
): Effect.fn.Return<RunspacePoolShell, WsmanError, Scope.Scope> {
  // Terminates end before the shell is deleted: their set is released after it, and the deletion waits for them.
  const terminates = yield* FiberSet.make<void>()
  // A Create that was refused left no shell, and one more request could be one more refused log-on.
  let shell: "none" | "possible" = "none"
  let shellId = requestedId
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() =>
      shell === "none"
        ? Effect.void
        : FiberSet.awaitEmpty(terminates).pipe(
            Effect.timeoutOption(terminatesCap),
            // One that hangs has the connection that the Delete needs.
            Effect.andThen(FiberSet.clear(terminates)),
            Effect.andThen(wsman.delete(shellId)),
            Effect.interruptible,
            Effect.timeoutOption(releaseCap),
            Effect.flatMap((done) =>
              Option.isNone(done)
                ? Effect.logWarning("shell not deleted in time").pipe(Effect.annotateLogs({ shell_id: shellId }))
                : Effect.void
            ),
            Effect.catch((error) =>
              Effect.logWarning("shell not deleted").pipe(
                Effect.annotateLogs({ shell_id: shellId, reason: error.message })
              )
            )
          )
    ).pipe(Effect.withSpan("RunspacePool.release", { attributes: { "psrp.shell_id": shellId } }))
  )
  shell = "possible"
  const created = yield* wsman
    .create({
      shellId: requestedId,
      creationXml,
      idleTimeoutSeconds: options.idleTimeoutSeconds,
      ...(options.name === undefined ? {} : { name: options.name })
    })
    .pipe(
      Effect.tapError((error) =>
        Effect.sync(() => {
          // A time-out, like an answer that is lost, may hide a shell.
          if (!error.sent) shell = "none"
        })
      )
    )
  shellId = created.shellId
  return { shellId, terminates }
})
