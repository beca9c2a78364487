/** SOAP envelopes as trees of namespaced elements, read and written. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { namespaces, prefixes } from "./SoapNames.ts"
import { MalformedXml, readXml } from "./SoapXmlReader.ts"

/** The text is not XML, not SOAP, or lacks what an operation demands. Never holds the text itself. */
export class SoapError extends Data.TaggedError("SoapError")<{ readonly reason: string }> {
  override get message() {
    return `SOAP: ${this.reason}`
  }
}

export interface SoapElement {
  readonly namespace: string
  readonly name: string
  /** By local name; those of XML itself and namespace declarations left out, other prefixes cut off. */
  readonly attributes: Readonly<Record<string, string>>
  readonly children: ReadonlyArray<SoapElement | string>
}

/** An element to write; an attribute's name is written as it stands ("xml:lang"). */
export const element = (
  namespace: string,
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  children: ReadonlyArray<SoapElement | string> = []
): SoapElement => ({ namespace, name, attributes, children })

export const elementsOf = (parent: SoapElement, namespace: string, name: string): ReadonlyArray<SoapElement> =>
  parent.children.filter(
    (node): node is SoapElement => typeof node !== "string" && node.name === name && node.namespace === namespace
  )

export const child = (parent: SoapElement, namespace: string, name: string): SoapElement | undefined =>
  elementsOf(parent, namespace, name)[0]

/** Follows a path of first children. */
export const descendant = (
  parent: SoapElement,
  path: ReadonlyArray<readonly [namespace: string, name: string]>
): SoapElement | undefined =>
  path.reduce<SoapElement | undefined>(
    (node, [namespace, name]) => (node === undefined ? undefined : child(node, namespace, name)),
    parent
  )

/** All text below, in order. */
export const textOf = (node: SoapElement): string =>
  node.children.map((part) => (typeof part === "string" ? part : textOf(part))).join("")

/** Larger than any MaxEnvelopeSize in use. */
const maxCharacters = 16 * 1024 * 1024

/** Reads one document. A DOCTYPE is refused; depth and size are limited. */
export const parse = (text: string): Effect.Effect<SoapElement, SoapError> =>
  Effect.suspend(() => {
    if (text.length > maxCharacters) return Effect.fail(new SoapError({ reason: "document too large" }))
    try {
      return Effect.succeed(readXml(text))
    } catch (error) {
      if (error instanceof MalformedXml) return Effect.fail(new SoapError({ reason: error.message }))
      throw error
    }
  })

/** What XML 1.0 has no way to write; lone surrogates apart. */
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu
const special = /[&<>"\t\n\r]/gu

const reference = (character: string): string =>
  character === "&"
    ? "&amp;"
    : character === "<"
      ? "&lt;"
      : character === ">"
        ? "&gt;"
        : character === '"'
          ? "&quot;"
          : `&#${character.charCodeAt(0)};`

/** Text or attribute value; characters that XML forbids become U+FFFD. */
const escape = (text: string): string => text.toWellFormed().replace(forbidden, "\ufffd").replace(special, reference)

const print = (node: SoapElement, parts: Array<string>, root: boolean): void => {
  const prefix = prefixes[node.namespace]
  // creationXml and connectXml are written with a default namespace of their own, as PowerShell's client does.
  const own = prefix === undefined || node.namespace === namespaces.powershell
  const name = own ? node.name : `${prefix}:${node.name}`
  parts.push("<", name)
  if (own) parts.push(' xmlns="', escape(node.namespace), '"')
  if (root) for (const [uri, known] of Object.entries(prefixes)) parts.push(` xmlns:${known}="${uri}"`)
  for (const [key, value] of Object.entries(node.attributes)) parts.push(" ", key, '="', escape(value), '"')
  parts.push(">")
  for (const part of node.children) {
    if (typeof part === "string") parts.push(escape(part))
    else print(part, parts, false)
  }
  parts.push("</", name, ">")
}

/** Writes a document; the prefixes of SoapNames are declared at its root. */
export const write = (root: SoapElement): string => {
  const parts: Array<string> = []
  print(root, parts, true)
  return parts.join("")
}
