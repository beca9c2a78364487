/** Strategic merge patches (k8s.io/apimachinery strategicpatch): merge patches that know which lists are maps or sets. */
import * as Failure from "./Failure.ts"
import type { Kind } from "./Kind.ts"
import { equals, isArray, isObject, type Json, type KubeJson } from "./KubeJson.ts"
import { mergeKeys, type MergeKeys } from "./MergeKeys.ts"

type List = ReadonlyArray<Json>

const order = "$setElementOrder/"
const dropFromList = "$deleteFromPrimitiveList/"

/** As Go prints a value. */
const printed = (value: Json): string =>
  isObject(value)
    ? `map[${Object.keys(value)
        .toSorted()
        .map((field) => `${field}:${printed(value[field] ?? null)}`)
        .join(" ")}]`
    : isArray(value)
      ? `[${value.map(printed).join(" ")}]`
      : typeof value === "string"
        ? value
        : JSON.stringify(value)

const keyOf = (item: Json, key: string): Json => (key === "" ? item : isObject(item) ? (item[key] ?? null) : null)

const has = (list: List, item: Json, key: string): boolean =>
  list.some((other) => equals(keyOf(other, key), keyOf(item, key)))

const indexIn = (list: List, item: Json, key: string): number =>
  list.findIndex((other) => equals(keyOf(other, key), keyOf(item, key)))

/** A part of a patch that meets nothing: without directives and nulls. */
const plain = (patch: Json): Json => {
  if (isArray(patch)) return patch.filter((item) => !isObject(item) || item["$patch"] === undefined).map(plain)
  if (!isObject(patch)) return patch
  const kept = Object.entries(patch).filter(([field, value]) => value !== null && !field.startsWith("$"))
  return Object.fromEntries(kept.map(([field, value]) => [field, plain(value)]))
}

/**
 * The items that `wanted` names in its order, the others between them where `before` had them; what `before` does not
 * know comes as early as it can.
 */
const ordered = (merged: List, wanted: List, before: List, key: string): List => {
  const named = merged
    .filter((item) => has(wanted, item, key))
    .toSorted((a, b) => indexIn(wanted, a, key) - indexIn(wanted, b, key))
  const others = merged
    .filter((item) => !has(wanted, item, key))
    .toSorted((a, b) => indexIn(before, a, key) - indexIn(before, b, key))
  const result: Array<Json> = []
  let next = 0
  for (const item of named) {
    const position = indexIn(before, item, key)
    const isEarlier = (other: Json | undefined) => {
      const held = other === undefined ? -1 : indexIn(before, other, key)
      return held >= 0 && held < position
    }
    for (; isEarlier(others[next]); next++) result.push(...others.slice(next, next + 1))
    result.push(item)
  }
  return [...result, ...others.slice(next)]
}

const mergeLists = (current: List, patch: List, key: string, path: string, keys: MergeKeys): List => {
  if (key === "") {
    const both = [...current, ...patch]
    return ordered(
      both.filter((item, index) => both.indexOf(item) === index),
      patch,
      current,
      ""
    )
  }
  const items = patch.map((item) => {
    if (isObject(item) && item[key] !== undefined) return item
    if (isObject(item) && item["$patch"] === "replace") return item
    throw Failure.internal(`map: ${printed(item)} does not contain declared merge key: ${key}`)
  })
  if (items.some((item) => item["$patch"] === "replace")) {
    return items.filter((item) => item["$patch"] === undefined).map(plain)
  }
  const [deleted, wanted] = [
    items.filter((item) => item["$patch"] === "delete"),
    items.filter((item) => item["$patch"] !== "delete")
  ]
  const left = current.filter((item) => !has(deleted, item, key))
  const changed = left.map((item) => {
    const found = wanted.find((other) => equals(other[key], keyOf(item, key)))
    return found === undefined || !isObject(item) ? item : mergeObjects(item, found, path, keys)
  })
  const added = wanted.filter((item) => !has(left, item, key)).map(plain)
  return ordered([...changed, ...added], wanted, left, key)
}

