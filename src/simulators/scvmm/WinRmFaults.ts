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

export const shellExists: FaultToWrite = {
  code: FaultCode.CreateFailedInvalidName,
  subcode: "w:InvalidParameter",
  text: "The WS-Management service cannot create the shell: its id or name is invalid or in use."
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

export const envelopeTooLarge = (limit: number): FaultToWrite => ({
  subcode: "w:EncodingLimit",
  text: `The WS-Management service cannot process the request: its envelope exceeds ${limit} bytes.`
})

/** What PowerShell's plugin makes of bytes that are no PSRP. */
export const pluginError = (detail: string): FaultToWrite => ({
  subcode: "w:InternalError",
  role: "Receiver",
  text: `The PowerShell plugin cannot process the request: ${detail}.`
})
