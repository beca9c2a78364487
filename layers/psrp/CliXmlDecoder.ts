/** CLIXML text → PsValue (MS-PSRP §2.2.5): references, cycles and every primitive; types stay as the sender named them. */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { type CliXmlElement, MalformedXml, parseCliXml } from "./CliXmlElement.ts"
import { isPrimitive, primitiveOf } from "./CliXmlPrimitive.ts"
import { unescapeText } from "./CliXmlText.ts"
import { secureString, type SecureStringCipher } from "./SecureString.ts"
import type { PsDictionary, PsList, PsObject, PsValue } from "./PsValue.ts"

/** The text is not CLIXML, or exceeds a limit. Never holds the text itself: it may carry secrets. */
export class CliXmlError extends Data.TaggedError("CliXmlError")<{
  readonly reason: string
  /** UTF-16 units from the start, where the XML itself is malformed. */
  readonly offset?: number
}> {
  override get message() {
    return `CLIXML: ${this.reason}${this.offset === undefined ? "" : ` at ${this.offset}`}`
  }
}

/** PowerShell stops at 50 levels of objects; an element each for Obj, its container and an entry, and some to spare. */
const maxElementDepth = 192
/** Characters of one document; Windows refuses to send objects of more than 10 MB by default. */
const maxLength = 64 * 1024 * 1024

class Invalid extends Error {}

const listKinds: ReadonlyMap<string, PsList["kind"]> = new Map([
  ["LST", "List"],
  ["IE", "Enumerable"],
  ["QUE", "Queue"],
  ["STK", "Stack"]
])

class Decoder {
  private readonly objects = new Map<string, PsValue>()
  private readonly typeNames = new Map<string, ReadonlyArray<string>>()
  private readonly cipher: SecureStringCipher | undefined

  constructor(cipher: SecureStringCipher | undefined) {
    this.cipher = cipher
  }

  value(element: CliXmlElement): PsValue {
    if (element.name === "Obj") return this.object(element)
    if (element.name === "Ref") {
      const target = this.objects.get(element.refId ?? "")
      if (target === undefined) throw new Invalid("Ref to an object that was not seen")
      return target
    }
    if (element.children.length > 0) throw new Invalid("elements inside a primitive")
    const value = primitiveOf(element.name, unescapeText(element.text))
    if (element.name === "SS" && this.cipher !== undefined) {
      const plain = this.cipher.decrypt(element.text)
      if (plain === undefined) throw new Invalid("a secure string that the session key does not open")
      return secureString(plain)
    }
    if (value === undefined)
      throw new Invalid(isPrimitive(element.name) ? `malformed ${element.name}` : "unknown element")
    return value
  }

  private types(element: CliXmlElement): ReadonlyArray<string> {
    for (const child of element.children) {
      if (child.name === "TNRef") {
        const names = this.typeNames.get(child.refId ?? "")
        if (names === undefined) throw new Invalid("TNRef to type names that were not seen")
        return names
      }
      if (child.name === "TN") {
        const names = child.children.map((type) => unescapeText(type.text))
        if (child.refId !== undefined) this.typeNames.set(child.refId, names)
        return names
      }
    }
    return []
  }

  /** A container alone is the list or dictionary itself; with ToString or properties it is wrapped in an object. */
  private object(element: CliXmlElement): PsValue {
    const typeNames = this.types(element)
    const container = element.children.find((child) => child.name === "DCT" || listKinds.has(child.name))
    const bare =
      container !== undefined &&
      !element.children.some((child) => child.name === "ToString" || child.name === "Props" || child.name === "MS")
    if (bare) return this.container(container, typeNames, element.refId)

    const text = element.children.find((child) => child.name === "ToString")
    const object: PsObject = {
      _tag: "Object",
      typeNames,
      ...(text === undefined ? {} : { text: unescapeText(text.text) }),
      adapted: new Map(),
      extended: new Map()
    }
    this.register(element.refId, object)
    for (const child of element.children) {
      switch (child.name) {
        case "TN":
        case "TNRef":
        case "ToString":
          break
        case "Props":
          this.properties(child, object.adapted)
          break
        case "MS":
          this.properties(child, object.extended)
          break
        default:
          if (object.value !== undefined) throw new Invalid("two values in one object")
          // What an object wraps stands in it: a reference there could only make it wrap itself.
          if (child.name === "Ref") throw new Invalid("an object that wraps a reference")
          object.value = child === container ? this.container(child, typeNames, undefined) : this.value(child)
      }
    }
    return object
  }

  private container(element: CliXmlElement, typeNames: ReadonlyArray<string>, refId: string | undefined): PsValue {
    const kind = listKinds.get(element.name)
    if (kind !== undefined) {
      const list: PsList = { _tag: "List", kind, typeNames, items: [] }
      this.register(refId, list)
      for (const child of element.children) list.items.push(this.value(child))
      return list
    }
    const dictionary: PsDictionary = { _tag: "Dictionary", typeNames, entries: [] }
    this.register(refId, dictionary)
    for (const entry of element.children) {
      const [key, value] = entry.children
      if (entry.name !== "En" || key?.key !== "Key" || value?.key !== "Value" || entry.children.length !== 2)
        throw new Invalid("malformed dictionary entry")
      dictionary.entries.push([this.value(key), this.value(value)])
    }
    return dictionary
  }

  private properties(element: CliXmlElement, into: Map<string, PsValue>): void {
    for (const child of element.children) {
      if (child.key === undefined) throw new Invalid("property without a name")
      into.set(unescapeText(child.key), this.value(child))
    }
  }

  private register(refId: string | undefined, value: PsValue): void {
    if (refId !== undefined) this.objects.set(refId, value)
  }
}

/**
 * Decodes one document; a leading byte order mark is skipped. Total: every text gives a value or a CliXmlError. Secure
 * strings are opened by the cipher, and without one stay sealed.
 */
export const decodeCliXml = (text: string, cipher?: SecureStringCipher): Result.Result<PsValue, CliXmlError> => {
  if (text.length > maxLength) return Result.fail(new CliXmlError({ reason: "document too large" }))
  try {
    return Result.succeed(new Decoder(cipher).value(parseCliXml(text, maxElementDepth)))
  } catch (error) {
    if (error instanceof MalformedXml)
      return Result.fail(new CliXmlError({ reason: error.message, offset: error.offset }))
    if (error instanceof Invalid) return Result.fail(new CliXmlError({ reason: error.message }))
    throw error
  }
}
