/** Reads the requests of WS-Management on shells, as a server must: any client's prefixes, order and omissions. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readDuration } from "./SoapDuration.ts"
import { actions, namespaces as ns } from "./SoapNames.ts"
import type { Operation } from "./SoapOperation.ts"
import type { Request } from "./SoapRequest.ts"
import { bytesOf, readStreams } from "./SoapStream.ts"
import { child, descendant, element, elementsOf, parse, SoapError, type SoapElement, textOf } from "./SoapXml.ts"

const fail = (reason: string) => Result.fail(new SoapError({ reason }))

const names = (node: SoapElement | undefined): ReadonlyArray<string> =>
  node === undefined
    ? []
    : textOf(node)
        .split(/\s+/u)
        .filter((name) => name !== "")

const commandIdOf = (node: SoapElement | undefined): { readonly commandId?: string } => {
  const commandId = node?.attributes["CommandId"]
  return commandId === undefined ? {} : { commandId }
}

const number = (node: SoapElement | undefined): number | undefined => {
  const value = node === undefined ? Number.NaN : Number(textOf(node))
  return Number.isInteger(value) ? value : undefined
}

const entriesOf = (parent: SoapElement | undefined, namespace: string, item: string): Record<string, string> =>
  parent === undefined
    ? {}
    : Object.fromEntries(
        elementsOf(parent, namespace, item).map((node) => [node.attributes["Name"] ?? "", textOf(node)])
      )

const readCreate = (shell: SoapElement): Result.Result<Operation, SoapError> => {
  const creation = child(shell, ns.powershell, "creationXml")
  const { ShellId: shellId } = shell.attributes
  const named = child(shell, ns.shell, "Name")
  // MS-WSMV has an attribute, pypsrp an element.
  const name = shell.attributes["Name"] ?? (named === undefined ? undefined : textOf(named))
  const idle = child(shell, ns.shell, "IdleTimeOut")
  const idleTimeoutSeconds = idle === undefined ? undefined : readDuration(textOf(idle))
  if (idle !== undefined && idleTimeoutSeconds === undefined) return fail("malformed IdleTimeOut")
  const directory = child(shell, ns.shell, "WorkingDirectory")
  const environment = child(shell, ns.shell, "Environment")
  const create = {
    _tag: "Create",
    ...(shellId !== undefined && { shellId }),
    ...(name !== undefined && { name }),
    inputStreams: names(child(shell, ns.shell, "InputStreams")),
    outputStreams: names(child(shell, ns.shell, "OutputStreams")),
    ...(idleTimeoutSeconds !== undefined && { idleTimeoutSeconds }),
    ...(directory !== undefined && { workingDirectory: textOf(directory) }),
    ...(environment !== undefined && { environment: entriesOf(environment, ns.shell, "Variable") })
  } as const
  return creation === undefined
    ? Result.succeed(create)
    : Result.map(bytesOf(creation), (creationXml) => ({ ...create, creationXml }))
}

const readCommand = (line: SoapElement): Result.Result<Operation, SoapError> => {
  const command = child(line, ns.shell, "Command")
  const text = command === undefined ? "" : textOf(command)
  const words = elementsOf(line, ns.shell, "Arguments")
  if (text !== "")
    return Result.succeed({ _tag: "CommandLine", ...commandIdOf(line), command: text, arguments: words.map(textOf) })
  const [fragments] = words
  return fragments === undefined
    ? fail("Command without Arguments")
    : Result.map(bytesOf(fragments), (bytes) => ({ _tag: "Command", ...commandIdOf(line), arguments: bytes }))
}

const readConnect = (connect: SoapElement): Result.Result<Operation, SoapError> => {
  const fragments = child(connect, ns.powershell, "connectXml")
  return fragments === undefined
    ? Result.succeed({ _tag: "Connect", ...commandIdOf(connect) })
    : Result.map(bytesOf(fragments), (connectXml) => ({ _tag: "Connect", ...commandIdOf(connect), connectXml }))
}

const readEnumerate = (node: SoapElement): Operation => {
  const maxElements = number(child(node, ns.wsman, "MaxElements"))
  const filter = descendant(node, [
    [ns.wsman, "Filter"],
    [ns.wsman, "SelectorSet"]
  ])
  return {
    _tag: "Enumerate",
    optimize: child(node, ns.wsman, "OptimizeEnumeration") !== undefined,
    ...(maxElements !== undefined && { maxElements }),
    filter: entriesOf(filter, ns.wsman, "Selector")
  }
}

const readPull = (node: SoapElement): Result.Result<Operation, SoapError> => {
  const context = child(node, ns.enumeration, "EnumerationContext")
  const maxElements = number(child(node, ns.enumeration, "MaxElements"))
  return context === undefined
    ? fail("Pull without EnumerationContext")
    : Result.succeed({ _tag: "Pull", context: textOf(context), ...(maxElements !== undefined && { maxElements }) })
}

const readOperation = (tag: Operation["_tag"], body: SoapElement): Result.Result<Operation, SoapError> => {
  const only = (name: string, namespace: string = ns.shell): SoapElement =>
    child(body, namespace, name) ?? element(namespace, name)
  switch (tag) {
    case "Create":
      return readCreate(only("Shell"))
    case "Command":
    case "CommandLine":
      return readCommand(only("CommandLine"))
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
    case "Connect":
      return readConnect(only("Connect"))
    case "Enumerate":
      return Result.succeed(readEnumerate(only("Enumerate", ns.enumeration)))
    case "Pull":
      return readPull(only("Pull", ns.enumeration))
    case "Delete":
    case "Get":
    case "Disconnect":
    case "Reconnect":
      return Result.succeed({ _tag: tag })
  }
}

/** By action; Command's also means CommandLine. */
const operationTags = new Map<string, Operation["_tag"]>([
  [actions.Create, "Create"],
  [actions.Command, "Command"],
  [actions.Send, "Send"],
  [actions.Receive, "Receive"],
  [actions.Signal, "Signal"],
  [actions.Delete, "Delete"],
  [actions.Get, "Get"],
  [actions.Disconnect, "Disconnect"],
  [actions.Reconnect, "Reconnect"],
  [actions.Connect, "Connect"],
  [actions.Enumerate, "Enumerate"],
  [actions.Pull, "Pull"]
])

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
  const tag = operationTags.get(action)
  if (tag === undefined) return unreadable("Action", action)
  const timeout = value(ns.wsman, "OperationTimeout")
  const operationTimeoutSeconds = timeout === undefined ? undefined : readDuration(timeout)
  if (timeout !== undefined && operationTimeoutSeconds === undefined) return unreadable("OperationTimeout", timeout)
  const operation = readOperation(tag, body)
  if (Result.isFailure(operation)) return unreadable("Body", operation.failure.reason)
  const entries = (parent: string, item: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(entriesOf(child(header, ns.wsman, parent), ns.wsman, item)).map(([name, text]) => [
        name,
        text.trim()
      ])
    )
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
