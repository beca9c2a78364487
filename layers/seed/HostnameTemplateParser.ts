/** Reads a host name's template: text and `{{ }}` actions with trim markers, pipelines, literals, fields, parentheses. */
import * as Result from "effect/Result"

export type Term =
  | { readonly _tag: "Literal"; readonly value: string | number | boolean }
  | { readonly _tag: "Field"; readonly path: ReadonlyArray<string> }
  | { readonly _tag: "Group"; readonly pipeline: Pipeline }

/** A function with its arguments, or, without a name, one value. */
export interface Command {
  readonly name: string | undefined
  readonly terms: ReadonlyArray<Term>
}

export type Pipeline = ReadonlyArray<Command>

const keywords = new Set(["if", "else", "end", "with", "range", "define", "template", "block", "break", "continue"])

const token =
  /\s*(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|(\$?(?:\.\w+)+|\$?\.(?!\w))|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)|([()|]))/uy

const tokensOf = (source: string): Result.Result<ReadonlyArray<RegExpExecArray>, string> => {
  const text = source.trimEnd()
  const tokens: Array<RegExpExecArray> = []
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at
    const match = token.exec(text)
    if (match === null) return Result.fail(`"${text.slice(at).trim()}" is not understood`)
    tokens.push(match)
  }
  return Result.succeed(tokens)
}

const unquote = (text: string): Result.Result<string, string> =>
  Result.try({
    // Go's escapes in host names are JSON's, but for \' and \x, which are refused.
    try: (): string => String(JSON.parse(text)),
    catch: () => `${text} has an escape that is not understood`
  })

const pipelineOf = (
  tokens: ReadonlyArray<RegExpExecArray>,
  start: number
): Result.Result<{ pipeline: Pipeline; next: number }, string> => {
  const pipeline: Array<Command> = []
  let name: string | undefined
  let terms: Array<Term> = []
  const end = (): boolean => {
    if (name === undefined && terms.length === 0) return false
    pipeline.push({ name, terms })
    name = undefined
    terms = []
    return true
  }
  let i = start
  for (; i < tokens.length; i++) {
    const [, quoted, raw, path, number, word, mark] = tokens[i] ?? []
    if (mark === ")") break
    if (mark === "|") {
      if (!end()) return Result.fail("a pipe has nothing before it")
    } else if (mark === "(") {
      const group = pipelineOf(tokens, i + 1)
      if (Result.isFailure(group)) return Result.fail(group.failure)
      if (tokens[group.success.next]?.[6] !== ")") return Result.fail("a parenthesis is not closed")
      terms.push({ _tag: "Group", pipeline: group.success.pipeline })
      i = group.success.next
    } else if (quoted !== undefined) {
      const text = unquote(quoted)
      if (Result.isFailure(text)) return Result.fail(text.failure)
      terms.push({ _tag: "Literal", value: text.success })
    } else if (raw !== undefined) terms.push({ _tag: "Literal", value: raw })
    else if (path !== undefined)
      terms.push({
        _tag: "Field",
        path: path
          .split(".")
          .slice(1)
          .filter((part) => part !== "")
      })
    else if (number !== undefined) terms.push({ _tag: "Literal", value: Number(number) })
    else if (word === "true" || word === "false") terms.push({ _tag: "Literal", value: word === "true" })
    else if (word !== undefined) {
      if (keywords.has(word)) return Result.fail(`"${word}" is not supported in a host name`)
      if (name !== undefined || terms.length > 0) return Result.fail(`"${word}" must stand first, or in parentheses`)
      name = word
    }
  }
  return end() ? Result.succeed({ pipeline, next: i }) : Result.fail("an action is empty, or ends in a pipe")
}

/** Texts and pipelines in order; a comment vanishes; `{{-` and `-}}` trim the text beside them. */
export const parse = (template: string): Result.Result<ReadonlyArray<string | Pipeline>, string> => {
  const parts: Array<string | Pipeline> = []
  let rest = template
  let trim = false
  for (;;) {
    const open = rest.indexOf("{{")
    const text = open < 0 ? rest : rest.slice(0, open)
    const left = trim ? text.trimStart() : text
    if (open < 0) {
      parts.push(left)
      return Result.succeed(parts)
    }
    const close = rest.indexOf("}}", open)
    if (close < 0) return Result.fail('"{{" is not closed')
    const inner = rest.slice(open + 2, close)
    parts.push(/^-\s/u.test(inner) ? left.trimEnd() : left)
    trim = /\s-$/u.test(inner)
    const action = inner.replace(/^-\s/u, "").replace(/\s-$/u, "").trim()
    rest = rest.slice(close + 2)
    if (action.startsWith("/*") && action.endsWith("*/")) continue
    const tokens = tokensOf(action)
    if (Result.isFailure(tokens)) return Result.fail(tokens.failure)
    const parsed = pipelineOf(tokens.success, 0)
    if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
    if (parsed.success.next < tokens.success.length) return Result.fail("a parenthesis has no beginning")
    parts.push(parsed.success.pipeline)
  }
}
