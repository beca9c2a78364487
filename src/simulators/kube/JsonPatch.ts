/** RFC 6902 JSON patches as the real API server applies them. */
import * as Data from "effect/Data"
import { unmarshalFault } from "./GoJson.ts"
import { equals, isArray, isObject, type Json } from "./KubeJson.ts"

/** The patch is no list of operations. */
export class Malformed extends Data.TaggedError("JsonPatchMalformed")<{ readonly text: string }> {}
/** A test failed, or a path leads nowhere. */
export class Inapplicable extends Data.TaggedError("JsonPatchInapplicable")<{ readonly text: string }> {}

/** What stands before the first slash means nothing to the real server, either. */
const tokens = (pointer: string): ReadonlyArray<string> => {
  const [, ...found] = pointer.split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
  if (found.length === 0) throw new Inapplicable({ text: "the whole document cannot be changed" })
  return found
}

/** A negative index counts from the end. */
const index = (token: string, length: number, pointer: string): number => {
  const given = /^-?\d+$/u.test(token) ? Number(token) : Number.NaN
  const found = given < 0 ? given + length : given
  if (!(found >= 0 && found < length)) throw new Inapplicable({ text: `no item ${token} at "${pointer}"` })
  return found
}

const read = (document: Json, pointer: string): Json | undefined => {
  let current: Json | undefined = document
  for (const token of tokens(pointer)) {
    if (isArray(current)) current = current[index(token, current.length, pointer)]
    else if (isObject(current)) current = Object.hasOwn(current, token) ? current[token] : undefined
    else throw new Inapplicable({ text: `nothing above "${pointer}"` })
  }
  return current
}

type Change = { readonly to: "add" | "replace"; readonly value: Json } | { readonly to: "remove" }

const changeItem = (list: ReadonlyArray<Json>, token: string, change: Change, pointer: string): Json => {
  if (change.to === "remove") return list.toSpliced(index(token, list.length, pointer), 1)
  if (change.to === "replace") return list.with(index(token, list.length, pointer), change.value)
  if (token === "-") return [...list, change.value]
  return list.toSpliced(index(token, list.length + 1, pointer), 0, change.value)
}

const changeAt = (document: Json | undefined, path: ReadonlyArray<string>, change: Change, pointer: string): Json => {
  const [token, ...rest] = path
  if (token === undefined) throw new Inapplicable({ text: `nothing at "${pointer}"` })
  if (isArray(document)) {
    if (rest.length === 0) return changeItem(document, token, change, pointer)
    const position = index(token, document.length, pointer)
    return document.with(position, changeAt(document[position], rest, change, pointer))
  }
  if (!isObject(document)) throw new Inapplicable({ text: `nothing above "${pointer}"` })
  const held = Object.hasOwn(document, token)
  const result = { ...document }
  // Replacing what is not there is refused by the RFC; the API server adds it, for objects alone.
  if (rest.length === 0 && change.to !== "remove") return { ...result, [token]: change.value }
  if (!held) throw new Inapplicable({ text: `nothing at "${pointer}"` })
  if (rest.length > 0) return { ...result, [token]: changeAt(document[token], rest, change, pointer) }
  delete result[token]
  return result
}

const change = (document: Json, pointer: string, to: Change): Json => changeAt(document, tokens(pointer), to, pointer)

const step = (document: Json, operation: Json): Json => {
  if (!isObject(operation))
    throw new Malformed({ text: unmarshalFault(operation, "value of type handlers.jsonPatchOp") })
  const { op, path, from, value = null } = operation
  if (typeof path !== "string") throw new Inapplicable({ text: "an operation has no path" })
  switch (op) {
    case "add":
    case "replace":
      return change(document, path, { to: op, value })
    case "remove":
      return change(document, path, { to: "remove" })
    case "test":
      if (equals(read(document, path) ?? null, value)) return document
      throw new Inapplicable({ text: `the test of "${path}" failed` })
    case "copy":
    case "move": {
      if (typeof from !== "string") throw new Inapplicable({ text: `${op} to "${path}" has no from` })
      const moved = read(document, from)
      if (moved === undefined) throw new Inapplicable({ text: `nothing at "${from}"` })
      const source = op === "move" ? change(document, from, { to: "remove" }) : document
      return change(source, path, { to: "add", value: moved })
    }
    default:
      throw new Inapplicable({ text: "an operation of unknown kind" })
  }
}

/** `document` after all operations, or none of them. Throws {@link Malformed} or {@link Inapplicable}. */
export const apply = (document: Json, patch: Json): Json => {
  if (patch === null) return document
  if (!isArray(patch)) throw new Malformed({ text: unmarshalFault(patch, "value of type []handlers.jsonPatchOp") })
  return patch.reduce(step, document)
}

const known = new Set(["op", "path", "from", "value"])

/** Fields of operations that mean nothing, as `[index].field`. */
export const unknownFields = (patch: Json): ReadonlyArray<string> =>
  isArray(patch)
    ? patch.flatMap((operation, position) =>
        isObject(operation)
          ? Object.keys(operation)
              .filter((field) => !known.has(field))
              .map((field) => `[${position}].${field}`)
          : []
      )
    : []
