/** Label and field selectors of list, watch and deletecollection. */
import { badRequest } from "./Failure.ts"
import type { Kind } from "./Kind.ts"
import { metadata, text, textMap, type KubeJson } from "./KubeJson.ts"
import { labelKeyFault, labelValueFault } from "./MetadataRules.ts"

export type Predicate = (object: KubeJson) => boolean

type Labels = Readonly<Record<string, string>>
type Requirement = (labels: Labels) => boolean

const operators = "in, notin, =, ==, !=, gt, lt"

const lex = (selector: string): ReadonlyArray<string> => selector.match(/==|!=|[=!,()<>]|[^\s=!,()<>]+/gu) ?? []

/** Reads one selector after the other from its tokens. Throws 400 in the words of the real server. */
const requirements = (selector: string): ReadonlyArray<Requirement> => {
  const tokens = lex(selector)
  const found: Array<Requirement> = []
  let position = 0
  const peek = (): string => tokens[position] ?? ""
  const next = (): string => tokens[position++] ?? ""
  const isWord = (token: string): boolean => token !== "" && !/^(?:[=!,()<>]|==|!=)$/u.test(token)
  const checked = (key: string): string => {
    const fault = labelKeyFault(key)
    if (fault !== undefined) throw badRequest(`unable to parse requirement: <nil>: Invalid value: "${key}": ${fault}`)
    return key
  }
  const values = (): ReadonlySet<string> => {
    const list = new Set<string>()
    const open = next()
    if (open !== "(") throw badRequest(`unable to parse requirement: found '${open}' expected: '('`)
    let value = ""
    for (let token = next(); token !== ")"; token = next()) {
      if (token === ",") {
        list.add(value)
        value = ""
      } else if (isWord(token)) value = token
      else throw badRequest(`unable to parse requirement: found '${token}', expected: ',' or ')'`)
    }
    return list.add(value)
  }
  const requirement = (): Requirement => {
    if (peek() === "!") {
      next()
      const key = checked(next())
      return (labels) => !Object.hasOwn(labels, key)
    }
    if (!isWord(peek())) throw badRequest(`found '${peek()}', expected: !, identifier, or 'end of string'`)
    const key = checked(next())
    const operator = peek()
    if (operator === "" || operator === ",") return (labels) => Object.hasOwn(labels, key)
    next()
    if (operator === "in" || operator === "notin") {
      const allowed = values()
      return operator === "in"
        ? (labels) => Object.hasOwn(labels, key) && allowed.has(labels[key] ?? "")
        : (labels) => !Object.hasOwn(labels, key) || !allowed.has(labels[key] ?? "")
    }
    if (!["=", "==", "!=", "<", ">"].includes(operator)) {
      throw badRequest(`unable to parse requirement: found '${operator}', expected: ${operators}`)
    }
    const value = isWord(peek()) ? next() : ""
    const fault = labelValueFault(value)
    if (fault !== undefined)
      throw badRequest(`unable to parse requirement: values[0][${key}]: Invalid value: "${value}": ${fault}`)
    if (operator === "<") return (labels) => Number(labels[key]) < Number(value)
    if (operator === ">") return (labels) => Number(labels[key]) > Number(value)
    return operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value
  }
  while (position < tokens.length) {
    found.push(requirement())
    if (position < tokens.length) {
      const separator = next()
      if (separator !== ",") throw badRequest(`found '${separator}', expected: ',' or 'end of string'`)
      if (!isWord(peek()) && peek() !== "!") throw badRequest(`found '${peek()}', expected: identifier after ','`)
    }
  }
  return found
}

export const labels = (selector: string): Predicate => {
  const all = requirements(selector)
  return all.length === 0
    ? () => true
    : (object) => {
        const held = textMap(metadata(object), "labels")
        return all.every((requirement) => requirement(held))
      }
}

/** Terms `path=value`, `path==value`, `path!=value`, joined by commas. */
export const fields = (selector: string, kind: Kind): Predicate => {
  const terms = selector
    .split(",")
    .filter((term) => term !== "")
    .map((term): Predicate => {
      const match = /^([^=!]+)(==|!=|=)(.*)$/u.exec(term)
      if (match === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`)
      const [, label = "", operator, value] = match
      const path =
        label === "metadata.name" || label === "metadata.namespace" ? label.split(".") : kind.fieldLabels[label]
      if (path === undefined) throw badRequest(`field label not supported: ${label}`)
      return operator === "!="
        ? (object) => text(object, ...path) !== value
        : (object) => text(object, ...path) === value
    })
  return (object) => terms.every((term) => term(object))
}
