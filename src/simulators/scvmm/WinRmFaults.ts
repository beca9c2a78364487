/** The faults that the simulated listener answers with: Windows' codes, subcodes and words. */
import { FaultCode, type FaultToWrite } from "../../../layers/wsman/Fault.ts"

export const operationTimeout: FaultToWrite = {
  code: FaultCode.OperationTimeout,
  subcode: "w:TimedOut",
  role: "Receiver",
  text: "The WS-Management service cannot complete the operation within the time specified in OperationTimeout."
}

/** No such shell or command, or no longer. */
export const invalidSelectors: FaultToWrite = {
  code: FaultCode.InvalidSelectors,
  subcode: "w:InvalidSelectors",
  text: "The WS-Management service cannot process the request because the request contained invalid selectors for the resource."
}

export const accessDenied: FaultToWrite = {
  code: FaultCode.AccessDenied,
  subcode: "w:AccessDenied",
  text: "Access is denied."
}

export const invalidResourceUri = (uri: string): FaultToWrite => ({
  code: FaultCode.InvalidResourceUri,
  subcode: "w:InvalidResourceURI",
  text: `The WS-Management service cannot process the request. Cannot find the ${uri} session configuration in the WSMan: drive on the computer.`
})

export const maxShellsPerUser = (limit: number): FaultToWrite => ({
  code: FaultCode.MaxShellsPerUser,
  subcode: "w:QuotaLimit",
  text: `The WS-Management service cannot process the request. The maximum number of concurrent shells for this user has been exceeded: ${limit}. Close existing shells or raise the quota for this user.`
})

export const maxOperationsPerUser = (limit: number): FaultToWrite => ({
  code: 0x803381a6,
  subcode: "w:QuotaLimit",
  text: `The WS-Management service cannot process the request. The maximum number of concurrent operations for this user has been exceeded: ${limit}. Close existing operations for this user, or raise the quota for this user.`
})

export const maxShellUsers: FaultToWrite = {
  code: 0x803381ab,
  subcode: "w:QuotaLimit",
  text: "The WS-Management service cannot process the request. The maximum number of users executing shell operations has been exceeded. Retry after some time or raise the quota for concurrent shell users."
}

export const maxCommandsPerShell = (limit: number): FaultToWrite => ({
  code: FaultCode.MaxConcurrentCommandsPerShell,
  subcode: "w:QuotaLimit",
  text: `The WS-Management service cannot process the request. The maximum number of concurrent commands per shell has been exceeded: ${limit}.`
})

export const outOfMemory: FaultToWrite = {
  code: 14,
  subcode: "w:InternalError",
  role: "Receiver",
  text: "Not enough memory resources are available to complete this operation."
}

// The codes and words of wsmerror.h; which subcodes Windows gives them is not recorded.

const aboutShell = (code: number, text: string): FaultToWrite => ({ code, subcode: "w:InvalidParameter", text })

export const shellDisconnected = aboutShell(
  0x803381c4,
  "The WinRM service cannot process the request because the WinRS shell instance is currently disconnected."
)

export const disconnectNotSupported = aboutShell(
  0x803381c5,
  "The WinRM service cannot process the request. This WinRS shell instance does not support disconnect and reconnect operations because it was created by an older WinRS client or its provider does not support the disconnect operation."
)

export const otherClient = aboutShell(
  0x803381c6,
  "The WinRM service cannot process the request because the WinRS shell instance is connected to a different client."
)

export const connectedToOther = aboutShell(
  0x803381cd,
  "The WinRM service cannot process the request. The WinRS shell instance is currently connected to a different client."
)

export const alreadyDisconnected = aboutShell(
  0x803381cf,
  "The WinRM client cannot process the request. A disconnect operation cannot be performed on a WinRS shell instance that is already disconnected."
)

export const commandIdInvalid = aboutShell(
  0x803381d4,
  "The WinRM service cannot process the request because the command ID specified by the client is not a valid GUID. Modify the request and retry the request."
)

export const shellIdInvalid = aboutShell(
  0x803381d5,
  "The WinRM service cannot process the request because the shell ID specified by the client is not a valid GUID. Provide a valid ID and try again."
)

export const commandExists = aboutShell(
  0x803381d6,
  "The WinRM service cannot process the request. A command already exists with the command ID specified by the client."
)

export const shellExists = aboutShell(
  0x803381d7,
  "The WinRM service cannot process the request. A resource already exists with the shell ID specified by the client."
)

export const commandFilterExpected = aboutShell(
  0x803381c0,
  "The WinRM service cannot process the request. The enumeration request expects a selector based filter to specify the shell identifier."
)

export const enumerationInvalid = aboutShell(
  0x80338084,
  "The enumeration is invalid because previous Pull request failed."
)

/** A Receive of a cmd shell that names no command, as recorded. */
export const invalidParameter: FaultToWrite = {
  code: FaultCode.InvalidParameter,
  subcode: "w:InvalidParameter",
  text: "The parameter is incorrect."
}

export const protocolVersion: FaultToWrite = {
  code: 2152992672,
  subcode: "w:InvalidOptions",
  text: "The PowerShell plugin was asked for a protocol version that it does not support."
}

export const invalidHeader = (name: string): FaultToWrite => ({
  code: FaultCode.InvalidHeader,
  subcode: "a:InvalidMessageInformationHeader",
  text: `The WS-Management service cannot process the request: the SOAP header ${name} is invalid.`
})

export const actionNotSupported = (action: string): FaultToWrite => ({
  subcode: "a:ActionNotSupported",
  text: `The action "${action}" is not supported by the service.`
})

export const schemaInvalid = (detail: string): FaultToWrite => ({
  subcode: "w:SchemaValidationError",
  text: `The SOAP XML in the message does not match the corresponding XML schema definition: ${detail}.`
})

/** Smaller MaxEnvelopeSizes are refused (DSP0226 §6.2). */
export const minEnvelopeBytes = 8192

export const envelopeTooSmall: FaultToWrite = {
  code: 0x8033807e,
  subcode: "w:EncodingLimit",
  text: "The WS-Management service cannot process the request because the envelope size in the request is too small."
}

/** What PowerShell's plugin makes of bytes that are no PSRP. */
export const pluginError = (detail: string): FaultToWrite => ({
  subcode: "w:InternalError",
  role: "Receiver",
  text: `The PowerShell plugin cannot process the request: ${detail}.`
})
