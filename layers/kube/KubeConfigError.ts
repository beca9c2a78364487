/** Why there is no usable access to a Kubernetes API: which file, which field, what is wrong with it. */
import * as Schema from "effect/Schema"

export class KubeConfigError extends Schema.TaggedError<KubeConfigError>()("KubeConfigError", {
  reason: Schema.Literals(["NotFound", "Unreadable", "Malformed", "Unsupported", "NotAllowed", "Failed"]),
  /** The file, the environment variable or the Secret that was looked at. */
  path: Schema.String,
  /** Where in it; "" is the whole. */
  field: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return [this.path, this.field, this.detail].filter((part) => part !== "").join(": ")
  }
}

export const malformed = (path: string, field: string, detail: string) =>
  new KubeConfigError({ reason: "Malformed", path, field, detail })
export const unsupported = (path: string, field: string, what: string) =>
  new KubeConfigError({
    reason: "Unsupported",
    path,
    field,
    detail: `${what} is not supported: use a client certificate, a token, a tokenFile or an exec plugin`
  })
