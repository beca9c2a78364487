/** Label and field selectors of list, watch and deletecollection. */
import { badRequest } from "./Failure.ts"
import type { Kind } from "./Kind.ts"
import { metadata, text, textMap, type KubeJson } from "./KubeJson.ts"
import { labelKeyFaults, labelValueFault } from "./MetadataRules.ts"

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
    const fault = labelKeyFaults(key).join("; ")
    if (key === "" || !isWord(key))
      throw badRequest(`unable to parse requirement: found '${key}', expected: identifier`)
    if (fault !== "") throw badRequest(`unable to parse requirement: <nil>: Invalid value: "${key}": ${fault}`)
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
    if (peek() !== "" && peek() !== "," && !isWord(peek())) {
      throw badRequest(`unable to parse requirement: found '${peek()}', expected: identifier`)
    }
    const value = isWord(peek()) ? next() : ""
    const fault = labelValueFault(value)
    if (fault !== undefined)
      throw badRequest(`unable to parse requirement: values[0][${key}]: Invalid value: "${value}": ${fault}`)
    if ((operator === "<" || operator === ">") && !/^-?\d+$/u.test(value)) {
      throw badRequest(
        `unable to parse requirement: values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`
      )
    }
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

/** The terms of a field selector: commas and backslashes of values are escaped. */
const split = (selector: string): ReadonlyArray<string> =>
  (selector.match(/(?:\\.|[^,\\])+/gsu) ?? []).filter((term) => term !== "")

const unescaped = (value: string): string => {
  const wrong = /(?:^|[^\\])(?:\\\\)*(=)/u.exec(value)?.[1]
  if (wrong !== undefined) {
    throw badRequest(`invalid field selector: unescaped character in value: ${wrong.codePointAt(0)}`)
  }
  return value.replaceAll(/\\(.)/gsu, "$1")
}

const unsupported = (label: string, kind: Kind): Error =>
  kind.custom || Object.keys(kind.fieldLabels).length > 0
    ? badRequest(`field label not supported: ${label}`)
    : badRequest(`${JSON.stringify(label)} is not a known field selector: only "metadata.name", "metadata.namespace"`)

interface Term {
  readonly label: string
  readonly not: boolean
  readonly value: string
}

/** Terms `path=value`, `path==value`, `path!=value`, joined by commas. Throws 400. */
export const terms = (selector: string): ReadonlyArray<Term> =>
  split(selector).map((term) => {
    const match = /^(.*?)(==|!=|=)(.*)$/su.exec(term)
    if (match === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`)
    const [, label = "", operator, given = ""] = match
    return { label, not: operator === "!=", value: unescaped(given) }
  })

/** Throws 400 for a field that objects of the kind are not selected by. */
export const fields = (parsed: ReadonlyArray<Term>, kind: Kind): Predicate => {
  const predicates = parsed.map(({ label, not, value }): Predicate => {
    const path =
      label === "metadata.name" || label === "metadata.namespace" ? label.split(".") : kind.fieldLabels[label]
    if (path === undefined) throw unsupported(label, kind)
    return (object) => (text(object, ...path) === value) !== not
  })
  return (object) => predicates.every((holds) => holds(object))
}
