/**
 * Reads the XML of envelopes into namespaced elements, in one pass over the text. An XML reader of Effect's is a channel of events:
 * that costs several times as much, and each exchange reads a document.
 */
import { namespaces } from "./SoapNames.ts"
import type { SoapElement } from "./SoapXml.ts"

/** What is wrong with a document; never holds its text. */
export class MalformedXml extends Error {}

/** The prefixes that an element declares. Linked, not copied: a peer may declare as many as fit its envelope. */
interface Scope {
  readonly declared: ReadonlyMap<string, string>
  readonly outer: Scope | undefined
}

const namespaceOf = (prefix: string, scope: Scope | undefined): string | undefined =>
  scope === undefined ? undefined : (scope.declared.get(prefix) ?? namespaceOf(prefix, scope.outer))

const roots: Scope = {
  declared: new Map([
    ["", ""],
    ["xml", namespaces.xml]
  ]),
  outer: undefined
}

const split = (name: string): readonly [prefix: string, local: string] => {
  const colon = name.indexOf(":")
  return colon < 0 ? ["", name] : [name.slice(0, colon), name.slice(colon + 1)]
}

const maxDepth = 64

// What XML 1.0 has no way to write; lone surrogates are found by isWellFormed.
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
const isNameStart = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code === 0x3a || code >= 0x80
const isName = (code: number): boolean =>
  isNameStart(code) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e

const [lt, gt, slash, bang, question, equals] = [0x3c, 0x3e, 0x2f, 0x21, 0x3f, 0x3d]

const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"]
])

const fail = (reason: string): never => {
  throw new MalformedXml(reason)
}

const character = (name: string): string => {
  const known = entities.get(name)
  if (known !== undefined) return known
  const [, hex, decimal] = /^#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,8}))$/u.exec(name) ?? []
  const code = hex === undefined ? Number.parseInt(decimal ?? "", 10) : Number.parseInt(hex, 16)
  if (!(code > 0 && code <= 0x10ffff)) return fail("undefined entity")
  const text = String.fromCodePoint(code)
  return forbidden.test(text) || !text.isWellFormed() ? fail("a reference to a character that XML forbids") : text
}

/** A reference, or an ampersand that begins none. No longer than "&#x0010FFFF;": a bare one must not scan the document. */
const references = /&(?:([^&;]{1,10});)?/gu

const expand = (raw: string): string =>
  raw.includes("&")
    ? raw.replace(references, (_, name: string | undefined) =>
        name === undefined ? fail("an ampersand alone") : character(name)
      )
    : raw

const textOf = (raw: string): string => {
  if (raw.includes("]]>")) return fail("]]> in text")
  return expand(raw.includes("\r") ? raw.replaceAll(/\r\n?/gu, "\n") : raw)
}

const attributeOf = (raw: string): string => {
  if (raw.includes("<")) return fail("< in an attribute")
  return expand(/[\t\n\r]/u.test(raw) ? raw.replaceAll(/\r\n|[\t\n\r]/gu, " ") : raw)
}

class Reader {
  private readonly source: string
  private at: number
  private depth = 0

  constructor(source: string) {
    this.source = source
    this.at = source.charCodeAt(0) === 0xfeff ? 1 : 0
  }

  document(): SoapElement {
    this.between("text before the root element")
    if (this.at >= this.source.length) return fail("no element")
    const root = this.element(roots)
    this.between("text after the root element")
    return this.at < this.source.length ? fail("a second root element") : root
  }

  /** Past what may stand outside of the root: blanks, comments and processing instructions. */
  private between(otherwise: string): void {
    for (;;) {
      this.blanks()
      if (this.at >= this.source.length) return
      if (this.source.charCodeAt(this.at) !== lt) return fail(otherwise)
      if (!this.aside()) return
    }
  }

  private blanks(): void {
    while (isSpace(this.source.charCodeAt(this.at))) this.at++
  }

  private past(terminator: string, from: number): number {
    const end = this.source.indexOf(terminator, from)
    if (end < 0) return fail(`no ${terminator}`)
    this.at = end + terminator.length
    return end
  }

