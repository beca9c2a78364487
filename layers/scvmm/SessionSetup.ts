/** What an administrator adds to every session: environment variables and functions of the provider (design D4): pure. */
import * as Redacted from "effect/Redacted"
import { fromJs } from "../psrp/PsJson.ts"
import type { PsValue } from "../psrp/PsValue.ts"
import type { Invocation } from "../psrp/RunspacePool.ts"
import * as Result from "effect/Result"

/** Texts by name; of functions their bodies, with or without param(). */
export interface SessionExtras {
  readonly environment: Readonly<Record<string, Redacted.Redacted<string>>>
  readonly extraFunctions: Readonly<Record<string, Redacted.Redacted<string>>>
}

/** Error id of a function that PowerShell does not take; the record's target is its name. */
export const extraFunctionInvalid = "ExtraFunctionInvalid"

/** UTF-16 units of one secure string; .NET takes 65,536. */
const longestPart = 32_768

/**
 * Defines each function as `function <name> { <body> }` would, so that a body that does not parse is told by name, and nothing of
 * it by text: a parse error shows a line and a reason, not the line's content. All values come as secure strings, which
 * neither the wire nor what is recorded of it shows.
 */
export const script = `param([hashtable] $Environment, [hashtable] $Functions)
try {
  & {
    Set-StrictMode -Version 'Latest'
    $ErrorActionPreference = 'Stop'
    $open = { param($secure) [System.Net.NetworkCredential]::new('', $secure).Password }
    foreach ($name in $Environment.Keys) {
      [System.Environment]::SetEnvironmentVariable($name, (& $open $Environment[$name]))
    }
    foreach ($name in $Functions.Keys) {
      try {
        $body = -join @(foreach ($part in $Functions[$name]) { & $open $part })
        $null = Set-Item -LiteralPath "function:global:$name" -Value ([scriptblock]::Create($body))
      } catch {
        $cause = $_.Exception.GetBaseException()
        $detail = $cause.Message
        if ($cause -is [System.Management.Automation.ParseException]) {
          $detail = "line $($cause.Errors[0].Extent.StartLineNumber): $($cause.Errors[0].Message)"
        }
        throw [System.Management.Automation.ErrorRecord]::new(
          [System.InvalidOperationException]::new($detail), '${extraFunctionInvalid}', 'ParserError', $name)
      }
    }
  }
} finally {
  Remove-Variable -Name @('Environment', 'Functions')
}`

const parts = (text: string): ReadonlyArray<string> =>
  Array.from({ length: Math.ceil(text.length / longestPart) }, (_, index) =>
    text.slice(index * longestPart, (index + 1) * longestPart)
  )

/** Redacted texts are always representable. */
const argument = (value: Readonly<Record<string, unknown>>): PsValue => Result.getOrThrow(fromJs(value))

/** The script with its arguments; undefined when the provider adds nothing. */
export const invocationOf = ({ environment, extraFunctions }: SessionExtras): Invocation | undefined => {
  const functions = Object.entries(extraFunctions).map(
    ([name, body]) => [name, parts(Redacted.value(body)).map((part) => Redacted.make(part))] as const
  )
  if (functions.length === 0 && Object.keys(environment).length === 0) return undefined
  return {
    name: script,
    isScript: true,
    parameters: { Environment: argument(environment), Functions: argument(Object.fromEntries(functions)) }
  }
}
