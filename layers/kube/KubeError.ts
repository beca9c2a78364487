/** What a Kubernetes API can refuse, typed by what the caller must do about it. */
import * as Schema from "effect/Schema"
import type { Retry } from "../../schemas/Retry.ts"
import type { NotLeader } from "../Fence.ts"

const request = { method: Schema.String, path: Schema.String, detail: Schema.String }

const say = (what: string, self: { readonly method: string; readonly path: string; readonly detail: string }): string =>
  `${self.method} ${self.path}: ${what}${self.detail === "" ? "" : `: ${self.detail}`}`

/** 404. */
export class NotFound extends Schema.TaggedError<NotFound>()("KubeNotFound", request) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return say("not found", this)
  }
}
/** 409: somebody else wrote first, or the object exists already (`reason` AlreadyExists). */
export class Conflict extends Schema.TaggedError<Conflict>()("KubeConflict", {
  ...request,
  reason: Schema.Literals(["Conflict", "AlreadyExists"])
}) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return say(this.reason === "Conflict" ? "conflict" : "already exists", this)
  }
}
/** 410: the resourceVersion or continue token is too old; list again. */
export class Gone extends Schema.TaggedError<Gone>()("KubeGone", request) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return say("expired", this)
  }
}
/** 401 or 403. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("KubeForbidden", { ...request, status: Schema.Int }) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return say(this.status === 401 ? "unauthorized" : "forbidden", this)
  }
}
/** 400, 415 or 422: the request itself is wrong; causes name fields. */
export class Invalid extends Schema.TaggedError<Invalid>()("KubeInvalid", {
  ...request,
  status: Schema.Int,
  causes: Schema.Array(Schema.Struct({ field: Schema.String, reason: Schema.String, message: Schema.String }))
}) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return say("invalid", this)
  }
}
/** 429. */
export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()("KubeTooManyRequests", {
  ...request,
  retryAfterSeconds: Schema.Finite
}) {
  get retry(): Retry {
    return { afterMillis: this.retryAfterSeconds * 1000 }
  }
  override get message(): string {
    return say(`throttled for ${this.retryAfterSeconds} s`, this)
  }
}
/** 5xx, or an answer that is not Kubernetes JSON. */
export class ServerFault extends Schema.TaggedError<ServerFault>()("KubeServerFault", {
  ...request,
  status: Schema.Int,
  /** When the server said when to come back. */
  retryAfterSeconds: Schema.optionalKey(Schema.Finite)
}) {
  get retry(): Retry {
    return this.retryAfterSeconds === undefined ? "backoff" : { afterMillis: this.retryAfterSeconds * 1000 }
  }
  override get message(): string {
    return say(`status ${this.status}`, this)
  }
}
/** Nothing was sent: a file, a plugin or an issuer did not give what to log on with. */
export class NoCredentials extends Schema.TaggedError<NoCredentials>()("KubeNoCredentials", request) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return say("not sent, no credentials", this)
  }
}
/** No answer: connection refused, reset, timed out, TLS. A write may or may not have happened. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("KubeUnreachable", {
  ...request,
  cause: Schema.Defect()
}) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return say("no answer", this)
  }
}

export type KubeError =
  | NotFound
  | Conflict
  | Gone
  | Forbidden
  | Invalid
  | TooManyRequests
  | ServerFault
  | NoCredentials
  | Unreachable
  | NotLeader
