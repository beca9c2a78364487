/** What `kubeadm init` and `kubeadm join` would do, read from the configuration that the bootstrap data wrote. */
import { parseAllDocuments } from "yaml"
import type { Instance } from "./CloudConfig.ts"

export interface NodeIdentity {
  readonly name: string
  readonly controlPlane: boolean
  readonly providerId: string | undefined
  readonly version: string
}

export type Bootstrap =
  | {
      readonly _tag: "Init"
      readonly endpoint: string
      readonly tokens: ReadonlyArray<string>
      readonly node: NodeIdentity
    }
  | { readonly _tag: "Join"; readonly endpoint: string; readonly token: string; readonly node: NodeIdentity }

const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value
  )
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** kubeletExtraArgs is a map up to v1beta3, a list of {name, value} from v1beta4. */
const extraArgument = (registration: unknown, name: string): string | undefined => {
  const args = at(registration, "kubeletExtraArgs")
  return Array.isArray(args)
    ? text(
        at(
          args.find((arg) => at(arg, "name") === name),
          "value"
        )
      )
    : text(at(args, name))
}

const commandLine = /\bkubeadm (init|join)\b.*--config[= ](\S+)/u

/** Undefined when no command of the bootstrap data runs kubeadm, or its configuration is not there. */
export const read = (instance: Instance): Bootstrap | undefined => {
  for (const command of instance.commands) {
    const [, verb, path = ""] = commandLine.exec(command) ?? []
    const source = instance.files.get(path)
    if (verb === undefined || source === undefined) continue
    const documents = parseAllDocuments(source).map((document): unknown => document.toJS())
    const kind = (name: string) => documents.find((document) => at(document, "kind") === name)
    const configuration = verb === "init" ? kind("InitConfiguration") : kind("JoinConfiguration")
    const cluster = kind("ClusterConfiguration")
    const registration = at(configuration, "nodeRegistration")
    const node: NodeIdentity = {
      name: text(at(registration, "name")) ?? instance.hostname,
      controlPlane: verb === "init" || at(configuration, "controlPlane") !== undefined,
      providerId: extraArgument(registration, "provider-id"),
      version:
        text(at(cluster, "kubernetesVersion")) ??
        instance.files.get("/run/capscvmm/kubernetes-version")?.trim() ??
        "v0.0.0"
    }
    if (verb === "init") {
      const tokens = at(configuration, "bootstrapTokens")
      return {
        _tag: "Init",
        endpoint: text(at(cluster, "controlPlaneEndpoint")) ?? "",
        tokens: Array.isArray(tokens) ? tokens.map((token) => text(at(token, "token")) ?? "") : [],
        node
      }
    }
    return {
      _tag: "Join",
      endpoint: text(at(configuration, "discovery", "bootstrapToken", "apiServerEndpoint")) ?? "",
      token: text(at(configuration, "discovery", "bootstrapToken", "token")) ?? "",
      node
    }
  }
  return undefined
}
