/** Namespaces, actions and resource URIs of WS-Management and its shells (MS-WSMV §2.2). */

export const namespaces = {
  soap: "http://www.w3.org/2003/05/soap-envelope",
  addressing: "http://schemas.xmlsoap.org/ws/2004/08/addressing",
  transfer: "http://schemas.xmlsoap.org/ws/2004/09/transfer",
  enumeration: "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
  /** DMTF's WS-Management. */
  wsman: "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
  /** Microsoft's extensions of it. */
  wsmv: "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
  shell: "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
  config: "http://schemas.microsoft.com/wbem/wsman/1/config",
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
  [namespaces.enumeration]: "n",
  [namespaces.wsman]: "w",
  [namespaces.wsmv]: "p",
  [namespaces.shell]: "rsp",
  [namespaces.config]: "cfg",
  [namespaces.wsmanFault]: "f",
  [namespaces.powershell]: "pwsh",
  [namespaces.identity]: "wsmid"
}

const shellAction = (name: string): string => `${namespaces.shell}/${name}`
const transferAction = (name: string): string => `${namespaces.transfer}/${name}`
const enumerationAction = (name: string): string => `${namespaces.enumeration}/${name}`

export const actions = {
  Create: transferAction("Create"),
  Get: transferAction("Get"),
  Delete: transferAction("Delete"),
  Command: shellAction("Command"),
  CommandLine: shellAction("Command"),
  Send: shellAction("Send"),
  Receive: shellAction("Receive"),
  Signal: shellAction("Signal"),
  Disconnect: shellAction("Disconnect"),
  Reconnect: shellAction("Reconnect"),
  Connect: shellAction("Connect"),
  Enumerate: enumerationAction("Enumerate"),
  Pull: enumerationAction("Pull")
} as const

export const faultAction = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"

export const anonymous = `${namespaces.addressing}/role/anonymous`

/** The resource whose Get answers a shell's state, and whose Enumerate lists the shells. */
export const shellResource = namespaces.shell
/** Its Enumerate, filtered by ShellId, lists a shell's commands. */
export const commandResource = `${namespaces.shell}/Command`
/** The resource of the shells that run programs. */
export const cmdResource = `${namespaces.shell}/cmd`
/** The resource whose Get answers the listener's configuration: for administrators. */
export const configResource = namespaces.config

/** Dialect of an Enumerate's filter. */
export const selectorFilter = "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter"

/** The resource of a PowerShell session configuration; "Microsoft.PowerShell" is the default one. */
export const powershellResource = (configurationName: string): string => `${namespaces.powershell}/${configurationName}`

export const signals = {
  /** Ends a command and frees its slot among the shell's concurrent commands. */
  terminate: `${namespaces.shell}/signal/Terminate`,
  /** Of a program in a cmd shell. */
  ctrlC: `${namespaces.shell}/signal/ctrl_c`,
  ctrlBreak: `${namespaces.shell}/signal/ctrl_break`,
  /** Sic: PowerShell's client and server both spell it so; another code ends a pipeline without a Stopped state. */
  stop: "powershell/signal/crtl_c"
} as const

export const commandState = (state: "Pending" | "Running" | "Done"): string =>
  `${namespaces.shell}/CommandState/${state}`
