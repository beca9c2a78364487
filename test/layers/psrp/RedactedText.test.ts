import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import { scrubber } from "../../../layers/psrp/RedactedText.ts"

const secret = String.raw`p"a\s<s>&'wörd`
const scrub = scrubber([Redacted.make(secret), Redacted.make('p"a'), Redacted.make("abc"), Redacted.make("second-one")])

const utf8 = Buffer.from(secret)
const utf16 = Buffer.from(secret, "utf16le")
const around = (bytes: Buffer, before: number) =>
  Buffer.concat([Buffer.from("x".repeat(before)), bytes, Buffer.from("yy")]).toString("base64")

const forms: Readonly<Record<string, string>> = {
  plain: secret,
  JSON: JSON.stringify({ secret }),
  "ConvertTo-Json": String.raw`{"secret":"p\"a\\s\u003cs\u003e\u0026\u0027wörd"}`,
  "XML text": String.raw`<S>p"a\s&lt;s&gt;&amp;'wörd</S>`,
  "XML attribute": String.raw`<S N="p&quot;a\s&lt;s&gt;&amp;'wörd"/>`,
  "XML with apostrophes": String.raw`p&quot;a\s&lt;s&gt;&amp;&apos;wörd`,
  "a single-quoted string": String.raw`'p"a\s<s>&''wörd'`,
  "a URI": `https://host/?q=${encodeURIComponent(secret)}`,
  hex: utf8.toString("hex"),
  "upper hex of UTF-16": utf16.toString("hex").toUpperCase(),
  ...Object.fromEntries([0, 1, 2].map((before) => [`base64 after ${before}`, around(utf8, before)])),
  ...Object.fromEntries([0, 1, 2].map((before) => [`base64 of UTF-16 after ${before}`, around(utf16, before)]))
}

describe("known secrets are taken out of", () => {
  for (const [form, text] of Object.entries(forms)) {
    it(form, () => {
      const left = scrub(`before ${text} after`)
      assert.match(left, /^before .*\[redacted\].* after$/u)
      // What is left of the text is what stood around it, and at most two characters of base64 that neighbours share.
      assert.isBelow(left.length, "before  after".length + text.length - secret.length + 12)
      for (const known of ["wörd", "w%C3%B6rd", utf8.subarray(4).toString("hex"), utf8.toString("base64").slice(6, 14)])
        assert.notInclude(left, known)
    })
  }

  it("text with several of them", () => {
    assert.strictEqual(scrub(`${secret} second-one ${secret}`), "[redacted] [redacted] [redacted]")
  })

  it("nothing else: what is too short to hide anything stays", () => {
    assert.strictEqual(scrub("abc second-on"), "abc second-on")
    assert.strictEqual(scrubber([])("anything"), "anything")
  })
})
