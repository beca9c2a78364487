/** Features that an operator's command line switches off or on: pure. */

export interface FeatureGates {
  /** ScvmmProvider.spec.extraFunctions and env: code of whoever may write a provider, run with its account's rights. */
  readonly ExtraFunctions: boolean
}

export const defaults: FeatureGates = { ExtraFunctions: true }

/** `ExtraFunctions=false`, several separated by commas, as Kubernetes' own programs take them; undefined when it is not that. */
export const parse = (text: string): FeatureGates | undefined => {
  let gates = defaults
  for (const part of text.split(",")) {
    if (part.trim() === "") continue
    const [, name = "", value] = /^\s*(\w+)\s*=\s*(true|false)\s*$/u.exec(part) ?? []
    if (!Object.hasOwn(defaults, name)) return undefined
    gates = { ...gates, [name]: value === "true" }
  }
  return gates
}
