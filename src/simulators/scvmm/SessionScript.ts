/** The script that gives a session an administrator's variables and functions, as far as a host without PowerShell can follow it. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { toJs } from "../../../layers/psrp/PsJson.ts"
import { type Command, Terminated } from "./PowerShellHost.ts"
import type { Caller } from "./SimulatedFunction.ts"
import { functionError } from "./VmmError.ts"

const plain = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(plain).join("")
  const text: unknown = Redacted.isRedacted(value) ? Redacted.value(value) : value
  return typeof text === "string" ? text : ""
}

const argument = (parameters: Command["parameters"], name: string): ReadonlyArray<readonly [string, string]> => {
  const found = parameters.find((parameter) => parameter.name?.replace(/^-|:$/gu, "") === name)
  const value = found === undefined ? undefined : toJs(found.value)
  return typeof value === "object" && value !== null
    ? Object.entries(value).map(([key, item]) => [key, plain(item)] as const)
    : []
}

/** All of PowerShell's grammar that is checked: every brace has its other. */
const balanced = (text: string): boolean => {
  let depth = 0
  for (const character of text) {
    if (character === "{") depth++
    if (character === "}" && --depth < 0) return false
  }
  return depth === 0
}

/** Takes over the variables, and answers which functions are defined now, in lower case. */
export const extend = (
  caller: Caller,
  parameters: Command["parameters"]
): Effect.Effect<ReadonlyArray<string>, Terminated> =>
  Effect.gen(function* () {
    for (const [name, value] of argument(parameters, "Environment")) caller.environment.set(name.toUpperCase(), value)
    const names: Array<string> = []
    for (const [name, body] of argument(parameters, "Functions")) {
      if (!balanced(body)) {
        const text = "line 1: Missing closing '}' in statement block or type definition."
        const { failure } = functionError("ExtraFunctionInvalid", "", text)
        return yield* Effect.fail(
          new Terminated({ ...failure, fullyQualifiedErrorId: "ExtraFunctionInvalid", targetObject: name })
        )
      }
      names.push(name.toLowerCase())
    }
    return names
  })
