/** The operations of WS-Management on shells (MS-WSMV §3.1.4), as values and as bodies of requests. */
import { encodeBase64 } from "./SoapBase64.ts"
import { writeDuration } from "./SoapDuration.ts"
import { namespaces as ns, selectorFilter } from "./SoapNames.ts"
import { type StreamData, streamElement } from "./SoapStream.ts"
import { element, type SoapElement } from "./SoapXml.ts"

export interface Create {
  readonly _tag: "Create"
  readonly shellId?: string
  readonly name?: string
  readonly inputStreams: ReadonlyArray<string>
  readonly outputStreams: ReadonlyArray<string>
  readonly idleTimeoutSeconds?: number
  /** Fragments of SESSION_CAPABILITY and INIT_RUNSPACEPOOL; a cmd shell has none. */
  readonly creationXml?: Uint8Array
  /** Of a cmd shell. */
  readonly workingDirectory?: string
  /** Of a cmd shell. */
  readonly environment?: Readonly<Record<string, string>>
}
/** Starts a pipeline: `arguments` are the first fragments of CREATE_PIPELINE. */
export interface Command {
  readonly _tag: "Command"
  readonly commandId?: string
  readonly arguments: Uint8Array
}
/** Starts a program in a cmd shell; the same action as Command, with a command that is not empty. */
export interface CommandLine {
  readonly _tag: "CommandLine"
  readonly commandId?: string
  readonly command: string
  readonly arguments: ReadonlyArray<string>
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
/** Of the shell that the selectors name, or of the listener's configuration: the resource says which. */
export interface Get {
  readonly _tag: "Get"
}
export interface Disconnect {
  readonly _tag: "Disconnect"
}
/** By the client that disconnected: the same SessionId. */
export interface Reconnect {
  readonly _tag: "Reconnect"
}
/** By another client: to a shell with fragments of SESSION_CAPABILITY and CONNECT_RUNSPACEPOOL, then to each command. */
export interface Connect {
  readonly _tag: "Connect"
  readonly commandId?: string
  readonly connectXml?: Uint8Array
}
/** Lists shells, or the commands of a shell: the resource says which. */
export interface Enumerate {
  readonly _tag: "Enumerate"
  /** Wants the first items with the answer. */
  readonly optimize: boolean
  readonly maxElements?: number
  /** Selectors of what is wanted. */
  readonly filter: Readonly<Record<string, string>>
}
/** Goes on with what Enumerate began. */
export interface Pull {
  readonly _tag: "Pull"
  readonly context: string
  readonly maxElements?: number
}

export type Operation =
  | Create
  | Command
  | CommandLine
  | Send
  | Receive
  | Signal
  | Delete
  | Get
  | Disconnect
  | Reconnect
  | Connect
  | Enumerate
  | Pull

const optional = (name: string, value: string | undefined): Record<string, string> =>
  value === undefined ? {} : { [name]: value }

const base64 = (namespace: string, name: string, bytes: Uint8Array | undefined): ReadonlyArray<SoapElement> =>
  bytes === undefined ? [] : [element(namespace, name, {}, [encodeBase64(bytes)])]

const maxElementsOf = (namespace: string, count: number | undefined): ReadonlyArray<SoapElement> =>
  count === undefined ? [] : [element(namespace, "MaxElements", {}, [String(count)])]

/** Items with a name each: options, selectors, variables. */
export const namedElements = (
  namespace: string,
  item: string,
  entries: Readonly<Record<string, string>>,
  attributesOf: (name: string) => Readonly<Record<string, string>> = () => ({})
): ReadonlyArray<SoapElement> =>
  Object.entries(entries).map(([name, value]) =>
    element(namespace, item, { Name: name, ...attributesOf(name) }, [value])
  )

const createBody = (operation: Create): SoapElement =>
  element(ns.shell, "Shell", { ...optional("ShellId", operation.shellId), ...optional("Name", operation.name) }, [
    ...(operation.environment === undefined
      ? []
      : [element(ns.shell, "Environment", {}, namedElements(ns.shell, "Variable", operation.environment))]),
    ...(operation.workingDirectory === undefined
      ? []
      : [element(ns.shell, "WorkingDirectory", {}, [operation.workingDirectory])]),
    element(ns.shell, "InputStreams", {}, [operation.inputStreams.join(" ")]),
    element(ns.shell, "OutputStreams", {}, [operation.outputStreams.join(" ")]),
    ...(operation.idleTimeoutSeconds === undefined
      ? []
      : [element(ns.shell, "IdleTimeOut", {}, [writeDuration(operation.idleTimeoutSeconds)])]),
    ...base64(ns.powershell, "creationXml", operation.creationXml)
  ])

const enumerateBody = ({ optimize, maxElements, filter }: Enumerate): SoapElement =>
  element(ns.enumeration, "Enumerate", {}, [
    ...(optimize ? [element(ns.wsman, "OptimizeEnumeration")] : []),
    ...maxElementsOf(ns.wsman, maxElements),
    ...(Object.keys(filter).length === 0
      ? []
      : [
          element(ns.wsman, "Filter", { Dialect: selectorFilter }, [
            element(ns.wsman, "SelectorSet", {}, namedElements(ns.wsman, "Selector", filter))
          ])
        ])
  ])

/** What stands in the Body of a request. */
export const operationBody = (operation: Operation): ReadonlyArray<SoapElement> => {
  switch (operation._tag) {
    case "Create":
      return [createBody(operation)]
    case "Command":
      return [
        element(ns.shell, "CommandLine", optional("CommandId", operation.commandId), [
          element(ns.shell, "Command"),
          ...base64(ns.shell, "Arguments", operation.arguments)
        ])
      ]
    case "CommandLine":
      return [
        element(ns.shell, "CommandLine", optional("CommandId", operation.commandId), [
          element(ns.shell, "Command", {}, [operation.command]),
          ...operation.arguments.map((argument) => element(ns.shell, "Arguments", {}, [argument]))
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
    case "Disconnect":
      return [element(ns.shell, "Disconnect")]
    case "Connect":
      return [
        element(
          ns.shell,
          "Connect",
          optional("CommandId", operation.commandId),
          base64(ns.powershell, "connectXml", operation.connectXml)
        )
      ]
    case "Enumerate":
      return [enumerateBody(operation)]
    case "Pull":
      return [
        element(ns.enumeration, "Pull", {}, [
          element(ns.enumeration, "EnumerationContext", {}, [operation.context]),
          ...maxElementsOf(ns.enumeration, operation.maxElements)
        ])
      ]
    case "Delete":
    case "Get":
    case "Reconnect":
      return []
  }
}
