/** Namespaces, actions and resource URIs of WS-Management and its shells (MS-WSMV §2.2). */

export const namespaces = {
  soap: "http://www.w3.org/2003/05/soap-envelope",
  addressing: "http://schemas.xmlsoap.org/ws/2004/08/addressing",
  transfer: "http://schemas.xmlsoap.org/ws/2004/09/transfer",
  /** DMTF's WS-Management. */
  wsman: "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
  /** Microsoft's extensions of it. */
  wsmv: "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
  shell: "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
  wsmanFault: "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
  powershell: "http://schemas.microsoft.com/powershell",
  identity: "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd",
  xml: "http://www.w3.org/XML/1998/namespace"
} as const

/** Prefixes that our own envelopes use, as Windows does. */
export const prefixes: Readonly<Record<string, string | undefined>> = {
  [namespaces.soap]: "s",
  [namespaces.addressing]: "a",
  [namespaces.transfer]: "x",
  [namespaces.wsman]: "w",
  [namespaces.wsmv]: "p",
  [namespaces.shell]: "rsp",
  [namespaces.wsmanFault]: "f",
  [namespaces.powershell]: "pwsh",
  [namespaces.identity]: "wsmid"
}

const shellAction = (name: string): string => `${namespaces.shell}/${name}`
const transferAction = (name: string): string => `${namespaces.transfer}/${name}`

export const actions = {
  Create: transferAction("Create"),
  Get: transferAction("Get"),
  Delete: transferAction("Delete"),
  Command: shellAction("Command"),
  Send: shellAction("Send"),
  Receive: shellAction("Receive"),
  Signal: shellAction("Signal")
} as const

export const faultAction = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"

export const anonymous = `${namespaces.addressing}/role/anonymous`

/** The resource whose Get answers a shell's state. */
export const shellResource = namespaces.shell

/** The resource of a PowerShell session configuration; "Microsoft.PowerShell" is the default one. */
export const powershellResource = (configurationName: string): string => `${namespaces.powershell}/${configurationName}`

export const signals = {
  terminate: `${namespaces.shell}/signal/Terminate`,
  /** Sic: PowerShell's client and server both spell it so; another code ends a pipeline without a Stopped state. */
  stop: "powershell/signal/crtl_c"
} as const

export const commandState = (state: "Pending" | "Running" | "Done"): string =>
  `${namespaces.shell}/CommandState/${state}`
