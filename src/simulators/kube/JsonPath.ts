/** The part of kubectl's JSONPath that printer columns use: fields, indexes, [*] or [], and one equality filter. */
import { at, isArray, isObject, type Json } from "./KubeJson.ts"

type Step = (value: Json) => ReadonlyArray<Json>

const field =
  (name: string): Step =>
  (value) => {
    const found = isObject(value) ? at(value, name) : undefined
    return found === undefined ? [] : [found]
  }

const every: Step = (value) => (isArray(value) ? value : isObject(value) ? Object.values(value) : [])

const item =
  (index: number): Step =>
  (value) => {
    const found = isArray(value) ? value.at(index) : undefined
    return found === undefined ? [] : [found]
  }

const where =
  (path: string, wanted: string): Step =>
  (value) =>
    isArray(value) ? value.filter((each) => String(at(each, ...path.split("."))) === wanted) : []

const grammar =
  /\.([A-Za-z0-9_-]+(?:\\\.[A-Za-z0-9_./-]+)*)|\[(-?\d+)\]|\[(\*?)\]|\[\?\(@\.([\w.-]+)\s*==\s*(?:"([^"]*)"|'([^']*)'|([^)\s]+))\)\]|\['([^']+)'\]/gu

/** What a path selects, in order; a path outside the grammar selects by the part that was understood. */
export const select = (value: Json, path: string): ReadonlyArray<Json> =>
  [...path.matchAll(grammar)]
    .map(([, name, index, star, filter, double, single, bare, quoted]): Step => {
      if (name !== undefined) return field(name.replaceAll("\\.", "."))
      if (index !== undefined) return item(Number(index))
      if (star !== undefined) return every
      if (filter !== undefined) return where(filter, double ?? single ?? bare ?? "")
      return field(quoted ?? "")
    })
    .reduce<ReadonlyArray<Json>>((found, step) => found.flatMap(step), [value])
