/** A remote runspace pool of one runspace: opened over WSMan, runs one pipeline at a time, deletes its shell when released. */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Wsman } from "../wsman/Wsman.ts"
import type { WsmanError } from "../wsman/WsmanError.ts"
import { concatBytes, splitMessage } from "./Fragment.ts"
import { emptyGuid, encodeMessage, type MessageBody } from "./Message.ts"
import { type InvokeOptions, type PipelineChannel, runPipeline, stopPipeline, terminateSignal } from "./Pipeline.ts"
import type { PipelineResult } from "./PipelineResult.ts"
import type { PsValue } from "./PsValue.ts"
import { PoolBroken, type PsrpError } from "./PsrpError.ts"
import { initRunspacePool, ourCapability, sessionCapability } from "./RunspacePoolMessage.ts"
import { awaitOpened } from "./RunspacePoolOpening.ts"
import { holdsSecureString, type SecureStringCipher } from "./SecureString.ts"
import { exchangeSessionKey } from "./SessionKeyExchange.ts"
import * as Guid from "../../schemas/Guid.ts"

export interface Invocation {
  /** A command's name; a script's text when isScript. */
  readonly name: string
  readonly isScript?: boolean
  readonly parameters: Readonly<Record<string, PsValue>>
}

export interface RunspacePool {
  /** Upper-case GUID, also the pool's id. */
  readonly shellId: string
  /** $PSVersionTable.PSVersion of the server, where it told. */
  readonly psVersion: string | undefined
  /**
   * Runs the commands as one pipeline, after those already waiting. Succeeds also for a pipeline that Failed: its result
   * says so. Interruption stops the pipeline on the server.
   */
  readonly invoke: (
    commands: ReadonlyArray<Invocation>,
    options?: InvokeOptions
  ) => Effect.Effect<PipelineResult, PsrpError>
  /** Why the pool can run no more, if so: whoever holds it should release it and open another. */
  readonly broken: Effect.Effect<Option.Option<PoolBroken>>
}

export interface OpenOptions {
  /** After this long without a request the server ends the shell by itself; WinRM's least is 60. */
  readonly idleTimeoutSeconds: number
  /** Shown by the server where it lists its shells. */
  readonly name?: string
  /** PowerShell's own client gives up after 180. */
  readonly openTimeoutSeconds?: number
}

const releaseCap = "5 seconds"
const stopCap = "5 seconds"
/** Part of the release: a Terminate that hangs must leave time for the Delete, which ends the pipeline as well. */
const terminatesCap = "2 seconds"

/**
 * Opens a pool (MS-PSRP §3.1.5.3): Create with SESSION_CAPABILITY 2.3 and INIT_RUNSPACEPOOL, then Receive until Opened.
 *
 * Guarantees: one pipeline at a time, in the order of the calls; the shell is deleted when the scope closes, within 5 s or
 * not at all (its idle timeout then ends it); each pipeline is followed by a Terminate off the caller's path; secure
 * strings leave encrypted, by a key that is exchanged when the first of them does.
 * Errors: the transport's while opening; after a failure of transport or protocol the pool is `broken` and every
 * further call fails with PoolBroken, `sent: false`.
 */
