/** Faults of WS-Management: their numeric codes and subcodes, and what a caller should make of them. */
import { child, descendant, element, type SoapElement, textOf } from "./SoapXml.ts"
import { namespaces as ns } from "./SoapNames.ts"

/** What a fault means for its caller; the table below holds the numbers. */
export type FaultClassification =
  /** No output yet: Receive again. For other operations the outcome is unknown. */
  | "operationTimeout"
  /** The shell or command does not exist, or no longer. */
  | "invalidSelectors"
  /** The listener disconnected the shell, which waits for a Reconnect. */
  | "disconnected"
  /** More than the listener takes in one message: nothing of it was looked at. */
  | "envelopeTooLarge"
  /** A limit of the listener, the plugin or the user: later, or with fewer shells. */
  | "quota"
  /** The shell has no memory left: what it was doing may be done. */
  | "memory"
  | "accessDenied"
  /** The log-on itself was refused. */
  | "authentication"
  /** What was asked is malformed or unknown: asking again gives the same. */
  | "invalidRequest"
  /** The host's configuration forbids or redirects it. */
  | "configuration"
  /** A Create that ends so is worth another: of most PowerShell's own client makes one, an id in use gets another. */
  | "transient"
  | "unknown"

export interface Fault {
  /** WSManFault/@Code, unsigned; absent where the peer sends a subcode alone. */
  readonly code?: number
  /** Local name of Subcode/Value, "TimedOut". */
  readonly subcode: string
  readonly text: string
  readonly classification: FaultClassification
}

/** Names of wsmerror.h and winerror.h, without their prefixes. */
export const FaultCode = {
  AccessDenied: 5,
  OperationTimeout: 2150858793,
  InvalidSelectors: 2150858843,
  InvalidHeader: 2150858767,
  InvalidResourceUri: 2150858811,
  MaxShellsPerUser: 2150859173,
  HttpRequestTooLarge: 2150859025,
  ShellDisconnected: 2150859204,
  ShellAlreadyConnected: 2150859216,
  MaxConcurrentCommandsPerShell: 2150859241,
  InvalidParameter: 87
} as const

const inclusive = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

const table: ReadonlyArray<readonly [FaultClassification, ReadonlyArray<number>]> = [
  ["operationTimeout", [FaultCode.OperationTimeout]],
  // A command that was terminated is no longer there, either.
  ["invalidSelectors", [FaultCode.InvalidSelectors, 0x803381cc]],
  ["disconnected", [FaultCode.ShellDisconnected]],
  ["envelopeTooLarge", [FaultCode.HttpRequestTooLarge, 0x80338047]],
  ["quota", [2150859173, 2150859174, 2150859175, 2150859176, 2150859179, ...inclusive(2150859236, 2150859242)]],
  ["memory", [14]],
  ["accessDenied", [FaultCode.AccessDenied]],
  ["authentication", [1326, 1327, 1330, 1331, 1907, 1909, 2150859022]],
  ["invalidRequest", [87, 2147942402, 2150858767, 2150858811, 2150858754, 2152992672]],
  // MaxEnvelopeSize too small, an enumeration that ended, one without its filter, a name too long, an IdleTimeOut out of bounds.
  ["invalidRequest", [0x8033807e, 0x80338084, 0x803381c0, 0x803381c2, 0x803381f2]],
  // A shell that cannot be disconnected, is another client's, or is disconnected or connected already; ids that are none.
  ["invalidRequest", [0x803381c5, 0x803381c6, 0x803381cd, 0x803381cf, 0x803381d0, 0x803381d4, 0x803381d5]],
  ["configuration", [2150859180, 2150859235, 2150859161, 0x803381dd, 0x803381df]],
  [
    "transient",
    // An id in use: by this very request, where something between has sent it twice.
    [2150858770, 2150859026, 2150859027, 2150859120, 995, 1311, 1722, 0x803381d6, 0x803381d7]
  ],
  // The answer, not the request, is larger than an envelope: what was asked for is done.
  ["unknown", [0x80338048, 0x80338049]]
]

/** Every code that is told apart, and what it means. */
export const byCode: ReadonlyMap<number, FaultClassification> = new Map(
  table.flatMap(([classification, codes]) => codes.map((code) => [code, classification] as const))
)

