/** Messages that open a runspace pool and tell its state (MS-PSRP §2.2.2.1–2, §2.2.2.13, §2.2.2.6–7). */
import * as Result from "effect/Result"
import { type ErrorRecord, errorRecordFromPs, errorRecordToPs } from "./ErrorRecord.ts"
import { type MessageBody, MessageError, MessageType } from "./Message.ts"
import { bag, entry, enumeration, integerOf, property, textOf } from "./PsObject.ts"
import type { PsDictionary, PsObject, PsScalar, PsValue } from "./PsValue.ts"

/** SESSION_CAPABILITY: the versions of one side; both then speak the lower protocol. */
export interface SessionCapability {
  readonly protocolVersion: string
  readonly psVersion: string
  readonly serializationVersion: string
}

/** What Windows PowerShell 5.1 speaks; from 2.4 on secure strings would travel in the clear inside the message. */
export const ourCapability: SessionCapability = {
  protocolVersion: "2.3",
  psVersion: "2.0",
  serializationVersion: "1.1.0.1"
}

const version = (text: string): PsScalar => ({ _tag: "Scalar", type: "Version", text })

export const sessionCapability = (capability: SessionCapability): MessageBody => ({
  type: MessageType.SessionCapability,
  data: bag({
    protocolversion: version(capability.protocolVersion),
    PSVersion: version(capability.psVersion),
    SerializationVersion: version(capability.serializationVersion)
  })
})

export const readSessionCapability = (data: PsValue): Result.Result<SessionCapability, MessageError> => {
  const protocolVersion = textOf(property(data, "protocolversion"))
  return protocolVersion === undefined
    ? Result.fail(new MessageError({ reason: "SessionCapability without protocolversion" }))
    : Result.succeed({
        protocolVersion,
        psVersion: textOf(property(data, "PSVersion")) ?? "",
        serializationVersion: textOf(property(data, "SerializationVersion")) ?? ""
      })
}

/** No host: prompts fail on the server instead of waiting for us. */
export const noHost = (): PsObject =>
  bag({ _isHostNull: true, _isHostUINull: true, _isHostRawUINull: true, _useRunspaceHost: true })

export const unknownApartment = (): PsObject => enumeration("System.Threading.ApartmentState", "Unknown", 2)

export interface InitRunspacePool {
  readonly minRunspaces: number
  readonly maxRunspaces: number
}

export const initRunspacePool = (options: InitRunspacePool): MessageBody => ({
  type: MessageType.InitRunspacePool,
  data: bag({
    MinRunspaces: options.minRunspaces,
    MaxRunspaces: options.maxRunspaces,
    PSThreadOptions: enumeration("System.Management.Automation.Runspaces.PSThreadOptions", "Default", 0),
    ApartmentState: unknownApartment(),
    HostInfo: noHost(),
    ApplicationArguments: null
  })
})

export const readInitRunspacePool = (data: PsValue): Result.Result<InitRunspacePool, MessageError> => {
  const minRunspaces = integerOf(property(data, "MinRunspaces"))
  const maxRunspaces = integerOf(property(data, "MaxRunspaces"))
  return minRunspaces === undefined || maxRunspaces === undefined
    ? Result.fail(new MessageError({ reason: "InitRunspacePool without a number of runspaces" }))
    : Result.succeed({ minRunspaces, maxRunspaces })
}

const primitiveDictionary = (entries: PsDictionary["entries"]): PsDictionary => ({
  _tag: "Dictionary",
  typeNames: ["System.Management.Automation.PSPrimitiveDictionary", "System.Collections.Hashtable", "System.Object"],
  entries
})

/** APPLICATION_PRIVATE_DATA with the server's version table: entries of $PSVersionTable. */
export const applicationPrivateData = (versionTable: Readonly<Record<string, PsValue>>): MessageBody => ({
  type: MessageType.ApplicationPrivateData,
  data: bag({
    ApplicationPrivateData: primitiveDictionary([["PSVersionTable", primitiveDictionary(Object.entries(versionTable))]])
  })
})

/** The server's PSVersion ("5.1.20348.2849"); undefined where it does not tell. */
export const readPsVersion = (data: PsValue): string | undefined =>
  textOf(entry(entry(property(data, "ApplicationPrivateData"), "PSVersionTable"), "PSVersion"))

/** RunspacePoolState on the wire (MS-PSRP §2.2.3.4); .NET's public enum numbers some differently. */
export const RunspacePoolState = {
  BeforeOpen: 0,
  Opening: 1,
  Opened: 2,
  Closed: 3,
  Closing: 4,
  Broken: 5,
  NegotiationSent: 6,
  NegotiationSucceeded: 7,
  Connecting: 8,
  Disconnected: 9
} as const

export interface RunspacePoolStateMessage {
  readonly state: number
  /** Why the pool broke. */
  readonly error?: ErrorRecord
}

export const runspacePoolState = (state: number, error?: ErrorRecord): MessageBody => ({
  type: MessageType.RunspacePoolState,
  data: bag({
    RunspaceState: state,
    ...(error === undefined ? {} : { ExceptionAsErrorRecord: errorRecordToPs(error) })
  })
})

export const readRunspacePoolState = (data: PsValue): Result.Result<RunspacePoolStateMessage, MessageError> => {
  const state = integerOf(property(data, "RunspaceState"))
  if (state === undefined) return Result.fail(new MessageError({ reason: "RunspacePoolState without a state" }))
  const error = property(data, "ExceptionAsErrorRecord")
  return Result.succeed({ state, ...(error == null ? {} : { error: errorRecordFromPs(error) }) })
}

/** Whether nothing runs in the pool any more. */
export const hasEnded = ({ state }: RunspacePoolStateMessage): boolean =>
  state === RunspacePoolState.Broken || state === RunspacePoolState.Closed
