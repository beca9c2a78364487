/** What powershell.exe writes to a redirected stdout and stderr: pure. */
import { escapeText } from "../../../layers/psrp/CliXmlText.ts"
import { categoryName } from "../../../layers/psrp/ErrorRecord.ts"
import { textOf } from "../../../layers/psrp/PsObject.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import type { Failure } from "./PowerShellHost.ts"

const newLine = "\r\n"

/** Text as it is; of what has none, nothing but the line. */
export const outputText = (value: PsValue): string => `${textOf(value) ?? ""}${newLine}`

/** NormalView of an error record. */
export const errorText = (failure: Failure): string => {
  const { activity, category, fullyQualifiedErrorId, message, reason, targetObject } = failure
  const target = typeof targetObject === "string" ? `${targetObject}:String` : ":"
  return [
    activity === "" ? message : `${activity} : ${message}`,
    `    + CategoryInfo          : ${categoryName(category)}: (${target}) [${activity}], ${reason}`,
    `    + FullyQualifiedErrorId : ${fullyQualifiedErrorId}`,
    " ",
    ""
  ].join(newLine)
}

/** One line of a stream as CLIXML wraps it. */
export interface XmlLine {
  readonly stream: "Error" | "warning" | "verbose" | "debug"
  readonly text: string
}

/** The whole of stderr where it is CLIXML: nothing when there is nothing to tell. */
export const xmlErrors = (lines: ReadonlyArray<XmlLine>): string => {
  if (lines.length === 0) return ""
  const items = lines.map(({ stream, text }) => `<S S="${stream}">${escapeText(text)}</S>`)
  const open = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
  return `#< CLIXML${newLine}${open}${items.join("")}</Objs>`
}

const utf8 = new TextEncoder()

/** Bytes in the shell's code page. Of others than UTF-8 (65001) only what is ASCII; the rest becomes question marks. */
export const encodeText = (text: string, codePage: string | undefined): Uint8Array =>
  // oxlint-disable-next-line no-control-regex -- the controls are ASCII too
  utf8.encode(codePage === "65001" ? text : text.replace(/[^\u0000-\u007f]/gu, "?"))
