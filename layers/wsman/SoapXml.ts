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

export const child = (parent: SoapElement, namespace: string, name: string): SoapElement | undefined => {
  for (const node of parent.children)
    if (typeof node !== "string" && node.name === name && node.namespace === namespace) return node
  return undefined
}

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
export const textOf = (node: SoapElement): string => {
  let text = ""
  for (const part of node.children) text += typeof part === "string" ? part : textOf(part)
  return text
}

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
/** All of these in one pass, for most text holds none. */
// oxlint-disable-next-line no-control-regex
const noteworthy = /[\u0000-\u001f"&<>\ud800-\udfff\ufffe\uffff]/

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
const escape = (text: string): string =>
  noteworthy.test(text) ? text.toWellFormed().replace(forbidden, "\ufffd").replace(special, reference) : text

const declarations = Object.entries(prefixes)
  .map(([uri, known]) => ` xmlns:${known}="${uri}"`)
  .join("")

const print = (node: SoapElement, declared: string): string => {
  const prefix = prefixes[node.namespace]
  // creationXml and connectXml are written with a default namespace of their own, as PowerShell's client does.
  const own = prefix === undefined || node.namespace === namespaces.powershell
  const name = own ? node.name : `${prefix}:${node.name}`
  let text = own ? `<${name} xmlns="${escape(node.namespace)}"${declared}` : `<${name}${declared}`
  for (const key of Object.keys(node.attributes)) text += ` ${key}="${escape(node.attributes[key] ?? "")}"`
  text += ">"
  for (const part of node.children) text += typeof part === "string" ? escape(part) : print(part, "")
  return `${text}</${name}>`
}

/** Writes a document; the prefixes of SoapNames are declared at its root. */
export const write = (root: SoapElement): string => print(root, declarations)
