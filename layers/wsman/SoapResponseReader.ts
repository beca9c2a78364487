/** Reads the answers of WS-Management on shells, as a client must: any peer's prefixes, order and omissions. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Fault, readFault } from "./Fault.ts"
import { commandState, namespaces as ns } from "./SoapNames.ts"
import type { CommandStateName, Config, Connected } from "./SoapResponse.ts"
import { readShell, type ShellState } from "./SoapShell.ts"
import { bytesOf, readStreams, type StreamData } from "./SoapStream.ts"
import { child, descendant, elementsOf, parse, SoapError, type SoapElement, textOf } from "./SoapXml.ts"

export interface ReadResponse {
  /** "" where the answer names none. */
  readonly relatesTo: string
  readonly body: SoapElement
  readonly fault?: Fault
}

/** Reads any answer; fails where the text is no SOAP envelope. */
export const readResponse = Effect.fnUntraced(function* (text: string): Effect.fn.Return<ReadResponse, SoapError> {
  const envelope = yield* parse(text)
  const body = child(envelope, ns.soap, "Body")
  if (envelope.name !== "Envelope" || envelope.namespace !== ns.soap || body === undefined)
    return yield* new SoapError({ reason: "no envelope" })
  const relatesTo = descendant(envelope, [
    [ns.soap, "Header"],
    [ns.addressing, "RelatesTo"]
  ])
  const fault = readFault(body)
  return {
    relatesTo: relatesTo === undefined ? "" : textOf(relatesTo).trim(),
    body,
    ...(fault === undefined ? {} : { fault })
  }
})

const missing = (what: string) => Result.fail(new SoapError({ reason: `answer without ${what}` }))

/** ShellId of a CreateResponse: the selector, or what rsp:Shell says. */
export const readCreated = (body: SoapElement): Result.Result<string, SoapError> => {
  const set = descendant(body, [
    [ns.transfer, "ResourceCreated"],
    [ns.addressing, "ReferenceParameters"],
    [ns.wsman, "SelectorSet"]
  ])
  const selector =
    set === undefined
      ? undefined
      : elementsOf(set, ns.wsman, "Selector").find((node) => node.attributes["Name"] === "ShellId")
  const shellId =
    selector ??
    descendant(body, [
      [ns.shell, "Shell"],
      [ns.shell, "ShellId"]
    ])
  return shellId === undefined ? missing("ShellId") : Result.succeed(textOf(shellId).trim())
}

/** CommandId of a CommandResponse. */
export const readCommandStarted = (body: SoapElement): Result.Result<string, SoapError> => {
  const commandId = descendant(body, [
    [ns.shell, "CommandResponse"],
    [ns.shell, "CommandId"]
  ])
  return commandId === undefined ? missing("CommandId") : Result.succeed(textOf(commandId).trim())
}

export interface ReceivedAnswer {
  readonly streams: ReadonlyArray<StreamData>
  readonly state?: CommandStateName
  readonly exitCode?: number
}

const stateNames: ReadonlyArray<CommandStateName> = ["Pending", "Running", "Done"]

/** Streams without data (end markers, answers of a shell that has none) are left out. */
export const readReceived = (body: SoapElement): Result.Result<ReceivedAnswer, SoapError> => {
  const response = child(body, ns.shell, "ReceiveResponse")
  if (response === undefined) return missing("ReceiveResponse")
  const node = child(response, ns.shell, "CommandState")
  const uri = node?.attributes["State"] ?? ""
  const state = stateNames.find((name) => uri === commandState(name))
  const exit = node === undefined ? undefined : child(node, ns.shell, "ExitCode")
  const exitCode = exit === undefined ? Number.NaN : Number(textOf(exit))
  return Result.map(readStreams(response), (streams) => ({
    streams: streams.filter(({ data }) => data.length > 0),
    ...(state === undefined ? {} : { state }),
    ...(Number.isInteger(exitCode) ? { exitCode } : {})
  }))
}

/** The shell that a Get answers; of any namespace, since OMI's is a CIM instance. */
export const readGotShell = (body: SoapElement): Result.Result<ShellState, SoapError> => {
  const shell = body.children.find((node): node is SoapElement => typeof node !== "string" && node.name === "Shell")
  return shell === undefined ? missing("Shell") : readShell(shell)
}

const words = (node: SoapElement): ReadonlyArray<string> =>
  textOf(node)
    .split(/\s+/u)
    .filter((word) => word !== "")

/** What a Connect answers. */
export const readConnected = (body: SoapElement): Result.Result<Connected, SoapError> => {
  const response = child(body, ns.shell, "ConnectResponse")
  if (response === undefined) return missing("ConnectResponse")
  const input = child(response, ns.shell, "InputStreams")
  const output = child(response, ns.shell, "OutputStreams")
  const xml = child(response, ns.powershell, "connectResponseXml")
  const connected = {
    ...(input !== undefined && { inputStreams: words(input) }),
    ...(output !== undefined && { outputStreams: words(output) })
  }
  return xml === undefined
    ? Result.succeed(connected)
    : Result.map(bytesOf(xml), (connectResponseXml) => ({ ...connected, connectResponseXml }))
}

/** The listener's configuration, as a Get of it answers. */
export const readConfig = (body: SoapElement): Result.Result<Config, SoapError> => {
  const config = child(body, ns.config, "Config")
  const value = (name: string): number => {
    const node = config === undefined ? undefined : child(config, ns.config, name)
    return node === undefined ? Number.NaN : Number(textOf(node))
  }
  const maxEnvelopeKilobytes = value("MaxEnvelopeSizekb")
  const maxTimeoutMillis = value("MaxTimeoutms")
  return Number.isInteger(maxEnvelopeKilobytes) && Number.isInteger(maxTimeoutMillis)
    ? Result.succeed({ maxEnvelopeKilobytes, maxTimeoutMillis })
    : missing("MaxEnvelopeSizekb and MaxTimeoutms")
}
