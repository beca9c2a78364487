/**
 * The messages of a runspace pool itself, server's side (MS-PSRP §3.2.5): opening, connecting, keys, sizes.
 *
 * Expected flow: SESSION_CAPABILITY and INIT_RUNSPACEPOOL are answered with capability, private data and state Opened. A new
 * client of a disconnected pool sends SESSION_CAPABILITY and CONNECT_RUNSPACEPOOL: the answer to its Connect holds
 * capability and RUNSPACEPOOL_INIT_DATA, its next Receive the private data.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { concatBytes, Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { emptyGuid, type Message, type MessageBody, MessageType } from "../../../layers/psrp/Message.ts"
import { bag, property } from "../../../layers/psrp/PsObject.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import {
  applicationPrivateData,
  ourCapability,
  readInitRunspacePool,
  readSessionCapability,
  RunspacePoolState,
  runspacePoolState,
  sessionCapability
} from "../../../layers/psrp/RunspacePoolMessage.ts"
import { cipherOf, sealSessionKey } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { encryptedSessionKey, readPublicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import type { Outbox } from "./Outbox.ts"
import { PluginRefusal } from "./Plugin.ts"
import type { PsrpWire } from "./PsrpWire.ts"
import type { Runspaces } from "./Runspaces.ts"

export interface PsrpPool {
  readonly receive: (data: Uint8Array) => Effect.Effect<void, PluginRefusal>
  /** Answers connectXml with connectResponseXml. */
  readonly connect: (connectXml: Uint8Array) => Effect.Effect<Uint8Array, PluginRefusal>
}

export interface Options {
  readonly wire: PsrpWire
  readonly outbox: Outbox
  readonly runspaces: Runspaces
  /** Entries of $PSVersionTable. */
  readonly versionTable: Readonly<Record<string, PsValue>>
  readonly scope: Scope.Scope
}

const refuse = (error: { readonly message: string }) => new PluginRefusal({ reason: error.message })

const availability = (request: PsValue, response: PsValue): MessageBody => ({
  type: MessageType.RunspaceAvailability,
  data: bag({ SetMinMaxRunspacesResponse: response, ci: property(request, "ci") ?? null })
})

const checkCapability = (message: Message): Result.Result<void, PluginRefusal> =>
  Result.mapError(readSessionCapability(message.data), refuse).pipe(
    Result.flatMap(({ protocolVersion }) =>
      /^2\.[1-9]/u.test(protocolVersion)
        ? Result.succeed(undefined)
        : Result.fail(new PluginRefusal({ reason: `protocol version ${protocolVersion}` }))
    )
  )

export const make = ({ wire, outbox, runspaces, versionTable, scope }: Options): PsrpPool => {
  let input = new Defragmenter()
  let minRunspaces = 1
  const send = (body: MessageBody): void => wire.toPool(outbox, body)

  const open = Effect.gen(function* () {
    send(applicationPrivateData(versionTable))
    // The first runspace is made before the pool is open, as the session's start-up would be.
    yield* Effect.scoped(runspaces.borrow)
    send(runspacePoolState(RunspacePoolState.Opened))
  })

  const exchangeKeys = Effect.fnUntraced(function* (message: Message) {
    const client = yield* Effect.fromResult(Result.mapError(readPublicKey(message.data), refuse))
    const sessionKey = Uint8Array.from(
      yield* Effect.all(Array.from({ length: 32 }, () => Random.nextIntBetween(0, 256, { halfOpen: true })))
    )
    wire.seal(cipherOf(sessionKey))
    send(encryptedSessionKey(sealSessionKey(client, sessionKey)))
  })

  const onMessage = Effect.fnUntraced(function* (message: Message): Effect.fn.Return<void, PluginRefusal> {
    switch (message.type) {
      case MessageType.SessionCapability:
        yield* Effect.fromResult(checkCapability(message))
        // Recorded: in this one the pool's id is not filled in.
        return wire.toPool(outbox, sessionCapability(ourCapability), emptyGuid)
      case MessageType.InitRunspacePool: {
        const init = yield* Effect.fromResult(Result.mapError(readInitRunspacePool(message.data), refuse))
        if (runspaces.max() > 0) return yield* new PluginRefusal({ reason: "the pool is open already" })
        minRunspaces = Math.max(1, init.minRunspaces)
        runspaces.allow(Math.max(1, init.maxRunspaces))
        yield* Effect.forkIn(open, scope)
        return
      }
      case MessageType.PublicKey:
        return yield* exchangeKeys(message)
      case MessageType.SetMaxRunspaces: {
        const wanted = property(message.data, "MaxRunspaces")
        const valid = typeof wanted === "number" && wanted > 0
        if (valid) runspaces.allow(wanted)
        return send(availability(message.data, valid))
      }
      case MessageType.SetMinRunspaces:
        return send(availability(message.data, true))
      // What a function of ours leaves in a runspace is no variable.
      case MessageType.ResetRunspaceState:
        return send(availability(message.data, true))
      case MessageType.GetAvailableRunspaces:
        return send(availability(message.data, BigInt(runspaces.available())))
      default:
        return
    }
  })

  const receive = Effect.fnUntraced(function* (data: Uint8Array): Effect.fn.Return<void, PluginRefusal> {
    yield* Effect.forEach(yield* wire.read(input, data), onMessage, { discard: true })
  })

  const connect = Effect.fnUntraced(function* (connectXml: Uint8Array) {
    // The new client numbers its objects from 1 again.
    input = new Defragmenter()
    const messages = yield* wire.read(input, connectXml)
    const capability = messages.find(({ type }) => type === MessageType.SessionCapability)
    if (capability === undefined || !messages.some(({ type }) => type === MessageType.ConnectRunspacePool))
      return yield* new PluginRefusal({ reason: "connectXml holds no SESSION_CAPABILITY and CONNECT_RUNSPACEPOOL" })
    yield* Effect.fromResult(checkCapability(capability))
    const sizes: MessageBody = {
      type: MessageType.RunspacePoolInitData,
      data: bag({ MinRunspaces: minRunspaces, MaxRunspaces: runspaces.max() })
    }
    const answer = concatBytes([...wire.fragments(sessionCapability(ourCapability)), ...wire.fragments(sizes)])
    send(applicationPrivateData(versionTable))
    return answer
  })

  return { receive, connect }
}
