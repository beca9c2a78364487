/** A remote runspace pool of one runspace: opened over WSMan, runs one pipeline at a time, deletes its shell when released. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Wsman } from "../wsman/Wsman.ts"
import type { WsmanError } from "../wsman/WsmanError.ts"
import { concatBytes, splitMessage } from "./Fragment.ts"
import type { OutgoingMessage } from "./FragmentCutter.ts"
import { emptyGuid, encodeMessage, type MessageBody } from "./Message.ts"
import type { PipelineChannel } from "./PipelineChannel.ts"
import { type InvokeOptions, runPipeline } from "./Pipeline.ts"
import type { PipelineResult } from "./PipelineResult.ts"
import type { PsValue } from "./PsValue.ts"
import { stop, terminate } from "./PipelineRelease.ts"
import { PoolBroken, type PsrpError } from "./PsrpError.ts"
import { RunspacePoolHealth } from "./RunspacePoolHealth.ts"
import { initRunspacePool, ourCapability, sessionCapability } from "./RunspacePoolMessage.ts"
import { checkShell, type ShellCheck } from "./RunspacePoolCheck.ts"
import { awaitOpened } from "./RunspacePoolOpening.ts"
import { ask } from "./RunspacePoolRequest.ts"
import { createShell, type ShellOptions } from "./RunspacePoolShell.ts"
import type { RunspacePoolStreams } from "./RunspacePoolStreams.ts"
import { resetRunspace } from "./RunspaceReset.ts"
import { holdsSecureString, type SecureStringCipher } from "./SecureString.ts"
import { exchangeSessionKey } from "./SessionKeyExchange.ts"
import { transmit } from "./Transmission.ts"
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
  /**
   * Takes back the variables that pipelines left; functions and modules stay. Needs a server of protocol 2.3. Like
   * `invoke` it waits for its turn.
   */
  readonly reset: Effect.Effect<void, PsrpError>
  /**
   * Whether the pool is still there: one exchange, beside the pipeline that runs. When none does it goes over the connection that
   * the next Command takes, so that a dead one is found before it carries what must not be sent twice. A shell that the
   * listener disconnected is reconnected. Fails with PoolBroken when it is gone.
   */
  readonly check: Effect.Effect<ShellCheck, PsrpError>
  /** Why the pool can run no more, if so: whoever holds it should release it and open another. */
  readonly broken: Effect.Effect<Option.Option<PoolBroken>>
}

export interface OpenOptions extends ShellOptions {
  /** PowerShell's own client gives up after 180. */
  readonly openTimeoutSeconds?: number
}

