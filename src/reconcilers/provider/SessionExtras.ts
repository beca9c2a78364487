/** spec.extraFunctions and spec.env: what of them may run in a session, and with which variables: pure. */
import * as Redacted from "effect/Redacted"
import type { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import { defaultConfiguration } from "../../../layers/scvmm/SiteModule.ts"
import type { SessionExtras } from "../../../layers/scvmm/SessionSetup.ts"
import type { FeatureGates } from "../FeatureGates.ts"

type Spec = ScvmmProvider["spec"]

/** Scripts of the predecessor that a provider could replace by its own. AddVMSpec was the one that was meant to be. */
const predecessorScripts: ReadonlySet<string> = new Set(
  [
    "AddFloppyToVM",
    "AddISOToVM",
    "AddVHDToVM",
    "ConnectSCVMM",
    "CreateVHD",
    "CreateVM",
    "ExpandVMDisks",
    "GetLibraryShare",
    "GetVM",
    "GetVMIDsByName",
    "ReadVM",
    "RemoveDiskFromVM",
    "RemoveIsoFromVM",
    "RemovePersistentDisk",
    "RemoveVM",
    "SetVMNetwork",
    "SetVMProperties",
    "StartVM",
    "StopVM",
    "VMToJson"
  ].map((name) => name.toLowerCase())
)

const isOurs = (name: string): boolean => /^[a-z]+-caps/iu.test(name) || predecessorScripts.has(name.toLowerCase())

/** PowerShell and Windows tell names apart without regard to case. */
const repeated = (names: ReadonlyArray<string>): string | undefined =>
  names.find((name, index) => names.slice(0, index).some((other) => other.toLowerCase() === name.toLowerCase()))

const functionProblem = (names: ReadonlyArray<string>): string | undefined => {
  const wrong = names.find((name) => !/^[a-z_][\w.-]*$/iu.test(name))
  if (wrong !== undefined) {
    return `spec.extraFunctions: ${JSON.stringify(wrong)} is no name of a function; use letters, digits, "_", "-" and "."`
  }
  const replacing = names.find(isOurs)
  if (replacing !== undefined) {
    return `spec.extraFunctions.${replacing} would replace a function of the operator, which is not supported; remove it, or give it another name`
  }
  const twice = repeated(names)
  return twice === undefined ? undefined : `spec.extraFunctions.${twice} is there in two spellings; remove one`
}

/** As Windows takes them; longer values it cuts or refuses. */
const longestValue = 32_766

const environmentProblem = (env: Readonly<Record<string, string>>): string | undefined => {
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || name.includes("=") || name.includes("\0")) {
      return `spec.env: ${JSON.stringify(name)} is no name of a variable; use one without "="`
    }
    if (value.includes("\0")) return `spec.env.${name} holds a NUL character; remove it`
    if (value.length > longestValue) return `spec.env.${name} is longer than ${longestValue} characters; shorten it`
  }
  const twice = repeated(Object.keys(env))
  return twice === undefined ? undefined : `spec.env.${twice} is there in two spellings; remove one`
}

/**
 * Why they may not be used. Variables are gated as functions are: one such as PSModulePath decides which code a session loads.
 */
export const problemOf = (
  spec: Spec,
  gates: FeatureGates
): { readonly reason: string; readonly message: string } | undefined => {
  const functions = Object.keys(spec.extraFunctions ?? {})
  const env = spec.env ?? {}
  const fields = [
    ...(functions.length === 0 ? [] : ["spec.extraFunctions"]),
    ...(Object.keys(env).length === 0 ? [] : ["spec.env"])
  ].join(" and ")
  if (fields === "") return undefined
  if (!gates.ExtraFunctions) {
    return {
      reason: "FeatureDisabled",
      message: `${fields}: the operator runs with --feature-gates=ExtraFunctions=false; remove it, or enable the gate`
    }
  }
  const configuration = spec.transport?.configurationName ?? defaultConfiguration
  if (configuration !== defaultConfiguration) {
    return {
      reason: "ExtraFunctionsInvalid",
      message: `${fields}: the session configuration "${configuration}" takes no functions or variables; put them into it, and remove them here, or remove spec.transport.configurationName`
    }
  }
  const message = functionProblem(functions) ?? environmentProblem(env)
  return message === undefined ? undefined : { reason: "ExtraFunctionsInvalid", message }
}

const redacted = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Redacted.make(text, { label: name })]))

/** The account is there for the functions alone, as SCVMM_USERNAME and SCVMM_PASSWORD (predecessor §5). */
export const extrasOf = (
  spec: Spec,
  account: { readonly userName: string; readonly password: string }
): SessionExtras => {
  const extraFunctions = redacted(spec.extraFunctions ?? {})
  const env = Object.entries(spec.env ?? {})
  if (Object.keys(extraFunctions).length === 0)
    return { environment: redacted(Object.fromEntries(env)), extraFunctions }
  const others = env.filter(([name]) => !/^SCVMM_(?:USERNAME|PASSWORD)$/iu.test(name))
  const of = { SCVMM_USERNAME: account.userName, SCVMM_PASSWORD: account.password }
  return { environment: redacted({ ...Object.fromEntries(others), ...of }), extraFunctions }
}
