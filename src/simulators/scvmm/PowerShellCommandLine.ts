/** A command line of powershell.exe: what it is to run, and how its errors are written (about_PowerShell_exe): pure. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"

export interface PowerShellCommandLine {
  readonly script: string
  /** Whether stderr is CLIXML: the default of -EncodedCommand where the output is redirected. */
  readonly xmlErrors: boolean
}

/** Path and name in any case. */
const program = /^\s*"?(?:[a-z]:\\[^"]*\\)?powershell(?:\.exe)?"?(?=\s|$)/iu

/** Parameters that take a value which is of no concern here. */
const valued: ReadonlySet<string> = new Set([
  "executionpolicy",
  "inputformat",
  "outputformat",
  "windowstyle",
  "version"
])

const decodeUtf16 = (base64: string): string | undefined => {
  const bytes = Result.getOrUndefined(Base64.decode(base64))
  return bytes !== undefined && bytes.length % 2 === 0 ? new TextDecoder("utf-16le").decode(bytes) : undefined
}

/** Parameters may be cut off: -enc, -e, -c. */
const isShortFor = (given: string, name: string): boolean => given !== "" && name.startsWith(given)

/** Quotes around the whole, and `& { }` around that. */
const unwrapped = (text: string): string => {
  const bare = /^"([\s\S]*)"$/u.exec(text.trim())?.[1] ?? text.trim()
  return /^&\s*\{([\s\S]*)\}$/u.exec(bare.trim())?.[1]?.trim() ?? bare
}

/** Undefined: another program. "": one without -Command or -EncodedCommand, which would be interactive. */
export const readPowerShellCommandLine = (line: string): PowerShellCommandLine | undefined => {
  const found = program.exec(line)
  if (found === null) return undefined
  let rest = line.slice(found[0].length).trim()
  while (rest !== "") {
    const [, parameter = "", after = ""] = /^-(\w+)\s*([\s\S]*)$/u.exec(rest) ?? []
    const name = parameter.toLowerCase()
    // What is no parameter is the command.
    if (name === "") return { script: unwrapped(rest), xmlErrors: false }
    if (isShortFor(name, "command")) return { script: unwrapped(after), xmlErrors: false }
    if (isShortFor(name, "encodedcommand") || name === "ec")
      return { script: decodeUtf16(after.split(/\s/u)[0] ?? "") ?? "", xmlErrors: true }
    rest = valued.has(name) ? after.replace(/^\S+\s*/u, "") : after
  }
  return { script: "", xmlErrors: false }
}
