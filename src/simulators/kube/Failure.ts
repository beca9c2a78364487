/** What the API server refuses, in the words and codes of the real one: metav1.Status. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { KubeJson } from "./KubeJson.ts"

/** One entry of `details.causes` of an Invalid status. */
export interface Cause {
  readonly reason:
    | "FieldValueInvalid"
    | "FieldValueTypeInvalid"
    | "FieldValueRequired"
    | "FieldValueDuplicate"
    | "FieldValueNotSupported"
    | "FieldValueForbidden"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
  readonly field: string
  readonly message: string
}

/** Enough of a kind to name it in a message. */
export interface Named {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

export class Failure extends Data.TaggedError("ApiFailure")<{
  readonly code: number
  readonly reason: string
  readonly text: string
  readonly details?: KubeJson
}> {
  override get message(): string {
    return this.text
  }
}

export const status = (failure: Failure): KubeJson => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  message: failure.text,
  ...(failure.reason !== "" && { reason: failure.reason }),
  ...(failure.details !== undefined && { details: failure.details }),
  code: failure.code
})

const qualified = (name: string, group: string): string => (group === "" ? name : `${name}.${group}`)

const subject = (group: string, kind: string, name: string): KubeJson => ({
  ...(name !== "" && { name }),
  ...(group !== "" && { group }),
  ...(kind !== "" && { kind })
})

const failure = (code: number, reason: string, text: string, details?: KubeJson): Failure =>
  new Failure({ code, reason, text, ...(details !== undefined && { details }) })

export const badRequest = (text: string): Failure => failure(400, "BadRequest", text)

export const unauthorized = failure(401, "Unauthorized", "Unauthorized")

export const notFound = (kind: Named, name: string): Failure =>
  failure(
    404,
    "NotFound",
    `${qualified(kind.plural, kind.group)} "${name}" not found`,
    subject(kind.group, kind.plural, name)
  )

export const forbidden = (
  kind: Pick<Named, "group" | "plural">,
  name: string,
  text: string,
  causes: ReadonlyArray<KubeJson> = []
): Failure =>
  failure(
    403,
    "Forbidden",
    `${qualified(kind.plural, kind.group)}${name === "" ? "" : ` "${name}"`} is forbidden: ${text}`,
    {
      ...subject(kind.group, kind.plural, name),
      ...(causes.length > 0 && { causes })
    }
  )

/** For a path without a resource. */
export const forbiddenPath = (text: string): Failure => failure(403, "Forbidden", `forbidden: ${text}`, {})

export const methodNotAllowed = (kind: Named, verb: string): Failure =>
  failure(
    405,
    "MethodNotAllowed",
    `${verb} is not supported on resources of kind "${qualified(kind.plural, kind.group)}"`,
    subject(kind.group, kind.plural, "")
  )

/** For a path below a group version of the server's own that means nothing. */
export const noResource = failure(404, "NotFound", "the server could not find the requested resource", {})

/** For a method that a path does not know. */
export const methodRefused = failure(
  405,
  "MethodNotAllowed",
  "the server does not allow this method on the requested resource",
  {}
)

/** The media types that answers come in. */
export const notAcceptable = failure(
  406,
  "NotAcceptable",
  "only the following media types are accepted: application/json, application/yaml"
)

/** For a shape that an answer does not have. */
export const unfitting = (text: string): Failure => failure(406, "NotAcceptable", text)

export const alreadyExists = (kind: Named, name: string, deleting: boolean): Failure =>
  failure(
    409,
    "AlreadyExists",
    `${deleting ? "object is being deleted: " : ""}${qualified(kind.plural, kind.group)} "${name}" already exists`,
    subject(kind.group, kind.plural, name)
  )

export const conflict = (kind: Named, name: string, text: string): Failure =>
  failure(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(kind.plural, kind.group)} "${name}": ${text}`,
    subject(kind.group, kind.plural, name)
  )

export const modified = (kind: Named, name: string): Failure =>
  conflict(kind, name, "the object has been modified; please apply your changes to the latest version and try again")

export const expired = (text: string): Failure => failure(410, "Expired", text)

export const tooLarge = (limit: number): Failure =>
  failure(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limit}`)

export const unsupportedMediaType = (accepted: ReadonlyArray<string>): Failure =>
  failure(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`
  )

/** For a media type that a route of the server's own kinds does not take. */
export const unconsumed = failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})

/** A patch that cannot be applied: a failed test, a missing path. */
export const unprocessable = failure(
  422,
  "Invalid",
  "the server rejected our request due to an error in our request",
  {}
)

const list = (parts: ReadonlyArray<string>): string => (parts.length === 1 ? parts.join("") : `[${parts.join(", ")}]`)

/** 422 of a kind ("CreateOptions" of meta.k8s.io for query parameters). */
export const invalid = (group: string, kind: string, name: string, causes: ReadonlyArray<Cause>): Failure =>
  failure(
    422,
    "Invalid",
    `${qualified(kind, group)} "${name}" is invalid: ${list(causes.map((cause) => `${cause.field}: ${cause.message}`))}`,
    {
      ...subject(group, kind, name),
      causes: causes.map((cause) => ({ reason: cause.reason, message: cause.message, field: cause.field }))
    }
  )

export const internal = (text: string): Failure => failure(500, "", text)

/** A fault of the server's own, as apierrors.NewInternalError words it. */
export const internalError = (text: string): Failure =>
  failure(500, "InternalError", `Internal error occurred: ${text}`, { causes: [{ message: text }] })

export const notImplemented = (text: string): Failure => failure(501, "NotImplemented", text)

/** Runs synchronous rules that throw a Failure; whatever else they throw is a defect. */
export const attempt = <A>(rules: () => A): Effect.Effect<A, Failure> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(rules())
    } catch (error) {
      return error instanceof Failure ? Effect.fail(error) : Effect.die(error)
    }
  })
