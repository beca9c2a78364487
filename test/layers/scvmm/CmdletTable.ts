/** The tables of commands that our functions may call, from the files that SCVMM_CMDLETS and PS51_COMMANDS name. */
import * as Schema from "effect/Schema"
import * as fs from "node:fs"

const VmmTable = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({
      name: Schema.String,
      parameterSets: Schema.Array(
        Schema.Struct({
          name: Schema.String,
          default: Schema.optionalKey(Schema.Boolean),
          parameters: Schema.Array(
            Schema.Struct({
              name: Schema.String,
              mandatory: Schema.Boolean,
              isSwitch: Schema.optionalKey(Schema.NullOr(Schema.Boolean))
            })
          )
        })
      )
    })
  )
)
export type Cmdlet = (typeof VmmTable.Type)[number]

const CoreTable = Schema.fromJsonString(Schema.Struct({ commands: Schema.Record(Schema.String, Schema.String) }))

const file = (variable: string): string | undefined => {
  const path = process.env[variable]
  return path !== undefined && fs.existsSync(path) ? fs.readFileSync(path, "utf8") : undefined
}

/** Undefined when SCVMM_CMDLETS names no file. */
export const vmm = (): ReadonlyMap<string, Cmdlet> | undefined => {
  const text = file("SCVMM_CMDLETS")
  return text === undefined
    ? undefined
    : new Map(Schema.decodeUnknownSync(VmmTable)(text).map((cmdlet) => [cmdlet.name, cmdlet]))
}

/** Command → parameter names; undefined when PS51_COMMANDS names no file. */
export const core = (): ReadonlyMap<string, ReadonlySet<string>> | undefined => {
  const text = file("PS51_COMMANDS")
  return text === undefined
    ? undefined
    : new Map(
        Object.entries(Schema.decodeUnknownSync(CoreTable)(text).commands).map(([name, parameters]) => [
          name,
          new Set(parameters.split(" "))
        ])
      )
}
