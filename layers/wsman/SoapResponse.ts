/** Answers of WS-Management on shells (MS-WSMV §3.1.4), written by the server and read by the client. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Fault, type FaultToWrite, readFault, writeFault } from "./Fault.ts"
import { readDuration, writeDuration } from "./SoapDuration.ts"
import { actions, anonymous, commandState, faultAction, namespaces as ns } from "./SoapNames.ts"
import { type StreamData, streamElement } from "./SoapRequest.ts"
import { readStreams } from "./SoapRequestReader.ts"
import { child, descendant, element, elementsOf, parse, SoapError, type SoapElement, textOf, write } from "./SoapXml.ts"

export type CommandStateName = "Pending" | "Running" | "Done"

/** What rsp:Shell tells of a shell. */
export interface ShellState {
  readonly shellId: string
  readonly name?: string
  readonly resourceUri: string
  readonly owner: string
  readonly clientIp?: string
  readonly processId: number
  readonly idleTimeoutSeconds: number
  readonly inputStreams: ReadonlyArray<string>
  readonly outputStreams: ReadonlyArray<string>
  readonly state: "Connected" | "Disconnected"
  /** Seconds since the shell was made. */
  readonly runTimeSeconds: number
  /** Seconds since its last exchange. */
  readonly inactivitySeconds: number
}

export type Answer =
  | { readonly _tag: "Created"; readonly shell: ShellState }
  | { readonly _tag: "CommandStarted"; readonly commandId: string }
  | { readonly _tag: "Sent" }
  | {
      readonly _tag: "Received"
      readonly streams: ReadonlyArray<StreamData>
      readonly commandId?: string
      readonly state?: CommandStateName
      readonly exitCode?: number
    }
  | { readonly _tag: "Signalled" }
  | { readonly _tag: "Deleted" }
  | { readonly _tag: "Shell"; readonly shell: ShellState }
  | { readonly _tag: "Fault"; readonly fault: FaultToWrite }

export interface ResponseHeader {
  readonly messageId: string
  readonly relatesTo: string
}

const actionOf: Readonly<Record<Answer["_tag"], string>> = {
  Created: `${actions.Create}Response`,
  CommandStarted: `${actions.Command}Response`,
  Sent: `${actions.Send}Response`,
  Received: `${actions.Receive}Response`,
  Signalled: `${actions.Signal}Response`,
  Deleted: `${actions.Delete}Response`,
  Shell: `${actions.Get}Response`,
  Fault: faultAction
}

const duration = (seconds: number): string => writeDuration(seconds).replace(/^PT(\d+)S$/u, "PT$1.000S")

const shellElement = (shell: ShellState): SoapElement => {
  const text = (name: string, value: string): SoapElement => element(ns.shell, name, {}, [value])
  return element(ns.shell, "Shell", {}, [
    text("ShellId", shell.shellId),
    ...(shell.name === undefined ? [] : [text("Name", shell.name)]),
    text("ResourceUri", shell.resourceUri),
    text("Owner", shell.owner),
    ...(shell.clientIp === undefined ? [] : [text("ClientIP", shell.clientIp)]),
    text("ProcessId", String(shell.processId)),
    text("IdleTimeOut", duration(shell.idleTimeoutSeconds)),
    text("InputStreams", shell.inputStreams.join(" ")),
    text("OutputStreams", shell.outputStreams.join(" ")),
    text("MaxIdleTimeOut", "PT2147483.647S"),
    text("Locale", "en-US"),
    text("DataLocale", "en-US"),
    text("CompressionMode", "NoCompression"),
    text("ProfileLoaded", "Yes"),
    text("Encoding", "UTF8"),
    text("BufferMode", "Block"),
    text("State", shell.state),
    text("ShellRunTime", duration(shell.runTimeSeconds)),
    text("ShellInactivity", duration(shell.inactivitySeconds))
  ])
}

const bodyOf = (answer: Answer): ReadonlyArray<SoapElement> => {
  switch (answer._tag) {
    case "Created":
      return [
        element(ns.transfer, "ResourceCreated", {}, [
          element(ns.addressing, "Address", {}, [anonymous]),
          element(ns.addressing, "ReferenceParameters", {}, [
            element(ns.wsman, "ResourceURI", {}, [answer.shell.resourceUri]),
            element(ns.wsman, "SelectorSet", {}, [
              element(ns.wsman, "Selector", { Name: "ShellId" }, [answer.shell.shellId])
            ])
          ])
        ]),
        shellElement(answer.shell)
      ]
    case "CommandStarted":
      return [element(ns.shell, "CommandResponse", {}, [element(ns.shell, "CommandId", {}, [answer.commandId])])]
    case "Sent":
      return [element(ns.shell, "SendResponse")]
    case "Received": {
      const commandId = answer.commandId === undefined ? {} : { CommandId: answer.commandId }
      return [
        element(ns.shell, "ReceiveResponse", {}, [
          ...answer.streams.map(streamElement),
          ...(answer.state === undefined
            ? []
            : [
                element(
                  ns.shell,
                  "CommandState",
                  { ...commandId, State: commandState(answer.state) },
                  answer.exitCode === undefined ? [] : [element(ns.shell, "ExitCode", {}, [String(answer.exitCode)])]
                )
              ])
        ])
      ]
    }
    case "Signalled":
      return [element(ns.shell, "SignalResponse")]
    case "Deleted":
      return []
    case "Shell":
      return [shellElement(answer.shell)]
    case "Fault":
      return [writeFault(answer.fault)]
  }
}

export const writeResponse = (header: ResponseHeader, answer: Answer): string =>
  write(
    element(ns.soap, "Envelope", { "xml:lang": "en-US" }, [
      element(ns.soap, "Header", {}, [
        element(ns.addressing, "Action", {}, [actionOf[answer._tag]]),
        element(ns.addressing, "MessageID", {}, [header.messageId]),
        element(ns.addressing, "To", {}, [anonymous]),
        ...(header.relatesTo === "" ? [] : [element(ns.addressing, "RelatesTo", {}, [header.relatesTo])])
      ]),
      element(ns.soap, "Body", {}, bodyOf(answer))
    ])
  )

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

/** State of a shell as a GetResponse tells it; undefined for parts that a peer leaves out. */
export const readShell = (
  body: SoapElement
): { readonly shellId?: string; readonly state?: string; readonly inactivitySeconds?: number } => {
  const shell = body.children.find((node) => typeof node !== "string" && node.name === "Shell")
  if (shell === undefined || typeof shell === "string") return {}
  const value = (name: string): string | undefined => {
    const node = child(shell, shell.namespace, name)
    const text = node === undefined ? "" : textOf(node).trim()
    return text === "" ? undefined : text
  }
  const shellId = value("ShellId")
  const state = value("State")
  const inactivitySeconds = readDuration(value("ShellInactivity") ?? "")
  return {
    ...(shellId === undefined ? {} : { shellId }),
    ...(state === undefined ? {} : { state }),
    ...(inactivitySeconds === undefined ? {} : { inactivitySeconds })
  }
}
