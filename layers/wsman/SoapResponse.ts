/** Answers of WS-Management on shells (MS-WSMV §3.1.4), as values, and written as envelopes. */
import * as Base64 from "effect/encoding/Base64"
import { type FaultToWrite, writeFault } from "./Fault.ts"
import { type Page, pageElement } from "./SoapEnumeration.ts"
import { actions, anonymous, commandState, faultAction, namespaces as ns } from "./SoapNames.ts"
import { shellElement, type ShellState } from "./SoapShell.ts"
import { type StreamData, streamElement } from "./SoapStream.ts"
import { element, type SoapElement, write } from "./SoapXml.ts"

export type CommandStateName = "Pending" | "Running" | "Done"

/** Of a shell all of it, of a command nothing. */
export interface Connected {
  readonly inputStreams?: ReadonlyArray<string>
  readonly outputStreams?: ReadonlyArray<string>
  /** Fragments of SESSION_CAPABILITY and RUNSPACEPOOL_INIT_DATA; APPLICATION_PRIVATE_DATA comes with the next Receive. */
  readonly connectResponseXml?: Uint8Array
}

/** Of the listener's configuration what concerns a client. */
export interface Config {
  /** Of an envelope, either way; in KiB. */
  readonly maxEnvelopeKilobytes: number
  /** Longer OperationTimeouts are cut to this. */
  readonly maxTimeoutMillis: number
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
  | { readonly _tag: "Disconnected" }
  | { readonly _tag: "Reconnected" }
  | { readonly _tag: "Connected"; readonly connected: Connected }
  | { readonly _tag: "Enumerated"; readonly page: Page }
  | { readonly _tag: "Pulled"; readonly page: Page }
  | { readonly _tag: "Config"; readonly config: Config }
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
  Disconnected: `${actions.Disconnect}Response`,
  Reconnected: `${actions.Reconnect}Response`,
  Connected: `${actions.Connect}Response`,
  Enumerated: `${actions.Enumerate}Response`,
  Pulled: `${actions.Pull}Response`,
  Config: `${actions.Get}Response`,
  Fault: faultAction
}

const bodyOf = (answer: Answer): ReadonlyArray<SoapElement> => {
  switch (answer._tag) {
    case "Created":
      return [
        element(ns.transfer, "ResourceCreated", {}, [
          element(ns.addressing, "Address", {}, [anonymous]),
          element(ns.addressing, "ReferenceParameters", {}, [
            element(ns.wsman, "ResourceURI", {}, [answer.shell.resourceUri ?? ""]),
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
    // Windows answers these with an empty Body.
    case "Deleted":
    case "Disconnected":
    case "Reconnected":
      return []
    case "Connected": {
      const { inputStreams, outputStreams, connectResponseXml } = answer.connected
      return [
        element(ns.shell, "ConnectResponse", {}, [
          ...(inputStreams === undefined ? [] : [element(ns.shell, "InputStreams", {}, [inputStreams.join(" ")])]),
          ...(outputStreams === undefined ? [] : [element(ns.shell, "OutputStreams", {}, [outputStreams.join(" ")])]),
          ...(connectResponseXml === undefined
            ? []
            : [element(ns.powershell, "connectResponseXml", {}, [Base64.encode(connectResponseXml)])])
        ])
      ]
    }
    case "Enumerated":
      return [pageElement("Enumerate", answer.page)]
    case "Pulled":
      return [pageElement("Pull", answer.page)]
    case "Config":
      return [
        element(ns.config, "Config", {}, [
          element(ns.config, "MaxEnvelopeSizekb", {}, [String(answer.config.maxEnvelopeKilobytes)]),
          element(ns.config, "MaxTimeoutms", {}, [String(answer.config.maxTimeoutMillis)])
        ])
      ]
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
