/** Requests of WS-Management on shells (MS-WSMV §3.1.4), as values, and written as envelopes. */
import * as Base64 from "effect/encoding/Base64"
import { writeDuration } from "./SoapDuration.ts"
import { actions, anonymous, namespaces as ns } from "./SoapNames.ts"
import { element, type SoapElement, write } from "./SoapXml.ts"

export interface RequestHeader {
  /** "uuid:…" */
  readonly messageId: string
  /** URL of the listener. */
  readonly to: string
  readonly resourceUri: string
  /** "uuid:…"; the same for all requests of one client. */
  readonly sessionId?: string
  readonly operationTimeoutSeconds?: number
  readonly maxEnvelopeBytes?: number
  readonly options: Readonly<Record<string, string>>
  /** ShellId is one of these. */
  readonly selectors: Readonly<Record<string, string>>
}

export interface StreamData {
  readonly name: string
  readonly commandId?: string
  readonly data: Uint8Array
  readonly end?: boolean
}

export interface Create {
  readonly _tag: "Create"
  readonly shellId?: string
  readonly name?: string
  readonly inputStreams: ReadonlyArray<string>
  readonly outputStreams: ReadonlyArray<string>
  readonly idleTimeoutSeconds?: number
  /** Fragments of SESSION_CAPABILITY and INIT_RUNSPACEPOOL. */
  readonly creationXml: Uint8Array
}
export interface Command {
  readonly _tag: "Command"
  readonly commandId?: string
  /** First fragments of CREATE_PIPELINE. */
  readonly arguments: Uint8Array
}
export interface Send {
  readonly _tag: "Send"
  readonly streams: ReadonlyArray<StreamData>
}
export interface Receive {
  readonly _tag: "Receive"
  readonly commandId?: string
  readonly streams: ReadonlyArray<string>
}
export interface Signal {
  readonly _tag: "Signal"
  readonly commandId?: string
  readonly code: string
}
export interface Delete {
  readonly _tag: "Delete"
}
export interface Get {
  readonly _tag: "Get"
}

export type Operation = Create | Command | Send | Receive | Signal | Delete | Get

export interface Request {
  readonly header: RequestHeader
  readonly operation: Operation
}

const mustUnderstand = { "s:mustUnderstand": "true" }
const locale = { "s:mustUnderstand": "false", "xml:lang": "en-US" }

const nothing: Record<string, string> = {}
const optional = (name: string, value: string | undefined): Record<string, string> =>
  value === undefined ? nothing : { [name]: value }

/** A Stream of a Send or of a ReceiveResponse. */
export const streamElement = (stream: StreamData): SoapElement =>
  element(
    ns.shell,
    "Stream",
    {
      Name: stream.name,
      ...optional("CommandId", stream.commandId),
      ...optional("End", stream.end === true ? "true" : undefined)
    },
    stream.data.length === 0 ? [] : [Base64.encode(stream.data)]
  )

const bodyOf = (operation: Operation): ReadonlyArray<SoapElement> => {
  switch (operation._tag) {
    case "Create":
      return [
        element(ns.shell, "Shell", { ...optional("ShellId", operation.shellId), ...optional("Name", operation.name) }, [
          element(ns.shell, "InputStreams", {}, [operation.inputStreams.join(" ")]),
          element(ns.shell, "OutputStreams", {}, [operation.outputStreams.join(" ")]),
          ...(operation.idleTimeoutSeconds === undefined
            ? []
            : [element(ns.shell, "IdleTimeOut", {}, [writeDuration(operation.idleTimeoutSeconds)])]),
          element(ns.powershell, "creationXml", {}, [Base64.encode(operation.creationXml)])
        ])
      ]
    case "Command":
      return [
        element(ns.shell, "CommandLine", optional("CommandId", operation.commandId), [
          element(ns.shell, "Command"),
          element(ns.shell, "Arguments", {}, [Base64.encode(operation.arguments)])
        ])
      ]
    case "Send":
      return [element(ns.shell, "Send", {}, operation.streams.map(streamElement))]
    case "Receive":
      return [
        element(ns.shell, "Receive", {}, [
          element(ns.shell, "DesiredStream", optional("CommandId", operation.commandId), [operation.streams.join(" ")])
        ])
      ]
    case "Signal":
      return [
        element(ns.shell, "Signal", optional("CommandId", operation.commandId), [
          element(ns.shell, "Code", {}, [operation.code])
        ])
      ]
    case "Delete":
    case "Get":
      return []
  }
}

/** Options without which a server must refuse. */
const mustComply: ReadonlySet<string> = new Set(["protocolversion"])

const named = (
  parent: string,
  item: string,
  attributes: Record<string, string>,
  entries: Readonly<Record<string, string>>
): ReadonlyArray<SoapElement> => {
  const items = Object.entries(entries)
  return items.length === 0
    ? []
    : [
        element(
          ns.wsman,
          parent,
          attributes,
          items.map(([name, value]) =>
            element(ns.wsman, item, { Name: name, ...(mustComply.has(name) ? { MustComply: "true" } : {}) }, [value])
          )
        )
      ]
}

/** The envelope, headers in the order that Windows' own client uses. */
export const writeRequest = ({ header, operation }: Request): string =>
  write(
    element(ns.soap, "Envelope", {}, [
      element(ns.soap, "Header", {}, [
        element(ns.addressing, "To", {}, [header.to]),
        element(ns.wsman, "ResourceURI", mustUnderstand, [header.resourceUri]),
        element(ns.addressing, "ReplyTo", {}, [element(ns.addressing, "Address", mustUnderstand, [anonymous])]),
        element(ns.addressing, "Action", mustUnderstand, [actions[operation._tag]]),
        ...(header.maxEnvelopeBytes === undefined
          ? []
          : [element(ns.wsman, "MaxEnvelopeSize", mustUnderstand, [String(header.maxEnvelopeBytes)])]),
        element(ns.addressing, "MessageID", {}, [header.messageId]),
        element(ns.wsman, "Locale", locale),
        element(ns.wsmv, "DataLocale", locale),
        ...(header.sessionId === undefined
          ? []
          : [element(ns.wsmv, "SessionId", { "s:mustUnderstand": "false" }, [header.sessionId])]),
        ...named("OptionSet", "Option", mustUnderstand, header.options),
        ...named("SelectorSet", "Selector", {}, header.selectors),
        ...(header.operationTimeoutSeconds === undefined
          ? []
          : [element(ns.wsman, "OperationTimeout", {}, [writeDuration(header.operationTimeoutSeconds)])])
      ]),
      element(ns.soap, "Body", {}, bodyOf(operation))
    ])
  )
