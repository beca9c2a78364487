/** A setting that cannot be used: exit code 2, as for a wrong flag. */
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"

export class SettingInvalid extends Data.TaggedError("SettingInvalid")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = 2
}