/**
 * Opens a pool (MS-PSRP §3.1.5.3): Create with SESSION_CAPABILITY 2.3 and INIT_RUNSPACEPOOL, then Receive until Opened.
 *
 * Guarantees: one pipeline at a time, in the order of the calls; the shell is deleted when the scope closes, within 5 s or
 * not at all (its idle timeout then ends it); each pipeline is followed by a Terminate off the caller's path; secure
 * strings travel encrypted, by a key that is exchanged when the first of them leaves, or when a pipeline is silent for so
 * long that it may wait for it.
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
  const poolMessage = (body: MessageBody): OutgoingMessage => ({
    objectId: nextObjectId(),
    bytes: encodeMessage({ destination: "server", runspacePoolId, pipelineId: emptyGuid, ...body })
  })
  yield* Effect.annotateCurrentSpan({ "psrp.shell_id": requestedId })

  const creationXml = concatBytes(
    [sessionCapability(ourCapability), initRunspacePool({ minRunspaces: 1, maxRunspaces: 1 })].flatMap((body) => {
      const { objectId, bytes } = poolMessage(body)
      return splitMessage(objectId, bytes, wsman.maxFragmentBytes)
    })
  )
  const { shellId, terminates } = yield* createShell(wsman, requestedId, creationXml, options)
  const timeoutSeconds = options.openTimeoutSeconds ?? 180
  const sequence = { last: 0n }
  const streams: RunspacePoolStreams<WsmanError> = {
    sequence,
    send: (body, stream) => transmit(wsman, [poolMessage(body)], (piece) => wsman.send(shellId, stream, piece)),
    receive: Effect.suspend(() => wsman.receive(shellId))
  }
  const opened = yield* awaitOpened(streams).pipe(
    Effect.timeoutOrElse({
      duration: `${timeoutSeconds} seconds`,
      orElse: () => Effect.fail(new PoolBroken({ reason: `not open after ${timeoutSeconds} s`, sent: false }))
    })
  )
  yield* wsman.enlarge

  const health = new RunspacePoolHealth()
  const pool = { streams, health, timeoutSeconds }

  let cipher: SecureStringCipher | undefined
  /** Once per pool, before the first value that carries a secret. */
  const sessionKey = (sent: boolean) =>
    Effect.suspend(() =>
      cipher === undefined
        ? ask(pool, "key exchange", sent, (asked) => exchangeSessionKey(asked, sent))
        : Effect.succeed(cipher)
    ).pipe(
      Effect.tap((agreed) =>
        Effect.sync(() => {
          cipher = agreed
        })
      )
    )

  const one = yield* Semaphore.make(1)
  const invoke = Effect.fn("RunspacePool.invoke")(
    function* (
      commands: ReadonlyArray<Invocation>,
      invokeOptions: InvokeOptions = {}
    ): Effect.fn.Return<PipelineResult, PsrpError> {
      if (health.broken !== undefined) return yield* health.broken
      if (commands.some(({ parameters }) => Object.values(parameters).some(holdsSecureString))) yield* sessionKey(false)
      const commandId = yield* newId
      yield* Effect.annotateCurrentSpan({ "psrp.shell_id": shellId, "psrp.pipeline_id": commandId })
      const channel: PipelineChannel = {
        wsman,
        shellId,
        runspacePoolId,
        commandId,
        accepted: false,
        pipelineId: commandId.toLowerCase(),
        nextObjectId,
        sequence,
        cipher,
        sessionKey: sessionKey(true)
      }
      const release = FiberSet.run(
        terminates,
        Effect.suspend(() => terminate(channel, health))
      )
      const statement = commands.map(({ name, isScript, parameters }) => ({
        name,
        isScript: isScript ?? false,
        parameters: Object.entries(parameters).map(([parameter, value]) => ({ name: parameter, value }))
      }))
      return yield* runPipeline(
        channel,
        { statements: [statement], noInput: invokeOptions.input === undefined },
        invokeOptions
      ).pipe(
        Effect.onExit((exit) => {
          if (Exit.isSuccess(exit)) return release
          if (Cause.hasInterruptsOnly(exit.cause)) return stop(channel, health)
          const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
          if (error?._tag === "PsrpPromptRefused") return release
          return Effect.sync(() => health.markBroken(error?.message ?? "a defect of the client"))
        })
      )
    },
    (effect) => one.withPermit(effect)
  )

  let resets = 0n
  const reset = Effect.gen(function* () {
    if (health.broken !== undefined) return yield* health.broken
    if (opened.protocolVersion === "2.2")
      return yield* new PoolBroken({ reason: "a server of protocol 2.2 resets nothing", sent: false })
    yield* ask(pool, "reset", false, (asked) => resetRunspace(asked, ++resets))
  }).pipe(one.withPermit)

  const checkBy = (get: ReturnType<Wsman["get"]>) => checkShell(get, wsman.reconnect(shellId))
  const check = Effect.gen(function* () {
    if (health.broken !== undefined) return yield* health.broken
    const idle = yield* one.withPermitsIfAvailable(1)(checkBy(wsman.probe(shellId)))
    return Option.isSome(idle) ? idle.value : yield* checkBy(wsman.get(shellId))
  }).pipe(
    Effect.tapError((error) =>
      Effect.sync(() => {
        if (error._tag === "PsrpPoolBroken") health.markBroken(error)
      })
    )
  )

  return {
    shellId,
    psVersion: opened.psVersion,
    invoke,
    reset,
    check,
    broken: Effect.sync(() => Option.fromUndefinedOr(health.broken))
  }
})
