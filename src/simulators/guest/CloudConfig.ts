/** What cloud-init would make of a NoCloud seed: identity, files, commands and network, from the medium's own bytes. */
import { parse } from "yaml"
import type { IsoContent } from "./IsoReader.ts"

export interface Interface {
  readonly name: string
  readonly addresses: ReadonlyArray<string>
  readonly dhcp4: boolean
}

export interface Instance {
  readonly instanceId: string
  readonly hostname: string
  /** path → content. */
  readonly files: ReadonlyMap<string, string>
  readonly commands: ReadonlyArray<string>
  /** undefined: no network-config, so DHCP on the first device. */
  readonly interfaces: ReadonlyArray<Interface> | undefined
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {}
const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** cloud-init's `## template: jinja`: the instance data that bootstrap data uses, no control structures. */
const renderJinja = (source: string, metaData: Readonly<Record<string, unknown>>): string =>
  source.replaceAll(
    /\{\{\s*ds\.meta_data(?:\.(\w+)|\[['"]([\w-]+)['"]\])\s*\}\}/gu,
    (_, dotted: string | undefined, key: string | undefined) =>
      text(metaData[key ?? (dotted ?? "").replaceAll("_", "-")] ?? metaData[dotted ?? ""])
  )

const decoded = (content: string, encoding: string): string =>
  ["b64", "base64"].includes(encoding)
    ? new TextDecoder().decode(Uint8Array.from(atob(content), (c) => c.charCodeAt(0)))
    : content

/** Undefined when the medium is no seed: a wrong label, or no meta-data with an instance-id. */
export const apply = (medium: IsoContent): Instance | undefined => {
  if (medium.label.toLowerCase() !== "cidata") return undefined
  const file = (name: string): string => new TextDecoder().decode(medium.files.get(name) ?? new Uint8Array(0))
  const metaData = record(parse(file("meta-data"), { version: "1.1" }))
  const instanceId = text(metaData["instance-id"])
  if (instanceId === "") return undefined
  const source = file("user-data")
  const userData = source.startsWith("## template: jinja\n")
    ? renderJinja(source.slice(source.indexOf("\n") + 1), metaData)
    : source
  const config = userData.startsWith("#cloud-config") ? record(parse(userData, { version: "1.1" })) : {}
  const files = list(config["write_files"]).map((entry) => record(entry))
  const network = medium.files.has("network-config")
    ? record(parse(file("network-config"), { version: "1.1" }))
    : undefined
  return {
    instanceId,
    hostname: text(metaData["local-hostname"]) || instanceId,
    files: new Map(
      files.map((entry) => [text(entry["path"]), decoded(text(entry["content"]), text(entry["encoding"]))])
    ),
    commands: list(config["runcmd"]).map((command) =>
      Array.isArray(command) ? command.map(String).join(" ") : String(command)
    ),
    interfaces:
      network === undefined
        ? undefined
        : Object.entries(record(network["ethernets"])).map(([name, value]) => ({
            name,
            addresses: list(record(value)["addresses"]).map(String),
            dhcp4: record(value)["dhcp4"] === true
          }))
  }
}
