/** `--record-wire`: the flag of every command that talks to SCVMM, and what it does. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Flag from "effect/cli/Flag"
import * as WireRecorder from "../../layers/scvmm/WireRecorder.ts"
import { SettingInvalid } from "./SettingInvalid.ts"

export const flag = Flag.String("record-wire").pipe(
  Flag.withMetavar("file"),
  Flag.withDescription(
    "new file for what is exchanged with SCVMM, without passwords, bootstrap data, variables and extra functions: for support cases"
  ),
  Flag.optional
)

/** What records into `file`, until the scope ends; nothing without one. SettingInvalid when it exists or cannot be made. */
export const start = Effect.fnUntraced(function* (file: string | undefined) {
  if (file === undefined) return Layer.empty
  const context = yield* Layer.build(WireRecorder.layer(file)).pipe(
    Effect.mapError(({ message }) => new SettingInvalid({ message: `--record-wire: ${message}` }))
  )
  return Layer.succeedContext(context)
})

/** Fails as `start` would, and leaves nothing behind: for a command that hands the flag on to another process. */
export const check = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  yield* Effect.scoped(start(file))
  yield* Effect.orDie(files.remove(file))
})

/** Each process has a recording of its own: FILE, FILE.2 and so on. */
export const fileOf = (file: string, process: number): string => (process === 1 ? file : `${file}.${process}`)
