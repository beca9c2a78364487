/** A CLIXML document as a tree of elements: the small part of XML that CLIXML uses, without DTD, prefixes or mixed text. */
import { expandReferences } from "./CliXmlText.ts"

export interface CliXmlElement {
  readonly name: string
  /** Attribute N, XML escapes undone. */
  readonly key: string | undefined
  /** Attribute RefId. */
  readonly refId: string | undefined
  /** Text of a leaf, XML escapes undone; empty where there are children. */
  text: string
  /** Empty for a leaf. */
  children: ReadonlyArray<CliXmlElement>
}

/** What is wrong with the text, and where (UTF-16 units from its start). Thrown by the parser, caught by CliXmlDecoder. */
export class MalformedXml extends Error {
  readonly offset: number
  constructor(reason: string, offset: number) {
    super(reason)
    this.offset = offset
  }
}

const blank = /^[ \t\r\n]*$/
const noChildren: ReadonlyArray<CliXmlElement> = []

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

const isNameStart = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f
const isName = (code: number): boolean =>
  isNameStart(code) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x3a

class Parser {
  private readonly source: string
  private readonly maxDepth: number
  private position: number
  private depth = 0

  constructor(source: string, maxDepth: number) {
    this.source = source
    this.maxDepth = maxDepth
    this.position = source.charCodeAt(0) === 0xfeff ? 1 : 0
  }

  document(): CliXmlElement {
    let root: CliXmlElement | undefined
    for (;;) {
      const text = this.text()
      if (!blank.test(text)) this.fail("text outside of the root")
      if (this.position >= this.source.length) return root ?? this.fail("no element")
      if (this.source.charCodeAt(this.position + 1) === 0x2f) this.fail("unexpected end of an element")
      if (root !== undefined) this.fail("a second root")
      root = this.element()
    }
  }

  private fail(reason: string): never {
    throw new MalformedXml(reason, this.position)
  }

  private skipPast(terminator: string): void {
    const end = this.source.indexOf(terminator, this.position)
    if (end < 0) this.fail(`no ${terminator}`)
    this.position = end + terminator.length
  }

  /** Character data, CDATA included, up to the next tag or the end; comments and processing instructions are dropped. */
  private text(): string {
    const { source } = this
    let text = ""
    for (;;) {
      const next = source.indexOf("<", this.position)
      const end = next < 0 ? source.length : next
      if (end !== this.position) {
        text += expandReferences(source.slice(this.position, end)) ?? this.fail("undeclared entity or bare ampersand")
        this.position = end
      }
      if (next < 0) return text
      const kind = source.charCodeAt(next + 1)
      if (kind === 0x3f) this.skipPast("?>")
      else if (kind !== 0x21) return text
      else if (source.startsWith("<!--", next)) {
        this.position += 4
        this.skipPast("-->")
      } else if (source.startsWith("<![CDATA[", next)) {
        this.skipPast("]]>")
        text += source.slice(next + 9, this.position - 3)
      } else this.fail("a document type declaration")
    }
  }

  private name(): string {
    const { source } = this
    const start = this.position
    if (!isNameStart(source.charCodeAt(start))) this.fail("no name")
    let at = start + 1
    while (isName(source.charCodeAt(at))) at++
    this.position = at
    return source.slice(start, at)
  }

  private skipSpace(): void {
    while (isSpace(this.source.charCodeAt(this.position))) this.position++
  }

  private attributeValue(): string {
    const { source } = this
    this.skipSpace()
    if (source.charCodeAt(this.position) !== 0x3d) this.fail("malformed start tag")
    this.position++
    this.skipSpace()
    const quote = source[this.position]
    if (quote !== '"' && quote !== "'") return this.fail("malformed start tag")
    const start = this.position + 1
    this.skipQuoted(quote)
    const raw = source.slice(start, this.position - 1)
    if (raw.includes("<")) this.fail("< in an attribute")
    return expandReferences(raw) ?? this.fail("undeclared entity or bare ampersand")
  }

  private skipQuoted(quote: string): void {
    const end = this.source.indexOf(quote, this.position + 1)
    if (end < 0) this.fail("unclosed attribute")
    this.position = end + 1
  }

  private element(): CliXmlElement {
    const { source } = this
    if (++this.depth > this.maxDepth) this.fail("nested too deeply")
    this.position++
    const name = this.name()
    let key: string | undefined
    let refId: string | undefined
    let code = source.charCodeAt(this.position)
    while (isSpace(code)) {
      this.skipSpace()
      code = source.charCodeAt(this.position)
      if (!isNameStart(code)) break
      const attribute = this.name()
      const value = this.attributeValue()
      if (attribute === "N") key = value
      else if (attribute === "RefId") refId = value
      code = source.charCodeAt(this.position)
    }
    const element: CliXmlElement = { name, key, refId, text: "", children: noChildren }
    if (code === 0x2f && source.charCodeAt(this.position + 1) === 0x3e) {
      this.position += 2
      this.depth--
      return element
    }
    if (code !== 0x3e) this.fail("malformed start tag")
    this.position++
    this.content(element)
    this.depth--
    return element
  }

  /** Up to and past the end tag. */
  private content(element: CliXmlElement): void {
    const { source } = this
    const children: Array<CliXmlElement> = []
    let text = ""
    for (;;) {
      text += this.text()
      if (this.position >= source.length) this.fail("unclosed element")
      if (source.charCodeAt(this.position + 1) === 0x2f) break
      if (text !== "" && !blank.test(text)) this.fail("text beside elements")
      text = ""
      children.push(this.element())
    }
    this.position += 2
    if (!source.startsWith(element.name, this.position)) this.fail("unexpected end of an element")
    this.position += element.name.length
    this.skipSpace()
    if (source.charCodeAt(this.position) !== 0x3e) this.fail("unexpected end of an element")
    this.position++
    if (children.length === 0) element.text = text
    else {
      if (text !== "" && !blank.test(text)) this.fail("text beside elements")
      element.children = children
    }
  }
}

/**
 * Parses one document. PowerShell writes U+FFFE and U+FFFF as character references, which XML 1.0 forbids and a
 * conforming parser rejects; here they pass. Throws MalformedXml.
 */
export const parseCliXml = (source: string, maxDepth: number): CliXmlElement => new Parser(source, maxDepth).document()
