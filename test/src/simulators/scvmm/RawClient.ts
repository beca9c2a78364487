/** A client of the simulated listener that sends single requests, and reads what comes of each. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { createPipeline } from "../../../../layers/psrp/CreatePipeline.ts"
import { concatBytes, Defragmenter, splitMessage } from "../../../../layers/psrp/Fragment.ts"
import { decodeMessage, emptyGuid, encodeMessage, type MessageBody } from "../../../../layers/psrp/Message.ts"
import { initRunspacePool, ourCapability, sessionCapability } from "../../../../layers/psrp/RunspacePoolMessage.ts"
import { cmdResource, powershellResource } from "../../../../layers/wsman/SoapNames.ts"
import type { Operation } from "../../../../layers/wsman/SoapOperation.ts"
import { type RequestHeader, writeRequest } from "../../../../layers/wsman/SoapRequest.ts"
import { readReceived, type ReceivedAnswer, readResponse } from "../../../../layers/wsman/SoapResponseReader.ts"
import type { SoapElement } from "../../../../layers/wsman/SoapXml.ts"
import type { WinRmServer } from "../../../../src/simulators/scvmm/WinRmServer.ts"

export const shellId = "11111111-2222-4333-8444-555555555555"

/** A GUID of one digit. */
export const commandId = (digit: number): string => `${String(digit).repeat(8)}-2222-4333-8444-555555555555`

/** What was answered: a code for a fault, its subcode where it has none. */
export interface Asked {
  readonly fault: number | string | undefined
  readonly body: SoapElement
  /** Of the envelope. */
  readonly bytes: number
}

const message = (objectId: bigint, body: MessageBody, pool: string, pipeline = emptyGuid): Uint8Array =>
  concatBytes(
    splitMessage(
      objectId,
      encodeMessage({ ...body, destination: "server", runspacePoolId: pool, pipelineId: pipeline }),
      32_768
    )
  )

/** Fragments of a message to a pipeline of a pool, as the object of that number. */
export const toPipeline = (id: string, objectId: bigint, body: MessageBody, pool = shellId): Uint8Array =>
  message(objectId, body, pool, id)

/** Fragments of messages to a pool. */
export const toPool = (pool: string, ...bodies: ReadonlyArray<MessageBody>): Uint8Array =>
  concatBytes(bodies.map((body, at) => message(BigInt(at + 1), body, pool)))

export const creationXml = (pool: string): Uint8Array =>
  toPool(pool, sessionCapability(ourCapability), initRunspacePool({ minRunspaces: 1, maxRunspaces: 9 }))

/** The messages in these streams. */
export const messagesIn = ({ streams }: ReceivedAnswer) =>
  streams.length === 0
    ? []
    : Result.getOrThrow(new Defragmenter().push(concatBytes(streams.map(({ data }) => data)))).map((bytes) =>
        Result.getOrThrow(decodeMessage(bytes))
      )

export const make = (server: WinRmServer, { userName = "capi", sessionId = "uuid:A" } = {}) => {
  const authorization = `Basic ${Buffer.from(`${userName}:secret`).toString("base64")}`

  const ask = (operation: Operation, header: Partial<RequestHeader> = {}) =>
    Effect.gen(function* () {
      const envelope = writeRequest({
        header: {
          messageId: "uuid:1",
          to: "https://h:5986/wsman",
          resourceUri: powershellResource("Microsoft.PowerShell"),
          sessionId,
          options: { protocolversion: "2.3" },
          selectors: { ShellId: shellId },
          ...header
        },
        operation
      })
      const response = yield* Effect.scoped(
        server.handler(
          { method: "POST", target: "/wsman", headers: { authorization }, body: new TextEncoder().encode(envelope) },
          { id: 1, secure: true }
        )
      )
      const answered = response.body instanceof Uint8Array ? response.body : new Uint8Array(0)
      const { body, fault } = yield* readResponse(new TextDecoder().decode(answered))
      return { fault: fault?.code ?? fault?.subcode, body, bytes: answered.length } satisfies Asked
    })

  const receive = (id?: string, header: Partial<RequestHeader> = {}) =>
    Effect.map(
      ask({ _tag: "Receive", streams: ["stdout"], ...(id !== undefined && { commandId: id }) }, header),
      ({ body, fault, bytes }) => ({
        fault,
        bytes,
        received: fault === undefined ? Result.getOrThrow(readReceived(body)) : { streams: [] }
      })
    )

  /** A runspace pool, whose opening nobody has received yet. */
  const create = (id = shellId, more: { readonly name?: string; readonly idleTimeoutSeconds?: number } = {}) =>
    ask({
      _tag: "Create",
      shellId: id,
      inputStreams: ["stdin", "pr"],
      outputStreams: ["stdout"],
      creationXml: creationXml(id),
      ...more
    })

  const createCmd = (id = shellId) =>
    ask(
      { _tag: "Create", shellId: id, inputStreams: ["stdin"], outputStreams: ["stdout", "stderr"] },
      { resourceUri: cmdResource, options: {} }
    )

  /** Begins a pipeline of one command. */
  const begin = (
    id: string,
    name: string,
    parameters: Readonly<Record<string, string | number>> = {},
    { pool = shellId, noInput = true } = {}
  ) => {
    const command = {
      name,
      isScript: false,
      parameters: Object.entries(parameters).map(([key, value]) => ({ name: `-${key}`, value }))
    }
    const body = createPipeline({ statements: [[command]], noInput })
    return ask(
      { _tag: "Command", commandId: id, arguments: toPipeline(id, 9n, body, pool) },
      { selectors: { ShellId: pool } }
    )
  }

  return { ask, receive, create, createCmd, begin }
}
