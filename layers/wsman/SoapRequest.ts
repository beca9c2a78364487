/** Requests of WS-Management on shells (MS-WSMV §3.1.4): an operation and its headers, written as an envelope. */
import { writeDuration } from "./SoapDuration.ts"
import { actions, anonymous, namespaces as ns } from "./SoapNames.ts"
import { namedElements, type Operation, operationBody } from "./SoapOperation.ts"
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

export interface Request {
  readonly header: RequestHeader
  readonly operation: Operation
}

const mustUnderstand = { "s:mustUnderstand": "true" }
const locale = { "s:mustUnderstand": "false", "xml:lang": "en-US" }

/** Options without which a server must refuse. */
const mustComply: ReadonlySet<string> = new Set(["protocolversion"])

const set = (
  name: string,
  attributes: Readonly<Record<string, string>>,
  items: ReadonlyArray<SoapElement>
): ReadonlyArray<SoapElement> => (items.length === 0 ? [] : [element(ns.wsman, name, attributes, items)])

const complied = (option: string): Readonly<Record<string, string>> =>
  mustComply.has(option) ? { MustComply: "true" } : {}

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
        ...set("OptionSet", mustUnderstand, namedElements(ns.wsman, "Option", header.options, complied)),
        ...set("SelectorSet", {}, namedElements(ns.wsman, "Selector", header.selectors)),
        ...(header.operationTimeoutSeconds === undefined
          ? []
          : [element(ns.wsman, "OperationTimeout", {}, [writeDuration(header.operationTimeoutSeconds)])])
      ]),
      element(ns.soap, "Body", {}, operationBody(operation))
    ])
  )
