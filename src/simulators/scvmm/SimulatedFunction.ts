/** One function of our module as the model answers it: arguments bound as PowerShell binds them, answers as JSON texts. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { Verb } from "../../../schemas/vmm/Verb.ts"
import type { Model } from "./Model.ts"
import type { Streams, Terminated } from "./PowerShellHost.ts"
import { bindingError } from "./VmmError.ts"

/** The runspace that a call comes from. */
export interface Caller {
  readonly model: Model
  readonly execHost: string
  /** Variables that the session was given, by name in upper case. */
  readonly environment: Map<string, string>
  /** Whether Get-SCVMMServer has succeeded here: its connection is the runspace's default. */
  connected: boolean
}

export interface SimulatedFunction {
  readonly name: string
  /** Arguments by parameter name in any case, as plain JavaScript values. */
  readonly invoke: (
    caller: Caller,
    given: ReadonlyArray<readonly [name: string, value: unknown]>,
    /** For what it says beside its answers. */
    streams: Streams
  ) => Effect.Effect<ReadonlyArray<string>, Terminated>
}

/** A null argument of an optional parameter is no argument. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, withoutNulls(item)]]))
  )
}

/** Whether the function has [AllowEmptyString()] there: a mandatory string parameter without it refuses "". */
const admitsEmpty = (type: SchemaAST.AST): boolean => Schema.is(Schema.make(type))("")

const bind = <P, A>(
  verb: Verb<P, A>,
  given: ReadonlyArray<readonly [name: string, value: unknown]>
): Result.Result<P, Terminated> => {
  const ast = verb.parameters.ast
  const known = SchemaAST.isObjects(ast) ? ast.propertySignatures : []
  const bound: Record<string, unknown> = {}
  for (const [name, value] of given) {
    const parameter = known.find((candidate) => String(candidate.name).toLowerCase() === name.toLowerCase())
    if (parameter === undefined) {
      return Result.fail(
        bindingError(
          "NamedParameterNotFound",
          verb.name,
          `A parameter cannot be found that matches parameter name '${name}'.`
        )
      )
    }
    if (value !== null) bound[String(parameter.name)] = withoutNulls(value)
  }
  const missing = known.filter((parameter) => !SchemaAST.isOptional(parameter.type) && !(parameter.name in bound))
  if (missing.length > 0) {
    const names = missing.map((parameter) => String(parameter.name)).join(" ")
    return Result.fail(
      bindingError(
        "MissingMandatoryParameter",
        verb.name,
        `Cannot process command because of one or more missing mandatory parameters: ${names}.`
      )
    )
  }
  const empty = known.find(
    (parameter) =>
      !SchemaAST.isOptional(parameter.type) && bound[String(parameter.name)] === "" && !admitsEmpty(parameter.type)
  )
  if (empty !== undefined) {
    return Result.fail(
      bindingError(
        "ParameterArgumentValidationErrorEmptyStringNotAllowed",
        verb.name,
        `Cannot bind argument to parameter '${String(empty.name)}' because it is an empty string.`
      )
    )
  }
  return Result.mapError(Schema.decodeUnknownResult(verb.parameters)(bound), (error) =>
    bindingError(
      "ParameterArgumentTransformationError",
      verb.name,
      `Cannot process argument transformation on a parameter. ${error.message}`
    )
  )
}

/** The verb, answered by `body`: each answer becomes one compact JSON document. Answers that break the verb's schema are defects. */
export const implement = <P, A>(
  verb: Verb<P, A>,
  body: (caller: Caller, parameters: P, streams: Streams) => Effect.Effect<ReadonlyArray<A>, Terminated>
): SimulatedFunction => ({
  name: verb.name,
  invoke: (caller, given, streams) =>
    Effect.fromResult(bind(verb, given)).pipe(
      Effect.flatMap((parameters) => body(caller, parameters, streams)),
      Effect.flatMap(
        Effect.forEach((answer) => Effect.map(Effect.orDie(Schema.encodeEffect(verb.answer)(answer)), JSON.stringify))
      )
    )
})
