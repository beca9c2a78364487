/** A verb and its parameters as a command of PSRP, and its output as the verb's answer: pure. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Verb } from "../../schemas/vmm/Verb.ts"
import { fromJs } from "../psrp/PsJson.ts"
import type { PsValue } from "../psrp/PsValue.ts"
import type { Invocation } from "../psrp/RunspacePool.ts"
import { AnswerInvalid, VmmFailure } from "./ScvmmError.ts"

/** The error id of parameters that never left. */
export const invalidParameters = "InvalidParameters"

/** Typed arguments under the names of the fields. Fails, with the path but never the value, when they break the schema. */
export const encode = <P, A>(verb: Verb<P, A>, parameters: P): Result.Result<Invocation, VmmFailure> => {
  const refuse = (error: { readonly message: string }) =>
    new VmmFailure({ function: verb.name, errorId: invalidParameters, detail: error.message })
  return Result.flatMap(Result.mapError(Schema.encodeUnknownResult(verb.parameters)(parameters), refuse), (encoded) => {
    const values: Record<string, PsValue> = {}
    for (const [name, value] of Object.entries(encoded ?? {})) {
      if (value === undefined) continue
      const converted = fromJs(value, name)
      if (Result.isFailure(converted)) return Result.fail(refuse(converted.failure))
      values[name] = converted.success
    }
    return Result.succeed({ name: verb.name, parameters: values })
  })
}

/** The text of an output object: a string, or one that PowerShell decorated. */
const textOf = (value: PsValue): string | undefined => {
  if (typeof value === "string") return value
  return value !== null &&
    typeof value === "object" &&
    "_tag" in value &&
    value._tag === "Object" &&
    value.value !== undefined
    ? textOf(value.value)
    : undefined
}

/** One JSON document per output object. */
export const decode = <P, A>(
  verb: Verb<P, A>,
  output: ReadonlyArray<PsValue>
): Result.Result<ReadonlyArray<A>, AnswerInvalid> => {
  const answers: Array<A> = []
  for (const [index, value] of output.entries()) {
    const refuse = (detail: string) =>
      Result.fail(new AnswerInvalid({ function: verb.name, detail: `document ${index + 1}: ${detail}` }))
    const text = textOf(value)
    if (text === undefined) return refuse("not a string")
    const json = Result.try({ try: (): unknown => JSON.parse(text), catch: () => "not JSON" })
    if (Result.isFailure(json)) return refuse(json.failure)
    const answer = Schema.decodeUnknownResult(verb.answer)(json.success)
    if (Result.isFailure(answer)) return refuse(answer.failure.message)
    answers.push(answer.success)
  }
  return Result.succeed(answers)
}
