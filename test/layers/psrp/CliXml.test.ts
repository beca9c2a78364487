import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeCliXml } from "../../../layers/psrp/CliXmlDecoder.ts"
import { encodeCliXml } from "../../../layers/psrp/CliXmlEncoder.ts"
import { escapeText, expandReferences, unescapeText } from "../../../layers/psrp/CliXmlText.ts"
import { array, bag, hashtable } from "../../../layers/psrp/PsObject.ts"
import type { PsDictionary, PsList, PsObject, PsValue, ScalarType } from "../../../layers/psrp/PsValue.ts"
import { Entropy, psValueFrom } from "./AnyPsValue.ts"

const decode = (text: string): PsValue => Result.getOrThrow(decodeCliXml(text))
const reason = (text: string): string => {
  const result = decodeCliXml(text)
  return Result.isFailure(result) ? result.failure.message : "decoded"
}
const runs = { arbitrary: { runs: 500 } }

describe("CLIXML", () => {
  it.prop(
    "encode, then decode, gives the value again",
    { entropy: Entropy },
    ({ entropy }) => {
      const value = psValueFrom(entropy)
      assert.deepStrictEqual(decode(encodeCliXml(value)), value)
    },
    runs
  )

  it.prop(
    "any text survives the escapes",
    { units: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))) },
    ({ units }) => {
      const text = String.fromCharCode(...units)
      const escaped = escapeText(text)
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(escaped, /[\u0000-\u001f\ud800-\udfff\ufffe\uffff]/)
      assert.strictEqual(unescapeText(expandReferences(escaped) ?? "?"), text)
    },
    runs
  )

  it.prop(
    "no damaged document makes the decoder throw",
    { entropy: Entropy, cut: Schema.Natural, junk: Schema.String },
    ({ entropy, cut, junk }) => {
      const text = encodeCliXml(psValueFrom(entropy))
      const at = cut % (text.length + 1)
      for (const damaged of [
        text.slice(0, at),
        text.slice(0, at) + junk + text.slice(at),
        text.slice(0, at) + text.slice(at + 1)
      ])
        assert.isBoolean(Result.isSuccess(decodeCliXml(damaged)))
    },
    runs
  )

  it("writes what PowerShell writes", () => {
    assert.strictEqual(
      encodeCliXml("a\r\n_x0041_ _X é \ud83c\udfb5 <&>"),
      "<S>a_x000D__x000A__x005F_x0041_ _x005F_X é _xD83C__xDFB5_ &lt;&amp;&gt;</S>"
    )
    assert.strictEqual(encodeCliXml(null), "<Nil />")
    assert.strictEqual(
      encodeCliXml(array([1, array([2n])])),
      '<Obj RefId="0"><TN RefId="0"><T>System.Object[]</T><T>System.Array</T><T>System.Object</T></TN><LST><I32>1</I32><Obj RefId="1"><TNRef RefId="0" /><LST><I64>2</I64></LST></Obj></LST></Obj>'
    )
    assert.strictEqual(
      encodeCliXml(hashtable([["k", true]])),
      '<Obj RefId="0"><TN RefId="0"><T>System.Collections.Hashtable</T><T>System.Object</T></TN><DCT><En><S N="Key">k</S><B N="Value">true</B></En></DCT></Obj>'
    )
  })

  it("numbers beyond Int32 become doubles", () => {
    assert.strictEqual(encodeCliXml(2 ** 31), "<Db>2147483648</Db>")
    assert.strictEqual(encodeCliXml(0.5), "<Db>0.5</Db>")
    assert.strictEqual(encodeCliXml(-Infinity), "<Db>-INF</Db>")
  })

  it("keeps cycles and identity", () => {
    const list: PsList = { _tag: "List", kind: "List", typeNames: ["L"], items: [] }
    const dictionary: PsDictionary = { _tag: "Dictionary", typeNames: ["D"], entries: [["list", list]] }
    const object: PsObject = { ...bag({ dictionary }), typeNames: ["O"] }
    object.extended.set("self", object)
    list.items.push(object, list, dictionary)
    const decoded = decode(encodeCliXml(list))
    assert.isTrue(typeof decoded === "object" && decoded !== null && "items" in decoded)
    const [again, itself] = (decoded as PsList).items
    assert.strictEqual(itself, decoded)
    assert.strictEqual((again as PsObject).extended.get("self"), again)
    assert.strictEqual(((again as PsObject).extended.get("dictionary") as PsDictionary).entries[0]?.[1], decoded)
  })

  it("a decorated list that holds itself holds the decorated one", () => {
    const decoded = decode(
      '<Obj RefId="3"><TN RefId="0"><T>L</T></TN><LST><Ref RefId="3" /></LST><MS><I32 N="n">1</I32></MS></Obj>'
    ) as PsObject
    assert.strictEqual((decoded.value as PsList).items[0], decoded)
  })

  it("reads what XML allows besides", () => {
    assert.deepStrictEqual(decode('\ufeff<?xml version="1.0"?>\n<!-- c --><I32>\n 5 </I32>\n'), 5)
    assert.deepStrictEqual(decode("<S>a<![CDATA[<&]]>b&#x41;&#66;</S>"), "a<&bAB")
    assert.deepStrictEqual(decode("<S>a\r\nb</S>"), "a\nb")
    assert.deepStrictEqual(decode("<S />"), "")
    assert.deepStrictEqual(decode("<BA />"), new Uint8Array(0))
    assert.deepStrictEqual(decode("<S>&#xFFFE;_xFFFF_</S>"), "\ufffe\uffff")
    assert.deepStrictEqual(
      decode("<Obj RefId='0'>\n <MS>\n <S N='a_x0020_&lt;'>v</S>\n </MS>\n</Obj>"),
      bag({ "a <": "v" })
    )
  })

  it.each([
    ["", /no element/],
    ["plain text", /text outside/],
    ["<S>open", /unclosed/],
    ["<S>a</B>", /unexpected end/],
    ["<S>a</S><S>b</S>", /second root/],
    ["<S a=b>x</S>", /malformed start tag/],
    ["<S>&nbsp;</S>", /entity/],
    ["<S>&</S>", /entity/],
    ["<S>&#x110000;</S>", /entity/],
    ['<!DOCTYPE S [<!ENTITY a "b">]><S>&a;</S>', /document type/],
    ["<I32>2147483648</I32>", /malformed I32/],
    ["<I32>1.5</I32>", /malformed I32/],
    ["<I32></I32>", /malformed I32/],
    ["<I64>9223372036854775808</I64>", /malformed I64/],
    ["<U64>18446744073709551616</U64>", /malformed U64/],
    ["<U64>-1</U64>", /malformed U64/],
    ["<U32>4294967296</U32>", /malformed U32/],
    ["<U16>65536</U16>", /malformed U16/],
    ["<I16>32768</I16>", /malformed I16/],
    ["<By>256</By>", /malformed By/],
    ["<SB>-129</SB>", /malformed SB/],
    ["<C>65536</C>", /malformed C/],
    ["<C>a</C>", /malformed C/],
    ["<B>maybe</B>", /malformed B/],
    ["<BA>*</BA>", /malformed BA/],
    ["<Foo>1</Foo>", /unknown element/],
    ["<S><S>x</S></S>", /inside a primitive/],
    ['<Ref RefId="0" />', /not seen/],
    ['<Obj RefId="0"><TNRef RefId="0" /></Obj>', /not seen/],
    ['<Obj RefId="0"><MS><S>x</S></MS></Obj>', /without a name/],
    ['<Obj RefId="0"><DCT><En><S N="Key">k</S></En></DCT></Obj>', /dictionary entry/],
    ['<Obj RefId="0"><S>a</S><S>b</S></Obj>', /two values/],
    ['<Obj RefId="0">text<LST /></Obj>', /text/],
    ['<Obj RefId="0"><Ref RefId="0" /></Obj>', /wraps a reference/],
    ["<Obj>".repeat(500) + "</Obj>".repeat(500), /too deeply/]
  ])("refuses %s", (text, expected) => {
    assert.match(reason(text), expected)
  })

  it("reads every primitive of MS-PSRP §2.2.5.1", () => {
    const kept = (type: ScalarType, text: string) => ({ _tag: "Scalar" as const, type, text })
    const primitives: ReadonlyArray<readonly [xml: string, value: PsValue]> = [
      ["<S>a</S>", "a"],
      ["<C>55356</C>", kept("Char", "55356")],
      ["<B>true</B>", true],
      ["<DT>2008-04-11T10:42:32.2731993-07:00</DT>", kept("DateTime", "2008-04-11T10:42:32.2731993-07:00")],
      ["<TS>PT9.0269026S</TS>", kept("TimeSpan", "PT9.0269026S")],
      ["<By>254</By>", kept("Byte", "254")],
      ["<SB>-127</SB>", kept("SByte", "-127")],
      ["<U16>65535</U16>", kept("UInt16", "65535")],
      ["<I16>-32767</I16>", kept("Int16", "-32767")],
      ["<U32>4294967295</U32>", kept("UInt32", "4294967295")],
      ["<I32>-2147483648</I32>", -2_147_483_648],
      ["<U64>18446744073709551615</U64>", kept("UInt64", "18446744073709551615")],
      ["<I64>-9223372036854775808</I64>", -9_223_372_036_854_775_808n],
      ["<Sg>12.34</Sg>", kept("Single", "12.34")],
      ["<Db>-INF</Db>", kept("Double", "-INF")],
      ["<D>12.340</D>", kept("Decimal", "12.340")],
      ["<BA>AQIDBA==</BA>", new Uint8Array([1, 2, 3, 4])],
      ["<G>792e5b37-4505-47ef-b7d2-8711bb7affa8</G>", kept("Guid", "792e5b37-4505-47ef-b7d2-8711bb7affa8")],
      ["<URI>http://www.microsoft.com/</URI>", kept("Uri", "http://www.microsoft.com/")],
      ["<Nil/>", null],
      ["<Version>6.2.1.3</Version>", kept("Version", "6.2.1.3")],
      [
        '<XD>&lt;name attribute="v"&gt;Content&lt;/name&gt;</XD>',
        kept("XmlDocument", '<name attribute="v">Content</name>')
      ],
      ["<SBK>get-command -type cmdlet</SBK>", kept("ScriptBlock", "get-command -type cmdlet")],
      ["<SS>bnVsbA==</SS>", kept("SecureString", "bnVsbA==")]
    ]
    for (const [xml, value] of primitives) assert.deepStrictEqual(decode(xml), value, xml)
  })

  it("refuses a document beyond 64 Mi characters unread", () => {
    assert.match(reason(" ".repeat(64 * 1024 * 1024 + 1)), /too large/)
  })

  it("encodes nothing that PowerShell could not read for its depth", () => {
    let value: PsValue = null
    for (let depth = 0; depth < 50; depth++) value = array([value])
    assert.deepStrictEqual(decode(encodeCliXml(value)), value)
    for (let depth = 0; depth < 50; depth++) value = array([value])
    assert.throws(() => encodeCliXml(value), RangeError)
  })
})
