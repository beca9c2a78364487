/** The classification of failed connections takes whatever is thrown. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { classify } from "../../layers/DialFailure.ts"

const coded = (code: string, cause?: unknown): Error => Object.assign(new Error("x", { cause }), { code })

describe("DialFailure.classify", () => {
  it("looks through wrapped and aggregated errors", () => {
    const inner = new AggregateError([coded("ECONNREFUSED"), coded("ECONNREFUSED")])
    assert.strictEqual(classify(new Error("fetch failed", { cause: inner })).kind, "refused")
    assert.strictEqual(classify(coded("UND_ERR_SOCKET", coded("CERT_HAS_EXPIRED"))).code, "CERT_HAS_EXPIRED")
    assert.strictEqual(classify(coded("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED")).kind, "tls")
    assert.strictEqual(classify({ _tag: "TimeoutError" }).kind, "timeout")
    assert.deepStrictEqual(classify(new Error("odd")), { kind: "other", code: "", text: "odd" })
    assert.strictEqual(classify("text").text, "text")
  })

  it("ends on a cycle of causes", () => {
    const one = new Error("one")
    one.cause = new Error("two", { cause: one })
    assert.strictEqual(classify(one).kind, "other")
  })

  it.prop("is total", { value: Schema.Json, code: Schema.String }, ({ value, code }) => {
    assert.isString(classify(value).text)
    assert.isString(classify(coded(code, value)).kind)
  })
})