const bySubcode: ReadonlyMap<string, FaultClassification> = new Map([
  ["TimedOut", "operationTimeout"],
  ["InvalidSelectors", "invalidSelectors"],
  ["DestinationUnreachable", "invalidSelectors"],
  ["QuotaLimit", "quota"],
  ["AccessDenied", "accessDenied"],
  ["InvalidResourceURI", "invalidRequest"],
  ["InvalidParameter", "invalidRequest"],
  ["InvalidOptions", "invalidRequest"],
  ["InvalidMessageInformationHeader", "invalidRequest"],
  ["MessageInformationHeaderRequired", "invalidRequest"],
  ["ActionNotSupported", "invalidRequest"],
  ["SchemaValidationError", "invalidRequest"],
  ["UnsupportedFeature", "invalidRequest"],
  ["EncodingLimit", "envelopeTooLarge"]
])

/** The code decides; without one, or for one that is not in the table, the subcode. */
export const classify = (code: number | undefined, subcode: string): FaultClassification =>
  (code === undefined ? undefined : byCode.get(code)) ?? bySubcode.get(subcode) ?? "unknown"

/**
 * Whether the peer says by this fault that it did not do what was asked. A time-out and an error that we do not know
 * leave that open.
 */
export const isRefusal = (classification: FaultClassification): boolean =>
  classification !== "operationTimeout" &&
  classification !== "memory" &&
  classification !== "transient" &&
  classification !== "unknown"

const afterColon = (name: string): string => name.slice(name.indexOf(":") + 1)

const collapsed = (text: string): string => text.replace(/\s+/gu, " ").trim()

/** Reads a body's Fault; undefined when the body holds none. Codes may be signed on the wire. */
export const readFault = (body: SoapElement): Fault | undefined => {
  const fault = child(body, ns.soap, "Fault")
  if (fault === undefined) return undefined
  const detail = child(fault, ns.soap, "Detail")
  const wsman = detail === undefined ? undefined : child(detail, ns.wsmanFault, "WSManFault")
  const code = Number.parseInt(wsman?.attributes["Code"] ?? "", 10)
  const subcode = descendant(fault, [
    [ns.soap, "Code"],
    [ns.soap, "Subcode"],
    [ns.soap, "Value"]
  ])
  const message = wsman === undefined ? undefined : child(wsman, ns.wsmanFault, "Message")
  const reason = descendant(fault, [
    [ns.soap, "Reason"],
    [ns.soap, "Text"]
  ])
  const texts = [message, reason].map((part) => (part === undefined ? "" : collapsed(textOf(part))))
  const name = subcode === undefined ? "" : afterColon(textOf(subcode).trim())
  const unsigned = Number.isNaN(code) ? undefined : code >>> 0
  return {
    ...(unsigned === undefined ? {} : { code: unsigned }),
    subcode: name,
    text: texts.find((text) => text !== "") ?? "",
    classification: classify(unsigned, name)
  }
}

export interface FaultToWrite {
  /** Without one there is no Detail: some errors of plugins come so. */
  readonly code?: number
  /** With its prefix: "w:TimedOut" or "a:ActionNotSupported". */
  readonly subcode: `w:${string}` | `a:${string}`
  readonly text: string
  /** Whose fault it is. */
  readonly role?: "Sender" | "Receiver"
  /** Shown as the machine that answers. */
  readonly machine?: string
}

/** The Fault element as Windows writes it. */
export const writeFault = (fault: FaultToWrite): SoapElement =>
  element(ns.soap, "Fault", {}, [
    element(ns.soap, "Code", {}, [
      element(ns.soap, "Value", {}, [`s:${fault.role ?? "Sender"}`]),
      element(ns.soap, "Subcode", {}, [element(ns.soap, "Value", {}, [fault.subcode])])
    ]),
    element(ns.soap, "Reason", {}, [element(ns.soap, "Text", { "xml:lang": "en-US" }, [fault.text])]),
    ...(fault.code === undefined
      ? []
      : [
          element(ns.soap, "Detail", {}, [
            element(ns.wsmanFault, "WSManFault", { Code: String(fault.code), Machine: fault.machine ?? "localhost" }, [
              element(ns.wsmanFault, "Message", {}, [fault.text])
            ])
          ])
        ])
  ])
