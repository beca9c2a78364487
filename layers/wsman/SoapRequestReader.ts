/** Reads the requests of WS-Management on shells, as a server must: any client's prefixes, order and omissions. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { readDuration } from "./SoapDuration.ts"
import { actions, namespaces as ns } from "./SoapNames.ts"
import type { Operation, Request, StreamData } from "./SoapRequest.ts"
import { child, descendant, element, elementsOf, parse, SoapError, type SoapElement, textOf } from "./SoapXml.ts"

const fail = (reason: string) => Result.fail(new SoapError({ reason }))

/** Bytes of base64 text; white space in it is allowed, though nobody writes any. */
const bytesOf = (node: SoapElement): Result.Result<Uint8Array, SoapError> => {
  const text = textOf(node)
  const strict = Base64.decode(text)
  const decoded = Result.isSuccess(strict) ? strict : Base64.decode(text.replace(/\s+/gu, ""))
  return Result.mapError(decoded, () => new SoapError({ reason: `${node.name} is not base64` }))
}

export const readStreams = (parent: SoapElement): Result.Result<ReadonlyArray<StreamData>, SoapError> => {
  const streams: Array<StreamData> = []
  for (const node of elementsOf(parent, ns.shell, "Stream")) {
    const data = bytesOf(node)
    if (Result.isFailure(data)) return Result.fail(data.failure)
    const { Name: name, CommandId: commandId, End: end } = node.attributes
    streams.push({
      name: name ?? "",
      ...(commandId === undefined ? {} : { commandId }),
      data: data.success,
      ...(end?.toLowerCase() === "true" ? { end: true } : {})
    })
  }
  return Result.succeed(streams)
}

const names = (node: SoapElement | undefined): ReadonlyArray<string> =>
  node === undefined
    ? []
    : textOf(node)
        .split(/\s+/u)
        .filter((name) => name !== "")

const readOperation = (tag: Operation["_tag"], body: SoapElement): Result.Result<Operation, SoapError> => {
  const only = (name: string): SoapElement => child(body, ns.shell, name) ?? element(ns.shell, name)
  const commandIdOf = (node: SoapElement | undefined): { readonly commandId?: string } => {
    const commandId = node?.attributes["CommandId"]
    return commandId === undefined ? {} : { commandId }
  }
  switch (tag) {
    case "Create": {
      const shell = only("Shell")
      const creation = child(shell, ns.powershell, "creationXml")
      if (creation === undefined) return fail("Create without creationXml")
      const { ShellId: shellId, Name: name } = shell.attributes
      const idle = child(shell, ns.shell, "IdleTimeOut")
      const idleTimeoutSeconds = idle === undefined ? undefined : readDuration(textOf(idle))
      if (idle !== undefined && idleTimeoutSeconds === undefined) return fail("malformed IdleTimeOut")
      return Result.map(bytesOf(creation), (creationXml) => ({
        _tag: "Create",
        ...(shellId === undefined ? {} : { shellId }),
        ...(name === undefined ? {} : { name }),
        inputStreams: names(child(shell, ns.shell, "InputStreams")),
        outputStreams: names(child(shell, ns.shell, "OutputStreams")),
        ...(idleTimeoutSeconds === undefined ? {} : { idleTimeoutSeconds }),
        creationXml
      }))
    }
    case "Command": {
      const line = only("CommandLine")
      const argument = child(line, ns.shell, "Arguments")
      if (argument === undefined) return fail("Command without Arguments")
      return Result.map(bytesOf(argument), (bytes) => ({ _tag: "Command", ...commandIdOf(line), arguments: bytes }))
    }
    case "Send":
      return Result.map(readStreams(only("Send")), (streams) => ({ _tag: "Send", streams }))
    case "Receive": {
      const desired = child(only("Receive"), ns.shell, "DesiredStream")
      return Result.succeed({ _tag: "Receive", ...commandIdOf(desired), streams: names(desired) })
    }
    case "Signal": {
      const signal = only("Signal")
      const code = child(signal, ns.shell, "Code")
      return code === undefined
        ? fail("Signal without a Code")
        : Result.succeed({ _tag: "Signal", ...commandIdOf(signal), code: textOf(code).trim() })
    }
    case "Delete":
    case "Get":
      return Result.succeed({ _tag: tag })
  }
}

const operationTags: ReadonlyArray<Operation["_tag"]> = [
  "Create",
  "Command",
  "Send",
  "Receive",
  "Signal",
  "Delete",
  "Get"
]

/** A request that cannot be carried out; what could be read of it tells how to answer. */
export interface Unreadable {
  readonly _tag: "Unreadable"
  readonly messageId: string
  readonly problem: "Action" | "OperationTimeout" | "Body"
  readonly detail: string
}

/** Reads any request; fails only where the text is no SOAP envelope. */
export const readRequest = Effect.fnUntraced(function* (
  text: string
): Effect.fn.Return<Request | Unreadable, SoapError> {
  const envelope = yield* parse(text)
  const header = child(envelope, ns.soap, "Header")
  const body = child(envelope, ns.soap, "Body")
  if (envelope.name !== "Envelope" || envelope.namespace !== ns.soap || header === undefined || body === undefined)
    return yield* new SoapError({ reason: "no envelope" })
  const value = (namespace: string, name: string): string | undefined => {
    const node = child(header, namespace, name)
    return node === undefined ? undefined : textOf(node).trim()
  }
  const messageId = value(ns.addressing, "MessageID") ?? ""
  const unreadable = (problem: Unreadable["problem"], detail: string): Unreadable => ({
    _tag: "Unreadable",
    messageId,
    problem,
    detail
  })
  const action = value(ns.addressing, "Action") ?? ""
  const tag = operationTags.find((candidate) => actions[candidate] === action)
  if (tag === undefined) return unreadable("Action", action)
  const timeout = value(ns.wsman, "OperationTimeout")
  const operationTimeoutSeconds = timeout === undefined ? undefined : readDuration(timeout)
  if (timeout !== undefined && operationTimeoutSeconds === undefined) return unreadable("OperationTimeout", timeout)
  const operation = readOperation(tag, body)
  if (Result.isFailure(operation)) return unreadable("Body", operation.failure.reason)
  const entries = (parent: string, item: string): Record<string, string> => {
    const set = descendant(header, [[ns.wsman, parent]])
    return set === undefined
      ? {}
      : Object.fromEntries(
          elementsOf(set, ns.wsman, item).map((node) => [node.attributes["Name"] ?? "", textOf(node).trim()])
        )
  }
  const sessionId = value(ns.wsmv, "SessionId")
  const maxEnvelopeBytes = Number(value(ns.wsman, "MaxEnvelopeSize") ?? Number.NaN)
  return {
    header: {
      messageId,
      to: value(ns.addressing, "To") ?? "",
      resourceUri: value(ns.wsman, "ResourceURI") ?? "",
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(operationTimeoutSeconds === undefined ? {} : { operationTimeoutSeconds }),
      ...(Number.isNaN(maxEnvelopeBytes) ? {} : { maxEnvelopeBytes }),
      options: entries("OptionSet", "Option"),
      selectors: entries("SelectorSet", "Selector")
    },
    operation: operation.success
  }
})