export const open = Effect.fn("RunspacePool.open")(function* (
  wsman: Wsman,
  options: OpenOptions
): Effect.fn.Return<RunspacePool, PsrpError | WsmanError, Scope.Scope> {
  const newId = Effect.map(Guid.random, (id) => id.toUpperCase())
  const requestedId = yield* newId
  const runspacePoolId = requestedId.toLowerCase()
  let lastObjectId = 0n
  const nextObjectId = () => ++lastObjectId
  const poolMessage = (body: MessageBody) =>
    encodeMessage({ destination: "server", runspacePoolId, pipelineId: emptyGuid, ...body })
  yield* Effect.annotateCurrentSpan({ "psrp.shell_id": requestedId })

  // Terminates end before the shell is deleted: their set is released after it, and the deletion waits for them.
  const terminates = yield* FiberSet.make<void>()
  // A Create that failed left no shell, and one more request could be one more refused log-on.
  let shell: "none" | "possible" = "none"
  let shellId = requestedId
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() =>
      shell === "none"
        ? Effect.void
        : FiberSet.awaitEmpty(terminates).pipe(
            Effect.timeoutOption(terminatesCap),
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

  const creationXml = concatBytes(
    [sessionCapability(ourCapability), initRunspacePool({ minRunspaces: 1, maxRunspaces: 1 })].flatMap((body) =>
      splitMessage(nextObjectId(), poolMessage(body), wsman.maxFragmentBytes)
    )
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
      Effect.tapError(() =>
        Effect.sync(() => {
          shell = "none"
        })
      )
    )
  shellId = created.shellId
  const openTimeout = options.openTimeoutSeconds ?? 180
  const psVersion = yield* awaitOpened(wsman, shellId).pipe(
    Effect.timeoutOrElse({
      duration: `${openTimeout} seconds`,
      orElse: () => Effect.fail(new PoolBroken({ reason: `not open after ${openTimeout} s`, sent: false }))
    })
  )

  let broken: PoolBroken | undefined
  const markBroken = (reason: string) => {
    broken ??= new PoolBroken({ reason, sent: false })
  }

  let cipher: SecureStringCipher | undefined
  /** Once per pool, before the first command that carries a secret. */
  const sessionKey = Effect.suspend(() => exchangeSessionKey(wsman, shellId, runspacePoolId, nextObjectId)).pipe(
    Effect.timeoutOrElse({
      duration: `${openTimeout} seconds`,
      orElse: () => Effect.fail(new PoolBroken({ reason: `no session key after ${openTimeout} s`, sent: false }))
    }),
    Effect.tapError((error) => Effect.sync(() => markBroken(error.message))),
    Effect.onInterrupt(() => Effect.sync(() => markBroken("interrupted during the key exchange")))
  )

  const terminate = (commandId: string) =>
    wsman.signal(shellId, commandId, terminateSignal).pipe(
      // Inside the time limit, whose own fiber it then concerns: the caller's may be interrupted already.
      Effect.interruptible,
      Effect.timeout(stopCap),
      Effect.catch((error) => {
        markBroken(`Terminate failed: ${error.message}`)
        return Effect.logWarning("pipeline not terminated").pipe(
          Effect.annotateLogs({ shell_id: shellId, command_id: commandId, reason: error.message })
        )
      }),
      Effect.withSpan("Pipeline.terminate")
    )

  const stop = (channel: PipelineChannel) =>
    stopPipeline(channel).pipe(
      Effect.interruptible,
      Effect.timeoutOption(stopCap),
      Effect.flatMap((stopped) =>
        Option.isSome(stopped) ? Effect.void : Effect.fail({ message: "did not stop in time" })
      ),
      Effect.catch((error) =>
        Effect.logWarning("pipeline not stopped, terminating it").pipe(
          Effect.annotateLogs({ shell_id: shellId, reason: error.message })
        )
      ),
      Effect.andThen(terminate(channel.commandId)),
      Effect.withSpan("Pipeline.interrupt")
    )

  const one = yield* Semaphore.make(1)
  const invoke = Effect.fn("RunspacePool.invoke")(
    function* (
      commands: ReadonlyArray<Invocation>,
      invokeOptions: InvokeOptions = {}
    ): Effect.fn.Return<PipelineResult, PsrpError> {
      if (broken !== undefined) return yield* broken
      if (cipher === undefined && commands.some(({ parameters }) => Object.values(parameters).some(holdsSecureString)))
        cipher = yield* sessionKey
      const commandId = yield* newId
      yield* Effect.annotateCurrentSpan({ "psrp.shell_id": shellId, "psrp.pipeline_id": commandId })
      const pipelineId = commandId.toLowerCase()
      const channel: PipelineChannel = { wsman, shellId, runspacePoolId, commandId, pipelineId, nextObjectId, cipher }
      const statement = commands.map(({ name, isScript, parameters }) => ({
        name,
        isScript: isScript ?? false,
        parameters: Object.entries(parameters).map(([parameter, value]) => ({ name: parameter, value }))
      }))
      const result = yield* runPipeline(channel, { statements: [statement], noInput: true }, invokeOptions).pipe(
        Effect.onInterrupt(() => stop(channel)),
        Effect.tapError((error) =>
          Effect.suspend(() => {
            if (error._tag !== "PsrpPromptRefused") {
              markBroken(error.message)
              return Effect.void
            }
            return FiberSet.run(terminates, terminate(channel.commandId))
          })
        )
      )
      yield* FiberSet.run(terminates, terminate(channel.commandId))
      return result
    },
    (effect) => one.withPermit(effect)
  )

  return {
    shellId,
    psVersion,
    invoke,
    broken: Effect.sync(() => Option.fromUndefinedOr(broken))
  }
})
