import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { syntaxFault } from "../../../../src/simulators/kube/GoJson.ts"

const end = "unexpected end of JSON input"

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe("Go's JSON faults", () => {
  const said: ReadonlyArray<readonly [string, string]> = [
    ["", end],
    ["{", end],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 2}', "invalid character '2' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["{} x", "invalid character 'x' after top-level value"],
    ["nul", "invalid character ' ' in literal null (expecting 'l')"],
    ["-x", "invalid character 'x' in numeric literal"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['"\\q"', "invalid character 'q' in string escape code"]
  ]
  for (const [text, fault] of said) {
    it(`of ${text === "" ? "nothing" : text}`, () => assert.strictEqual(syntaxFault(text), fault))
  }

  it.effect.prop(
    "find nothing in JSON, and something in what is none",
    { value: Schema.Json, cut: Schema.Natural },
    ({ value, cut }) =>
      Effect.sync(() => {
        const text = JSON.stringify(value)
        assert.strictEqual(syntaxFault(text), end)
        const broken = `${text.slice(0, cut % (text.length + 1))}}`
        if (!isJson(broken)) assert.match(syntaxFault(broken), /^(?:invalid character|unexpected end)/u)
        assert.strictEqual(syntaxFault(`${text} }`), "invalid character '}' after top-level value")
      })
  )
})
