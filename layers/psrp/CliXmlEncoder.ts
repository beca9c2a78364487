/** PsValue → CLIXML text (MS-PSRP §2.2.5), with reference ids where an object occurs twice or holds itself. */
import { encodeBase64 } from "../wsman/SoapBase64.ts"
import { scalarElements } from "./CliXmlPrimitive.ts"
import { escapeAttribute, escapeText } from "./CliXmlText.ts"
import type { SecureStringCipher } from "./SecureString.ts"
import type { PsDictionary, PsList, PsObject, PsValue } from "./PsValue.ts"

/** The decoder's limit of 192 elements at three a level; PowerShell itself reads 50 levels. */
const maxDepth = 60

const containerElements: Readonly<Record<PsList["kind"], string>> = {
  List: "LST",
  Enumerable: "IE",
  Queue: "QUE",
  Stack: "STK"
}

class Encoder {
  private readonly parts: Array<string> = []
  private readonly objects = new Map<PsValue, number>()
  private readonly typeNames = new Map<string, number>()
  private depth = 0
  private nextReference = 0
  private readonly cipher: SecureStringCipher | undefined

  constructor(cipher: SecureStringCipher | undefined) {
    this.cipher = cipher
  }

  text(): string {
    return this.parts.join("")
  }

  /** `name` is the attribute N: the property, or Key and Value of a dictionary entry. */
  value(value: PsValue, name?: string): void {
    if (value === null) this.parts.push(`<Nil${this.attribute(name)} />`)
    else if (typeof value === "string") this.primitive("S", escapeText(value), name)
    else if (typeof value === "boolean") this.primitive("B", value ? "true" : "false", name)
    else if (typeof value === "bigint") this.primitive("I64", value.toString(), name)
    else if (typeof value === "number") this.number(value, name)
    else if (value instanceof Uint8Array) this.primitive("BA", encodeBase64(value), name)
    else if (value._tag === "Scalar") this.primitive(scalarElements[value.type], escapeText(value.text), name)
    else if (value._tag === "SecureString") {
      if (this.cipher === undefined) throw new RangeError("CLIXML: a secure string without a session key")
      this.primitive("SS", this.cipher.encrypt(value.plain), name)
    } else this.complex(value, name)
  }

  private attribute(name: string | undefined): string {
    return name === undefined ? "" : ` N="${escapeAttribute(name)}"`
  }

  private primitive(element: string, text: string, name: string | undefined): void {
    this.parts.push(`<${element}${this.attribute(name)}>${text}</${element}>`)
  }

  private number(value: number, name: string | undefined): void {
    if (value === (value | 0)) this.primitive("I32", (value | 0).toString(), name)
    else {
      const text = value === Infinity ? "INF" : value === -Infinity ? "-INF" : String(value)
      this.primitive("Db", text, name)
    }
  }

  private complex(value: PsList | PsDictionary | PsObject, name: string | undefined): void {
    const seen = this.objects.get(value)
    if (seen !== undefined) {
      this.parts.push(`<Ref${this.attribute(name)} RefId="${seen}" />`)
      return
    }
    if (this.depth >= maxDepth) throw new RangeError(`CLIXML: objects nested more than ${maxDepth} deep`)
    this.depth++
    const reference = this.nextReference++
    this.objects.set(value, reference)
    this.parts.push(`<Obj${this.attribute(name)} RefId="${reference}">`)
    this.types(value.typeNames)
    if (value._tag === "Object") this.object(value)
    else this.container(value)
    this.parts.push("</Obj>")
    this.depth--
  }

  private types(typeNames: ReadonlyArray<string>): void {
    if (typeNames.length === 0) return
    const key = typeNames.join("\n")
    const seen = this.typeNames.get(key)
    if (seen !== undefined) {
      this.parts.push(`<TNRef RefId="${seen}" />`)
      return
    }
    const reference = this.typeNames.size
    this.typeNames.set(key, reference)
    this.parts.push(`<TN RefId="${reference}">`)
    for (const type of typeNames) this.primitive("T", escapeText(type), undefined)
    this.parts.push("</TN>")
  }

  private object(object: PsObject): void {
    if (object.text !== undefined) this.primitive("ToString", escapeText(object.text), undefined)
    let inner = object.value
    // PowerShell wraps a value once: an object inside an object loses its own properties.
    const wrappers = new Set<PsValue>()
    while (inner !== null && typeof inner === "object" && "_tag" in inner && inner._tag === "Object") {
      if (wrappers.has(inner)) inner = null
      else {
        wrappers.add(inner)
        inner = inner.value
      }
    }
    if (
      inner !== null &&
      typeof inner === "object" &&
      "_tag" in inner &&
      (inner._tag === "List" || inner._tag === "Dictionary")
    ) {
      this.container(inner)
      // Without a ToString or properties a reader takes the container for the value itself.
      if (object.text === undefined && object.adapted.size === 0 && object.extended.size === 0)
        this.parts.push("<MS />")
    } else if (inner !== undefined) this.value(inner)
    this.properties("Props", object.adapted)
    this.properties("MS", object.extended)
  }

  private properties(element: string, properties: ReadonlyMap<string, PsValue>): void {
    if (properties.size === 0) return
    this.parts.push(`<${element}>`)
    for (const [name, value] of properties) this.value(value, name)
    this.parts.push(`</${element}>`)
  }

  private container(value: PsList | PsDictionary): void {
    if (value._tag === "List") {
      const element = containerElements[value.kind]
      this.parts.push(`<${element}>`)
      for (const item of value.items) this.value(item)
      this.parts.push(`</${element}>`)
    } else {
      this.parts.push("<DCT>")
      for (const [key, item] of value.entries) {
        this.parts.push("<En>")
        this.value(key, "Key")
        this.value(item, "Value")
        this.parts.push("</En>")
      }
      this.parts.push("</DCT>")
    }
  }
}

/**
 * Encodes any PsValue. A number outside of Int32 becomes a Double. Throws RangeError, a defect, beyond 60 levels of
 * objects, which PsJson.fromJs keeps below, and for a secure string without a cipher.
 */
export const encodeCliXml = (value: PsValue, cipher?: SecureStringCipher): string => {
  const encoder = new Encoder(cipher)
  encoder.value(value)
  return encoder.text()
}
