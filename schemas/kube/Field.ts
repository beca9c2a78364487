/** Fields of an API kind: a schema with the description, default and list semantics that its CRD shows. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Annotations that a CRD knows beyond JSON Schema. */
interface Extension {
  readonly "x-kubernetes-list-type"?: "map" | "set" | "atomic"
  readonly "x-kubernetes-list-map-keys"?: ReadonlyArray<string>
  readonly "x-kubernetes-map-type"?: "atomic" | "granular"
  readonly "x-kubernetes-int-or-string"?: true
  readonly format?: "int32" | "int64" | "date-time" | "byte"
  readonly minProperties?: number
}

/** Adds annotations that only CRDs read. */
export const extend = <S extends Schema.Top>(schema: S, extension: Extension): S["Rebuild"] =>
  schema.annotate({ ...extension })

/** The CRD shows the encoded side, editors the decoded one: of a transformed field, such as a quantity, both are described. */
const describe = <S extends Schema.Top>(schema: S, description: string): S["Rebuild"] =>
  // Neither call changes the type, which their signatures cannot say of an unknown S.
  (Schema.annotateEncoded<S>({ description })(schema) as unknown as S).annotate({ description })

export const required = describe

export const optional = <S extends Schema.Top>(schema: S, description: string): Schema.optionalKey<S["Rebuild"]> =>
  Schema.optionalKey(describe(schema, description))

/** Absent means `value`: in the CRD, so that the server writes it, and when an object without it is decoded. */
export const defaulted = <S extends Schema.Top>(
  schema: S,
  value: NoInfer<S["Encoded"]>,
  description: string
): Schema.withDecodingDefaultKey<S> => {
  // annotate keeps the type of a schema, which its signature cannot say of an unknown S.
  const annotated = schema.annotate({ description, default: value }) as unknown as S
  return annotated.pipe(Schema.withDecodingDefaultKey<S>(Effect.succeed(value)))
}

/** A group of fields that all have defaults: decoded as if `{}` stood there, never written by the server. */
export const group = <S extends Schema.Top>(schema: S, description: string): Schema.withDecodingDefaultKey<S> => {
  const annotated = schema.annotate({ description }) as unknown as S
  return annotated.pipe(Schema.withDecodingDefaultKey<S>(Effect.succeed({})))
}

/** A list that is merged by `keys`. */
export const listMap = <S extends Schema.Top>(item: S, ...keys: ReadonlyArray<string>): Schema.$Array<S> =>
  extend(Schema.Array(item), { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys })

export const listSet = <S extends Schema.Top>(item: S): Schema.$Array<S> =>
  extend(Schema.Array(item), { "x-kubernetes-list-type": "set" })

export const stringMap = Schema.Record(Schema.String, Schema.String)

export const int32 = extend(Schema.Int, { format: "int32" })
export const int64 = extend(Schema.Int, { format: "int64" })
export const between = (minimum: number, maximum: number) => int32.check(Schema.isBetween({ minimum, maximum }))
/** RFC 3339, kept as text. */
export const timestamp = extend(Schema.String, { format: "date-time" })
export const text = (minimum: number, maximum: number) =>
  Schema.String.check(Schema.isMinLength(minimum), Schema.isMaxLength(maximum))