const listOf = (value: Json | undefined): List | undefined => (isArray(value) ? value : undefined)

/** Throws 500 for items that the order does not name in the order they come in. */
const requireOrder = (given: List, directive: string, sequence: List, key: string) => {
  const kept = given.filter((item) => !isObject(item) || item["$patch"] === undefined)
  let next = 0
  for (const item of sequence) if (next < kept.length && indexIn(kept.slice(next, next + 1), item, key) === 0) next += 1
  if (next === kept.length) return
  const name = directive.slice(0, order.length - 1)
  throw Failure.internal(
    `The order in patch list:\n${printed(given)}\n doesn't match ${name} list:\n${printed(sequence)}\n`
  )
}

/** The lists whose order the patch lays down, merged and ordered. */
const orderedLists = (current: KubeJson, patch: KubeJson, path: string, keys: MergeKeys): Record<string, Json> => {
  const result: Record<string, Json> = {}
  for (const [directive, wanted] of Object.entries(patch)) {
    if (!directive.startsWith(order)) continue
    const field = directive.slice(order.length)
    const key = keys[`${path}${field}`]
    const [kept, given, sequence] = [listOf(current[field]), listOf(patch[field]), listOf(wanted)]
    // A Go object has no empty lists once it is JSON.
    const held = kept?.length === 0 ? undefined : kept
    if (sequence === undefined) throw Failure.internal(`${directive} is no list`)
    if (key === undefined || (held === undefined && given === undefined)) continue
    requireOrder(given ?? [], directive, sequence, key)
    // It asks the items what they are, and there is none to ask.
    if ((held ?? []).length + (given ?? []).length === 0)
      throw Failure.internal("no elements in any of the given slices")
    const merged =
      held === undefined
        ? (given ?? []).map(plain)
        : given === undefined
          ? held
          : mergeLists(held, given, key, `${path}${field}.`, keys)
    result[field] = [...ordered(merged, sequence, held ?? [], key)]
  }
  return result
}

const mergeObjects = (current: KubeJson, patch: KubeJson, path: string, keys: MergeKeys): KubeJson => {
  const { $patch: directive, $retainKeys: retained } = patch
  if (directive === "replace") return Object.fromEntries(Object.entries(patch).filter(([field]) => field !== "$patch"))
  if (directive === "delete") return {}
  if (directive !== undefined && directive !== "merge") {
    throw Failure.internal(`unknown patch type: ${printed(directive)} in map: ${printed(patch)}`)
  }
  const kept = listOf(retained)
  const start =
    kept === undefined ? current : Object.fromEntries(Object.entries(current).filter(([k]) => kept.includes(k)))
  const settled = orderedLists(start, patch, path, keys)
  const result: Record<string, Json> = { ...start, ...settled }
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith(dropFromList)) {
      const name = field.slice(dropFromList.length)
      const [held, dropped] = [listOf(result[name]), listOf(value)]
      if (held !== undefined && dropped !== undefined) result[name] = held.filter((item) => !dropped.includes(item))
    }
    if (field.startsWith("$") || Object.hasOwn(settled, field)) continue
    const held = Object.hasOwn(result, field) ? result[field] : undefined
    const key = keys[`${path}${field}`]
    if (value === null) delete result[field]
    else if (isObject(value) && isObject(held)) result[field] = mergeObjects(held, value, `${path}${field}.`, keys)
    else if (isArray(value) && isArray(held) && key !== undefined) {
      result[field] = [...mergeLists(held, value, key, `${path}${field}.`, keys)]
    } else result[field] = isArray(value) && key === undefined ? value : plain(value)
  }
  return result
}

/** `current` after the patch. Throws 500 for list items without their merge key and for directives that mean nothing. */
export const apply = (kind: Kind, current: KubeJson, patch: KubeJson): KubeJson =>
  mergeObjects(current, patch, "", mergeKeys(kind))
