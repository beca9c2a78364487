/**
 * A script that does nothing but call commands by name, read into those calls: pure.
 *
 * This is what the simulated powershell.exe understands, and not a reader of PowerShell: statements between line breaks or
 * semicolons; commands between `|`; of a command its name, then arguments and parameters, each a bare word, an integer,
 * `$true`, `$false`, `$null`, or a quoted string without variables. Assignments of preference variables are passed over, and so
 * are comments. Everything else is refused with the place where it stands.
 */
import * as Result from "effect/Result"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import type { Command } from "./PowerShellHost.ts"

export type Statement = ReadonlyArray<Command>

interface Token {
  readonly kind: "value" | "parameter" | "pipe" | "end"
  readonly value: PsValue
  /** As it was written. */
  readonly text: string
}

const preference = /^\$(?:global:|script:)?\w*Preference\s*=\s*(?:'[^']*'|"[^"$`]*"|\w+)[ \t]*(?=[;\r\n]|$)/iu
const constants: Readonly<Record<string, PsValue>> = { $true: true, $false: false, $null: null }

const literal = (word: string): PsValue => {
  const constant = constants[word.toLowerCase()]
  if (constant !== undefined) return constant
  const number = /^-?\d+$/u.test(word) ? Number(word) : Number.NaN
  return Number.isSafeInteger(number) && Math.abs(number) < 2 ** 31 ? number : word
}

/** What stands at the beginning of the text, and how long it is; undefined for what is not understood. */
const next = (text: string): { readonly token?: Token; readonly length: number } | undefined => {
  const skipped = /^(?:[ \t]+|#[^\r\n]*)/u.exec(text) ?? preference.exec(text)
  if (skipped !== null) return { length: skipped[0].length }
  const end = /^[;\r\n]/u.exec(text)
  if (end !== null) return { token: { kind: "end", value: null, text: end[0] }, length: 1 }
  if (text.startsWith("|")) return { token: { kind: "pipe", value: null, text: "|" }, length: 1 }
  const [single, inSingle] = /^'((?:[^']|'')*)'/u.exec(text) ?? []
  if (single !== undefined)
    return {
      token: { kind: "value", value: (inSingle ?? "").replaceAll("''", "'"), text: single },
      length: single.length
    }
  const [double, inDouble] = /^"((?:[^"$`]|"")*)"/u.exec(text) ?? []
  if (double !== undefined)
    return {
      token: { kind: "value", value: (inDouble ?? "").replaceAll('""', '"'), text: double },
      length: double.length
    }
  const [parameter] = /^-[A-Za-z]\w*:?/u.exec(text) ?? []
  if (parameter !== undefined)
    return { token: { kind: "parameter", value: null, text: parameter }, length: parameter.length }
  const [word] = /^(?:\$(?:true|false|null)(?![\w:])|[^\s;|&'"`$(){}@,<>#]+)/iu.exec(text) ?? []
  return word === undefined
    ? undefined
    : { token: { kind: "value", value: literal(word), text: word }, length: word.length }
}

/** Parameters take the value that follows; without one they are switches. */
const commandOf = (tokens: ReadonlyArray<Token>): Command | undefined => {
  const [name, ...rest] = tokens
  if (name === undefined || name.kind !== "value" || typeof name.value !== "string") return undefined
  const parameters: Array<{ readonly name?: string; readonly value: PsValue }> = []
  for (let at = 0; at < rest.length; at++) {
    const token = rest[at]
    if (token === undefined) break
    if (token.kind === "value") {
      parameters.push({ value: token.value })
      continue
    }
    const value = rest[at + 1]
    const taken = value?.kind === "value"
    parameters.push({ name: token.text.replace(/:$/u, ""), value: taken ? value.value : true })
    if (taken) at++
  }
  return { name: name.value, isScript: false, parameters }
}

/** Fails with what is not understood. */
export const readCallScript = (script: string): Result.Result<ReadonlyArray<Statement>, string> => {
  const statements: Array<Statement> = []
  let commands: Array<Command> = []
  let tokens: Array<Token> = []
  const refuse = (what: string) =>
    Result.fail(`the simulated powershell.exe calls commands by name only, and reads no "${what}"`)
  const endCommand = (): boolean => {
    const command = commandOf(tokens)
    if (command === undefined) return false
    commands.push(command)
    tokens = []
    return true
  }
  for (let at = 0; at <= script.length;) {
    const rest = script.slice(at)
    const read = rest === "" ? { token: { kind: "end", value: null, text: "" } as const, length: 1 } : next(rest)
    if (read === undefined) return refuse(rest.slice(0, 20))
    at += read.length
    const { token } = read
    if (token === undefined) continue
    if (token.kind !== "end" && token.kind !== "pipe") {
      tokens.push(token)
      continue
    }
    const empty = tokens.length === 0 && commands.length === 0 && token.kind === "end"
    if (empty) continue
    if (!endCommand()) return refuse(tokens[0]?.text ?? token.text)
    if (token.kind === "end") {
      statements.push(commands)
      commands = []
    }
  }
  return Result.succeed(statements)
}
