/** The address that a server listens on, as controller-runtime's flags write it: ":8081", "127.0.0.1:0", "[::1]:8443", "0". */

export interface BindAddress {
  /** Absent: every interface. */
  readonly host?: string
  /** 0: any free port. */
  readonly port: number
}

const pattern = /^(?:\[(?<six>[0-9A-Fa-f:.]+)\]|(?<host>[^:[\]\s]*)):(?<port>\d{1,5})$/u

/** Undefined for anything else than host:port; the text "0", which turns a server off, is the caller's to look at. */
export const parse = (text: string): BindAddress | undefined => {
  const groups = pattern.exec(text)?.groups
  const port = Number(groups?.["port"] ?? Number.NaN)
  const host = groups?.["six"] ?? groups?.["host"] ?? ""
  if (!(port <= 65_535)) return undefined
  return host === "" ? { port } : { host, port }
}

/** host:port, with brackets around an IPv6 address. */
export const format = ({ host, port }: Required<BindAddress>): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
