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
  readonly children: Array<CliXmlElement>
}

/** What is wrong with the text, and where (UTF-16 units from its start). Thrown by the parser, caught by CliXml. */
export class MalformedXml extends Error {
  readonly offset: number
  constructor(reason: string, offset: number) {
    super(reason)
    this.offset = offset
  }
}

const attribute = /[ \t\r\n]+([A-Za-z_][\w.:-]*)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y
const tagName = /[A-Za-z_][\w.-]*/y
const tagEnd = /[ \t\r\n]*(\/?)>/y
const blank = /^[ \t\r\n]*$/

/**
 * Parses one document. PowerShell writes U+FFFE and U+FFFF as character references, which XML 1.0 forbids and a
 * conforming parser rejects; here they pass. Throws MalformedXml.
 */
export const parseCliXml = (source: string, maxDepth: number): CliXmlElement => {
  let position = source.charCodeAt(0) === 0xfeff ? 1 : 0
  const open: Array<CliXmlElement> = []
  let root: CliXmlElement | undefined

  const fail = (reason: string, offset = position): never => {
    throw new MalformedXml(reason, offset)
  }
  const expand = (raw: string): string => expandReferences(raw) ?? fail("undeclared entity or bare ampersand")

  const addText = (text: string): void => {
    const parent = open.at(-1)
    if (parent === undefined || parent.children.length > 0) {
      if (!blank.test(text)) fail("text outside of a leaf")
    } else parent.text += text
  }

  const skipPast = (terminator: string, from: number): number => {
    const end = source.indexOf(terminator, from)
    if (end < 0) fail(`no ${terminator}`)
    return end + terminator.length
  }

  const startTag = (): void => {
    tagName.lastIndex = position + 1
    const name = tagName.exec(source)?.[0] ?? fail("no element name")
    position += 1 + name.length
    let key: string | undefined
    let refId: string | undefined
    for (;;) {
      attribute.lastIndex = position
      const match = attribute.exec(source)
      if (match === null) break
      if (match[1] === "N") key = expand(match[2] ?? match[3] ?? "")
      else if (match[1] === "RefId") refId = match[2] ?? match[3] ?? ""
      position = attribute.lastIndex
    }
    tagEnd.lastIndex = position
    const end = tagEnd.exec(source) ?? fail("malformed start tag")
    position = tagEnd.lastIndex
    const element: CliXmlElement = { name, key, refId, text: "", children: [] }
    const parent = open.at(-1)
    if (parent !== undefined) {
      if (parent.text !== "") {
        if (!blank.test(parent.text)) fail("text beside elements")
        parent.text = ""
      }
      parent.children.push(element)
    } else if (root === undefined) root = element
    else fail("a second root")
    if (end[1] === "/") return
    if (open.length >= maxDepth) fail("nested too deeply")
    open.push(element)
  }

  const endTag = (): void => {
    const end = skipPast(">", position)
    const name = source.slice(position + 2, end - 1).trimEnd()
    if (open.pop()?.name !== name) fail(`unexpected end of ${name.slice(0, 40)}`)
    position = end
  }

  while (position < source.length) {
    const next = source.indexOf("<", position)
    if (next !== position) {
      addText(expand(source.slice(position, next < 0 ? source.length : next)))
      if (next < 0) break
      position = next
    }
    const kind = source.charCodeAt(position + 1)
    if (kind === 0x2f) endTag()
    else if (kind !== 0x21 && kind !== 0x3f) startTag()
    else if (kind === 0x3f) position = skipPast("?>", position)
    else if (source.startsWith("<!--", position)) position = skipPast("-->", position + 4)
    else if (source.startsWith("<![CDATA[", position)) {
      const end = skipPast("]]>", position)
      addText(source.slice(position + 9, end - 3))
      position = end
    } else fail("a document type declaration")
  }
  if (open.length > 0) fail("unclosed element")
  return root ?? fail("no element")
}