  /** Past a comment or processing instruction, if one begins here. */
  private aside(): boolean {
    const { at, source } = this
    const kind = source.charCodeAt(at + 1)
    if (kind === question) this.past("?>", at + 2)
    else if (kind !== bang || source.startsWith("<![CDATA[", at)) return false
    else if (!source.startsWith("<!--", at)) return fail("DOCTYPE")
    else if (source.indexOf("--", at + 4) !== this.past("-->", at + 4)) return fail("-- in a comment")
    return true
  }

  private name(): string {
    const { source } = this
    const start = this.at
    if (!isNameStart(source.charCodeAt(start))) return fail("no name")
    let end = start + 1
    while (isName(source.charCodeAt(end))) end++
    this.at = end
    return source.slice(start, end)
  }

  private attribute(): readonly [name: string, value: string] {
    const name = this.name()
    this.blanks()
    if (this.source.charCodeAt(this.at) !== equals) return fail("an attribute without a value")
    this.at++
    this.blanks()
    const quote = this.source[this.at]
    if (quote !== '"' && quote !== "'") return fail("an attribute without quotes")
    const start = this.at + 1
    return [name, attributeOf(this.source.slice(start, this.past(quote, start)))]
  }

  private element(outer: Scope): SoapElement {
    const { source } = this
    if (++this.depth > maxDepth) return fail("nested too deeply")
    this.at++
    const qualified = this.name()
    const attributes: Record<string, string> = {}
    let declared: Map<string, string> | undefined
    let seen: Set<string> | undefined
    let code = source.charCodeAt(this.at)
    while (isSpace(code)) {
      this.blanks()
      code = source.charCodeAt(this.at)
      if (code === gt || code === slash) break
      const [name, value] = this.attribute()
      seen ??= new Set()
      if (seen.has(name)) return fail("an attribute twice")
      seen.add(name)
      const [prefix, local] = split(name)
      if (name === "xmlns") (declared ??= new Map()).set("", value)
      else if (prefix === "xmlns") (declared ??= new Map()).set(local, value)
      else if (prefix !== "xml") attributes[local] = value
      code = source.charCodeAt(this.at)
    }
    const scope = declared === undefined ? outer : { declared, outer }
    const [prefix, name] = split(qualified)
    const namespace = namespaceOf(prefix, scope)
    if (namespace === undefined) return fail("undeclared prefix")
    const children: Array<SoapElement | string> = []
    if (code === slash && source.charCodeAt(this.at + 1) === gt) this.at += 2
    else if (code === gt) {
      this.at++
      this.content(qualified, scope, children)
    } else return fail("a malformed start tag")
    this.depth--
    return { namespace, name, attributes, children }
  }

  /** Up to and past the end tag. */
  private content(qualified: string, scope: Scope, children: Array<SoapElement | string>): void {
    const { source } = this
    for (;;) {
      const start = this.at
      const next = source.indexOf("<", start)
      if (next < 0) return fail("an element without its end")
      if (next > start) children.push(textOf(source.slice(start, next)))
      this.at = next
      const kind = source.charCodeAt(next + 1)
      if (kind === slash) break
      if (kind !== bang && kind !== question) children.push(this.element(scope))
      else if (!this.aside()) {
        const end = this.past("]]>", next + 9)
        children.push(source.slice(next + 9, end).replaceAll(/\r\n?/gu, "\n"))
      }
    }
    this.at += 2
    if (!source.startsWith(qualified, this.at)) return fail("an end tag of another element")
    this.at += qualified.length
    this.blanks()
    if (source.charCodeAt(this.at) !== gt) return fail("a malformed end tag")
    this.at++
  }
}

/** The root of a document without DOCTYPE and of limited depth; throws MalformedXml for any other text. */
export const readXml = (source: string): SoapElement => {
  if (forbidden.test(source) || !source.isWellFormed()) return fail("a character that XML forbids")
  return new Reader(source).document()
}
