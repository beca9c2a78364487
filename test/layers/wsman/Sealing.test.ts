import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeSealed, encodeSealed, isSealed, sealedContentType } from "../../../layers/wsman/Sealing.ts"

const utf8 = new TextEncoder()
const signature = Uint8Array.from({ length: 16 }, (_, at) => at)

const bytesOf = (...parts: ReadonlyArray<string | Uint8Array>): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...(typeof part === "string" ? utf8.encode(part) : part)]))

const length = Uint8Array.of(16, 0, 0, 0)

const detailOf = (contentType: string, body: Uint8Array): string | undefined => {
  const decoded = decodeSealed(contentType, body)
  return Result.isFailure(decoded) ? decoded.failure.detail : undefined
}

describe("sealed bodies", () => {
  it("have the shape that WinRM writes", () => {
    const body = encodeSealed({ signature, data: utf8.encode("cipher") })
    assert.deepStrictEqual(
      body,
      bytesOf(
        "--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n",
        "\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=6\r\n",
        "--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n",
        length,
        signature,
        "cipher",
        "--Encrypted Boundary--\r\n"
      )
    )
    assert.isTrue(isSealed(sealedContentType))
    assert.isFalse(isSealed("application/soap+xml;charset=UTF-8"))
    assert.isFalse(isSealed(undefined))
  })

  it.prop("come back whatever is in them", { data: Schema.Uint8Array, inner: Schema.Boolean }, ({ data, inner }) => {
    // A boundary inside the ciphertext is no boundary.
    const held = inner ? bytesOf(data, "--Encrypted Boundary--\r\n", data) : data
    const decoded = decodeSealed(sealedContentType, encodeSealed({ signature, data: held }))
    assert.deepStrictEqual(decoded, Result.succeed({ signature, data: held }))
  })

  it("are read as other peers write them", () => {
    const variant = (open: string, end: string) =>
      bytesOf(
        `${open}Content-Type: application/HTTP-SPNEGO-session-encrypted\r\n`,
        `OriginalContent: type=application/soap+xml;charset=UTF-8;Length=2\r\n`,
        `${open}Content-Type: application/octet-stream\r\n`,
        length,
        signature,
        "ab",
        end
      )
    for (const [open, end] of [
      ["-- Encrypted Boundary\r\n", "-- Encrypted Boundary--\r\n"],
      ["--Encrypted Boundary\r\n", "--Encrypted Boundary\r\n"],
      ["--Encrypted Boundary\r\n", "--Encrypted Boundary--"]
    ] as const) {
      assert.isUndefined(detailOf(sealedContentType, variant(open, end)))
    }
    const plainName = bytesOf(variant("--b+1\r\n", "--b+1--\r\n"))
    assert.isUndefined(detailOf('Multipart/Encrypted; protocol="x"; boundary=b+1', plainName))
  })

  it("say what is wrong with those that are none", () => {
    const data = utf8.encode("abcdef")
    const body = encodeSealed({ signature, data })
    const text = new TextDecoder("latin1").decode(body)
    const changed = (from: string, to: string) => Uint8Array.from(text.replace(from, to), (c) => c.charCodeAt(0))
    const wrong: ReadonlyArray<readonly [string, Uint8Array, RegExp]> = [
      ["application/soap+xml", body, /not a multipart/u],
      ["multipart/encrypted", body, /not a multipart/u],
      [sealedContentType, new Uint8Array(0), /where they belong/u],
      [sealedContentType, changed("octet-stream", "soap+xml"), /where they belong/u],
      [sealedContentType, changed("SPNEGO", "Kerberos"), /another protocol/u],
      [sealedContentType, changed(";Length=6", ""), /without the length/u],
      [sealedContentType, changed("Length=6", "Length=5"), /longer/u],
      [sealedContentType, changed("Length=6", "Length=7"), /longer/u],
      [sealedContentType, changed("Length=6", "Length=600"), /cut off/u],
      [sealedContentType, changed("octet-stream\r\n\x10", "octet-stream\r\n\x11"), /another kind/u],
      [sealedContentType, body.subarray(0, text.indexOf("octet-stream") + 20), /without its signature/u],
      [sealedContentType, bytesOf(body, "more"), /longer/u]
    ]
    for (const [type, bytes, expected] of wrong) assert.match(detailOf(type, bytes) ?? "accepted", expected)
  })

  it.prop(
    "never break the reader",
    {
      type: Schema.String,
      body: Schema.Uint8Array,
      cut: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))
    },
    ({ type, body, cut }) => {
      decodeSealed(type, body)
      decodeSealed(sealedContentType, body)
      const whole = encodeSealed({ signature, data: body })
      const decoded = decodeSealed(sealedContentType, whole.subarray(0, cut))
      // The dashes and the line's end at the very end may be missing.
      assert.strictEqual(Result.isSuccess(decoded), cut >= whole.length - 4 && ![1, 3].includes(whole.length - cut))
    }
  )
})
