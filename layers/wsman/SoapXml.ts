/** SOAP envelopes as trees of namespaced elements; the only file that knows which XML reader stands behind. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Xml from "effect/encoding/Xml"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { namespaces, prefixes } from "./SoapNames.ts"

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

/** The prefixes that an element declares. Linked, not copied: a peer may declare as many as fit its envelope. */
interface Scope {
  readonly declared: ReadonlyMap<string, string>
  readonly outer: Scope | undefined
}

const namespaceOf = (prefix: string, scope: Scope | undefined): string | undefined =>
  scope === undefined ? undefined : (scope.declared.get(prefix) ?? namespaceOf(prefix, scope.outer))

const split = (name: string): readonly [prefix: string, local: string] => {
  const colon = name.indexOf(":")
  return colon < 0 ? ["", name] : [name.slice(0, colon), name.slice(colon + 1)]
}

/** Gives every element its namespace; undefined where a prefix is not declared. */
const resolve = (node: Xml.Element, outer: Scope): SoapElement | undefined => {
  const attributes: Record<string, string> = {}
  const declared = new Map<string, string>()
  for (const [name, value] of Object.entries(node.attributes)) {
    const [prefix, local] = split(name)
    if (name === "xmlns") declared.set("", value)
    else if (prefix === "xmlns") declared.set(local, value)
    else if (prefix !== "xml") attributes[local] = value
  }
  const scope = declared.size === 0 ? outer : { declared, outer }
  const [prefix, name] = split(node.name)
  const namespace = namespaceOf(prefix, scope)
  if (namespace === undefined) return undefined
  const children: Array<SoapElement | string> = []
  for (const part of node.children) {
    const resolved = typeof part === "string" ? part : resolve(part, scope)
    if (resolved === undefined) return undefined
    children.push(resolved)
  }
  return { namespace, name, attributes, children }
}

const roots: Scope = {
  declared: new Map([
    ["", ""],
    ["xml", namespaces.xml]
  ]),
  outer: undefined
}

/** Larger than any MaxEnvelopeSize in use. */
const maxCharacters = 16 * 1024 * 1024

/** Reads one document. A DOCTYPE is refused; depth and size are limited. */
export const parse = (text: string): Effect.Effect<SoapElement, SoapError> =>
  text.length > maxCharacters
    ? Effect.fail(new SoapError({ reason: "document too large" }))
    : Stream.make(text).pipe(
        Stream.pipeThroughChannel(Xml.decodeString({ maxDepth: 64, maxTokenSize: maxCharacters })),
        Stream.mapError((error) => new SoapError({ reason: error.message })),
        // By chunk: an effect for each event costs more than the parsing.
        Stream.mapArrayEffect((events) =>
          events.some((event) => event._tag === "Doctype")
            ? Effect.fail(new SoapError({ reason: "DOCTYPE" }))
            : Effect.succeed(events)
        ),
        Stream.pipeThroughChannel(Xml.elements(["*"], { maxElementSize: 2 * maxCharacters })),
        Stream.mapError((error) => (error._tag === "SoapError" ? error : new SoapError({ reason: error.message }))),
        // The whole document is read, so that what follows the root is checked as well.
        Stream.runLast,
        Effect.flatMap((root) => {
          if (Option.isNone(root)) return Effect.fail(new SoapError({ reason: "no document" }))
          const resolved = resolve(root.value, roots)
          return resolved === undefined
            ? Effect.fail(new SoapError({ reason: "undeclared prefix" }))
            : Effect.succeed(resolved)
        })
      )

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
