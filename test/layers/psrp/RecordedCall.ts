/** A recorded call as our own client makes it: what was described there as values here. */
import * as Redacted from "effect/Redacted"
import type { CreatePipeline, PipelineCommand } from "../../../layers/psrp/CreatePipeline.ts"
import { array, hashtable } from "../../../layers/psrp/PsObject.ts"
import type { PsValue, ScalarType } from "../../../layers/psrp/PsValue.ts"
import type { Invocation } from "../../../layers/psrp/RunspacePool.ts"
import { credential, secureString } from "../../../layers/psrp/SecureString.ts"
import type { DescribedValue, RecordedCommand } from "./Recording.ts"

type Described = Readonly<Record<string, unknown>>

const textIn = (described: Described, key: string): string => String(described[key])
const inside = (described: Described, key: string): Described => (described[key] ?? {}) as Described

/** XML's date: without the zeros that round-trip text ends with. */
const dateText = (text: string): string => text.replace(/\.?0+(?=Z|[+-]\d\d:\d\d|$)/u, "")

export const itemsDescribed = (list: DescribedValue | undefined): ReadonlyArray<DescribedValue> =>
  (list?.["items"] ?? []) as ReadonlyArray<DescribedValue>

export const entriesDescribed = (
  dictionary: DescribedValue | undefined
): ReadonlyArray<readonly [key: string, value: DescribedValue]> =>
  ((dictionary?.["entries"] ?? []) as ReadonlyArray<readonly [Described, DescribedValue]>).map(([key, value]) => [
    textIn(key, "value"),
    value
  ])

/** The value that a description is of. */
export const valueOf = (described: DescribedValue): PsValue => {
  if (described === null) return null
  const type = textIn(described, "type").replace(/^System\./u, "")
  if (type === "Management.Automation.PSCredential") {
    const { UserName, Password } = inside(described, "properties") as Record<string, Described>
    return credential(textIn(UserName ?? {}, "value"), Redacted.make(textIn(Password ?? {}, "plain")))
  }
  if ("entries" in described) return hashtable(entriesDescribed(described).map(([key, value]) => [key, valueOf(value)]))
  if ("items" in described) return array(itemsDescribed(described).map(valueOf))
  if ("types" in described)
    return {
      _tag: "Object",
      typeNames: described["types"] as ReadonlyArray<string>,
      adapted: new Map(),
      extended: new Map(
        Object.entries(inside(described, "properties")).map(([name, value]) => [name, valueOf(value as DescribedValue)])
      )
    }
  switch (type) {
    case "String":
      return textIn(described, "value")
    case "Boolean":
      return described["value"] === true
    case "Int32":
      return Number(described["value"])
    case "Int64":
      return BigInt(textIn(described, "value"))
    case "Byte[]":
      return new Uint8Array(Buffer.from(textIn(described, "base64"), "base64"))
    case "Security.SecureString":
      return secureString(Redacted.make(textIn(described, "plain")))
    case "DateTime":
      return { _tag: "Scalar", type: "DateTime", text: dateText(textIn(described, "value")) }
    default:
      // The rest is named as the scalars are.
      return { _tag: "Scalar", type: type as ScalarType, text: textIn(described, "value") }
  }
}

const parametersOf = (command: RecordedCommand): Readonly<Record<string, PsValue>> =>
  Object.fromEntries([
    ...itemsDescribed(command.parameters).flatMap((table) =>
      entriesDescribed(table).map(([name, value]) => [name, valueOf(value)] as const)
    ),
    ...(command.switches ?? []).map((name) => [name, true] as const)
  ])

/** What our client is asked for; it passes no positional arguments. */
export const invocationOf = (command: RecordedCommand): Invocation => ({
  name: command.script ?? command.name ?? "",
  isScript: command.script !== undefined,
  parameters: parametersOf(command)
})

const commandOf = (command: RecordedCommand): PipelineCommand => {
  const { name, isScript, parameters } = invocationOf(command)
  return {
    name,
    isScript: isScript ?? false,
    parameters: [
      ...Object.entries(parameters).map(([parameter, value]) => ({ name: parameter, value })),
      ...itemsDescribed(command.arguments).map((value) => ({ value: valueOf(value) }))
    ]
  }
}

/** The same as a pipeline, `lengths` commands to each statement. */
export const pipelineOf = (
  commands: ReadonlyArray<RecordedCommand>,
  lengths: ReadonlyArray<number>,
  noInput: boolean
): CreatePipeline => {
  const all = commands.map(commandOf)
  let at = 0
  return { statements: lengths.map((length) => all.slice(at, (at += length))), noInput }
}
