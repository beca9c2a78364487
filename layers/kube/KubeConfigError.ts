/** Why there is no usable access to a Kubernetes API: which file, which field, what is wrong with it. */
import * as Schema from "effect/Schema"

export class KubeConfigError extends Schema.TaggedError<KubeConfigError>()("KubeConfigError", {
  reason: Schema.Literals(["Unreadable", "Malformed", "Unsupported", "Failed"]),
  /** The file, or the environment variable, that was looked at. */
  path: Schema.String,
  /** Where in it; "" is the whole. */
  field: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return [this.path, this.field, this.detail].filter((part) => part !== "").join(": ")
  }
}
