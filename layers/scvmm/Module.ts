/** The PowerShell module's text, read from functions/ beside this file. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { moduleText } from "./Catalogue.ts"

export class ModuleUnreadable extends Data.TaggedError("ModuleUnreadable")<{ readonly cause: unknown }> {
  override get message() {
    return `the PowerShell functions cannot be read: ${String(this.cause)}`
  }
}

export const folder = new URL("./functions/", import.meta.url)

/** File name → text of every function. */
export const files: Effect.Effect<ReadonlyMap<string, string>, ModuleUnreadable> = Effect.try({
  try: () =>
    new Map(
      fs
        .readdirSync(folder)
        .filter((name) => name.endsWith(".ps1"))
        .map((name) => [name, fs.readFileSync(new URL(name, folder), "utf8")] as const)
    ),
  catch: (cause) => new ModuleUnreadable({ cause })
})

export const text: Effect.Effect<string, ModuleUnreadable> = Effect.map(files, moduleText)
