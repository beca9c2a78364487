/** Enough of PowerShell's grammar to read our own functions: tokens, commands with their parameters, param() blocks, splats. */

export type Kind = "word" | "variable" | "string" | "parameter" | "splat" | "open" | "close" | "end" | "pipe" | "other"

export interface Token {
  readonly kind: Kind
  readonly text: string
  /** White space stood before it. */
  readonly apart: boolean
  readonly line: number
}

export class Unreadable extends Error {}

/** The end of a double-quoted string that begins at `from`; `$( … )` inside may hold quotes of its own. */
const endOfExpandable = (text: string, from: number): number => {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "`") at++
    else if (text.startsWith("$(", at)) at = endOfParenthesis(text, at + 1)
    else if (text[at] === '"') {
      if (text[at + 1] !== '"') return at
      at++
    }
  }
  throw new Unreadable("a string without end")
}

const endOfParenthesis = (text: string, from: number): number => {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === "(") depth++
    else if (text[at] === ")" && --depth === 0) return at
    else if (text[at] === "'") at = text.indexOf("'", at + 1)
    else if (text[at] === '"') at = endOfExpandable(text, at)
  }
  throw new Unreadable("a parenthesis without end")
}

const patterns: ReadonlyArray<readonly [Kind, RegExp]> = [
  ["end", /[\n;]/y],
  ["splat", /@[A-Za-z]\w*/y],
  ["open", /@\(|@\{|\$\(|[([{]/y],
  ["close", /[)\]}]/y],
  ["pipe", /\|/y],
  ["variable", /\$(?:null|true|false|_|\w+(?::\w+)?)/y],
  ["parameter", /-[A-Za-z]\w*/y],
  ["word", /[A-Za-z_][\w-]*/y],
  ["other", /::|\+=|\+\+|--|\d+|[=+\-*/.,:!<>&?%]/y]
]

export const tokens = (source: string): ReadonlyArray<Token> => {
  const result: Array<Token> = []
  let line = 1
  let apart = true
  let at = 0
  const push = (kind: Kind, text: string) => {
    result.push({ kind, text, apart, line })
    line += text.split("\n").length - 1
    at += text.length
    apart = kind === "end"
  }
  while (at < source.length) {
    const character = source[at] ?? ""
    if (character === " " || character === "\t" || character === "\r") {
      at++
      apart = true
    } else if (character === "`" && source[at + 1] === "\n") {
      at += 2
      line++
      apart = true
    } else if (character === "#") {
      const end = source.indexOf("\n", at)
      at = end < 0 ? source.length : end
    } else if (character === "'") {
      let end = source.indexOf("'", at + 1)
      while (source[end + 1] === "'") end = source.indexOf("'", end + 2)
      if (end < 0) throw new Unreadable(`line ${line}: a string without end`)
      push("string", source.slice(at, end + 1))
    } else if (character === '"') push("string", source.slice(at, endOfExpandable(source, at) + 1))
    else {
      const found = patterns.find(([, pattern]) => {
        pattern.lastIndex = at
        return pattern.test(source)
      })
      if (found === undefined) throw new Unreadable(`line ${line}: ${JSON.stringify(source.slice(at, at + 20))}`)
      const [kind, pattern] = found
      push(kind, source.slice(at, pattern.lastIndex))
    }
  }
  return result
}

/** Index after the bracket that closes the one at `open`. */
const afterGroup = (all: ReadonlyArray<Token>, open: number): number => {
  let depth = 0
  for (let index = open; index < all.length; index++) {
    const kind = all[index]?.kind
    if (kind === "open") depth++
    else if (kind === "close" && --depth === 0) return index + 1
  }
  throw new Unreadable(`line ${all[open]?.line}: a bracket without end`)
}

/** Index after one argument: a value with all that touches it, `$a[0].B`, or a group. */
const afterValue = (all: ReadonlyArray<Token>, from: number): number => {
  let index = from
  do {
    index = all[index]?.kind === "open" ? afterGroup(all, index) : index + 1
  } while (index < all.length && !all[index]?.apart && !["end", "pipe", "close"].includes(all[index]?.kind ?? ""))
  return index
}

export interface Call {
  readonly command: string
  readonly line: number
  /** Named parameters without the dash, whether a value follows, and its tokens without the space between them. */
  readonly parameters: ReadonlyArray<{ readonly name: string; readonly hasValue: boolean; readonly value: string }>
  readonly splats: ReadonlyArray<string>
}

const commandName = /^[A-Z][A-Za-z]+-[A-Z]\w+$/

const startsStatement = (previous: Token | undefined): boolean =>
  previous === undefined ||
  previous.kind === "end" ||
  previous.kind === "pipe" ||
  (previous.kind === "open" && previous.text !== "[") ||
  previous.text === "=" ||
  previous.text === "return" ||
  (previous.kind === "close" && previous.text !== "]")

/** Every call of a command by name, in order. Throws Unreadable on a positional argument, which our functions never use. */
export const calls = (all: ReadonlyArray<Token>): ReadonlyArray<Call> => {
  const result: Array<Call> = []
  for (const [start, token] of all.entries()) {
    if (token.kind !== "word" || !commandName.test(token.text)) continue
    const previous = all[start - 1]
    if (previous?.text === "function") continue
    if (!startsStatement(previous)) throw new Unreadable(`line ${token.line}: ${token.text} where no command can stand`)
    const parameters: Array<Call["parameters"][number]> = []
    const splats: Array<string> = []
    let index = start + 1
    while (index < all.length) {
      const argument = all[index]
      if (argument === undefined || ["end", "pipe", "close"].includes(argument.kind)) break
      if (argument.kind === "splat") {
        splats.push(argument.text.slice(1))
        index++
        continue
      }
      if (argument.kind !== "parameter") {
        throw new Unreadable(`line ${argument.line}: positional argument ${argument.text} of ${token.text}`)
      }
      const next = all[index + 1]
      const colon = next?.text === ":" && !next.apart
      const hasValue =
        colon || (next !== undefined && !["parameter", "splat", "end", "pipe", "close"].includes(next.kind))
      const from = index + (colon ? 2 : 1)
      index = hasValue ? afterValue(all, from) : index + 1
      const value = hasValue ? all.slice(from, index).map(({ text }) => text) : []
      parameters.push({ name: argument.text.slice(1), hasValue, value: value.join("") })
    }
    result.push({ command: token.text, line: token.line, parameters, splats })
  }
  return result
}

export interface Parameter {
  readonly name: string
  readonly type: string
  readonly mandatory: boolean
  /** Whether "" can be given: PowerShell refuses it for a mandatory string without [AllowEmptyString()]. */
  readonly empty: boolean
}

/** The function that a file defines, with its param() block. */
export const definition = (
  all: ReadonlyArray<Token>
): { readonly name: string; readonly parameters: ReadonlyArray<Parameter> } | undefined => {
  const at = all.findIndex((token) => token.text === "function")
  const block = all.findIndex((token) => token.text === "param")
  const name = all[at + 1]?.text
  if (at < 0 || block < 0 || name === undefined) return undefined
  const end = afterGroup(all, block + 1) - 1
  const parameters: Array<Parameter> = []
  let index = block + 2
  while (index < end) {
    const groups: Array<string> = []
    while (index < end && all[index]?.text !== "," && all[index]?.kind !== "variable") {
      if (all[index]?.text === "[") {
        const after = afterGroup(all, index)
        groups.push(
          all
            .slice(index + 1, after - 1)
            .map((token) => token.text)
            .join("")
        )
        index = after
      } else index++
    }
    const variable = all[index]
    if (variable?.kind === "variable") {
      const mandatory = groups.some((group) => /^Parameter\(.*\bMandatory\b/.test(group))
      const type = groups.at(-1) ?? ""
      parameters.push({
        name: variable.text.slice(1),
        type,
        mandatory,
        empty: type === "string" && (!mandatory || groups.includes("AllowEmptyString()"))
      })
    }
    // A default value may follow.
    while (index < end && all[index]?.text !== ",")
      index = all[index]?.kind === "open" ? afterGroup(all, index) : index + 1
    index++
  }
  return { name, parameters }
}

/** Keys of the hashtable literal whose `@{` is at `open`. */
const literalKeys = (all: ReadonlyArray<Token>, open: number): ReadonlyArray<string> => {
  const end = afterGroup(all, open) - 1
  const keys: Array<string> = []
  let index = open + 1
  while (index < end) {
    const key = all[index]
    if (key !== undefined && key.kind === "word" && all[index + 1]?.text === "=") keys.push(key.text)
    while (index < end && all[index]?.kind !== "end")
      index = all[index]?.kind === "open" ? afterGroup(all, index) : index + 1
    index++
  }
  return keys
}

export interface Splat {
  /** The keys of each literal that is assigned to the variable. */
  readonly alternatives: ReadonlyArray<ReadonlyArray<string>>
  /** Keys that are added afterwards. */
  readonly added: ReadonlyArray<string>
}

/** What a hashtable variable can hold: `$name = @{…}`, `$name = if (…) { @{…} } else { @{…} }` and `$name['Key'] = …`. */
export const splat = (all: ReadonlyArray<Token>, name: string): Splat => {
  const alternatives: Array<ReadonlyArray<string>> = []
  const added: Array<string> = []
  for (const [index, token] of all.entries()) {
    if (token.text !== `$${name}`) continue
    if (all[index + 1]?.text === "[" && all[index + 3]?.text === "]" && all[index + 4]?.text === "=") {
      added.push((all[index + 2]?.text ?? "").slice(1, -1))
    } else if (all[index + 1]?.text === "=") {
      let at = index + 2
      while (at < all.length && all[at]?.kind !== "end") {
        const here = all[at]
        if (here?.text === "@{") {
          alternatives.push(literalKeys(all, at))
          at = afterGroup(all, at)
        } else if (here?.text === "(") at = afterGroup(all, at)
        else at++
      }
    }
  }
  return { alternatives, added }
}
