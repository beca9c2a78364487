/** Which proxy a connection goes through, decided as Go's httpproxy does (HTTP_PROXY, HTTPS_PROXY, NO_PROXY): pure. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { BlockList, isIP } from "node:net"
import { domainToASCII } from "node:url"

/** As the variables are, in capitals or not; "" for one that is not set. */
export interface ProxyEnvironment {
  readonly httpProxy: string
  readonly httpsProxy: string
  readonly noProxy: string
}

export const noProxies: ProxyEnvironment = { httpProxy: "", httpsProxy: "", noProxy: "" }

export interface Proxy {
  /** scheme://host:port; holds no credentials. */
  readonly origin: string
  /** Value of Proxy-Authorization. */
  readonly authorization: Redacted.Redacted<string> | undefined
}

/** The proxy for an origin; undefined where none is to be used. Fails with why, naming the variable and never its value. */
export type Route = (origin: string) => Result.Result<Proxy | undefined, string>

/** "proxy.example:3128" means http. A value that is no proxy is refused and not ignored: going directly may be forbidden. */
const proxyOf = (variable: string, value: string): Result.Result<Proxy | undefined, string> => {
  if (value === "") return Result.succeed(undefined)
  const wrong = Result.fail(`${variable} is not the URL of an http or https proxy`)
  const text = /^[a-z][a-z0-9+.-]*:\/\//iu.test(value) ? value : `http://${value}`
  if (!URL.canParse(text)) return wrong
  const { protocol, origin, username, password } = new URL(text)
  if (protocol !== "http:" && protocol !== "https:") return wrong
  if (username === "" && password === "") return Result.succeed({ origin, authorization: undefined })
  return Result.mapError(
    Result.try(() => `${decodeURIComponent(username)}:${decodeURIComponent(password)}`),
    () => `${variable} has credentials that are not percent-encoded`
  ).pipe(
    Result.map((pair) => ({
      origin,
      authorization: Redacted.make(`Basic ${Buffer.from(pair, "utf8").toString("base64")}`)
    }))
  )
}

interface Address {
  readonly text: string
  readonly family: "ipv4" | "ipv6"
}

/** An address without a zone, those of NO_PROXY having none. One of IPv4 that is written as IPv6 counts as what it is. */
const addressOf = (text: string): Address | undefined => {
  if (text.includes("%") || isIP(text) === 0) return undefined
  if (isIP(text) === 4) return { text, family: "ipv4" }
  const normal = new URL(`http://[${text}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/u.exec(normal) ?? []
  if (high === undefined || low === undefined) return { text: normal, family: "ipv6" }
  const parts = [high, low].flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff])
  return { text: parts.join("."), family: "ipv4" }
}

type Matches = (host: string, port: string, address: Address | undefined) => boolean

const within = ({ text, family }: Address, bits: number): Matches => {
  const list = new BlockList()
  list.addSubnet(text, bits, family)
  return (_host, _port, address) => address?.family === family && list.check(address.text, family)
}

const loopback: ReadonlyArray<Matches> = [
  within({ text: "127.0.0.0", family: "ipv4" }, 8),
  within({ text: "::1", family: "ipv6" }, 128)
]

/** "10.0.0.0/8" */
const rangeOf = (entry: string): Matches | undefined => {
  const [, text = "", digits = ""] = /^(.+)\/(\d{1,3})$/u.exec(entry) ?? []
  const address = addressOf(text)
  const bits = Number(digits)
  if (address === undefined || bits > (isIP(text) === 6 ? 128 : 32)) return undefined
  const rest = isIP(text) === 6 && address.family === "ipv4" ? bits - 96 : bits
  return rest < 0 ? undefined : within(address, rest)
}

/** "host:port" and "[address]:port" in two; anything else is a host alone. */
const split = (entry: string): { readonly host: string; readonly port: string } => {
  const [, bracketed, plain, port = ""] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/u.exec(entry) ?? []
  const host = bracketed ?? plain
  return host === undefined ? { host: entry, port: "" } : { host, port }
}

/** Internationalized names are compared as they travel. */
const ascii = (name: string): string => (/^[ -~]*$/u.test(name) ? name : domainToASCII(name) || name)

/** One entry of NO_PROXY: an address, a range of them, a domain with all below it, or (".name", "*.name") only what is below it. */
const matcherOf = (entry: string): Matches | undefined => {
  const range = rangeOf(entry)
  if (range !== undefined) return range
  const { host, port } = split(entry)
  if (host === "") return undefined
  const onPort = (asked: string): boolean => port === "" || port === asked
  const own = addressOf(host)
  if (own !== undefined)
    return (_host, askedPort, address) =>
      onPort(askedPort) && address?.family === own.family && address.text === own.text
  const below = /^\*?\./u.test(host)
  const name = ascii(host.replace(/^\*?\./u, ""))
  return (asked, askedPort, address) =>
    address === undefined && onPort(askedPort) && (asked.endsWith(`.${name}`) || (!below && asked === name))
}

const exceptionsOf = (noProxy: string): ReadonlyArray<Matches> => {
  const entries = noProxy.split(",").map((entry) => entry.trim().toLowerCase())
  return entries.includes("*") ? [() => true] : entries.flatMap((entry) => matcherOf(entry) ?? [])
}

/** Neither "localhost" nor an address of this machine's loopback ever goes through a proxy. */
export const routeOf = (environment: ProxyEnvironment): Route => {
  const https = proxyOf("HTTPS_PROXY", environment.httpsProxy)
  const http = proxyOf("HTTP_PROXY", environment.httpProxy)
  const exceptions = [...loopback, ...exceptionsOf(environment.noProxy)]
  return (origin) => {
    const { protocol, hostname, port } = new URL(origin)
    const secure = protocol === "https:"
    const host = hostname.replace(/^\[(.*)\]$/u, "$1")
    const address = addressOf(host)
    const direct =
      host === "localhost" || exceptions.some((matches) => matches(host, port || (secure ? "443" : "80"), address))
    return direct ? Result.succeed(undefined) : secure ? https : http
  }
}
