import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { encode, context, Tag } from "../../../layers/wsman/Der.ts"
import * as Spnego from "../../../layers/wsman/Spnego.ts"
import { flipped, hex, toHex } from "./Bytes.ts"

const latin = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))

const read = (bytes: Uint8Array) => Result.getOrThrow(Spnego.decode(bytes))

/** Written by pyspnego: Microsoft's own name of Kerberos, Kerberos, NTLM; and a token of 160 bytes. */
const init =
  hex(`6081da06062b0601050502a081cf3081cca024302206092a864882f71201020206092a864886f712010202060a2b06010401823702020a
  a281a30481a0${"4e544c4d53535000".repeat(20)}`)

/** By pyspnego, too: accept-incomplete, NTLM, "abc" and a checksum. */
const resp = hex(`a130302ea0030a0101a10c060a2b06010401823702020aa2050403616263a312041030313233343536373839616263646566`)

/** A seeded generator (mulberry32), for more inputs than a property runs. */
const generator = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 4294967296) * below)
  }
}

describe("SPNEGO", () => {
  it("reads and writes what pyspnego writes", () => {
    const NTLM = Spnego.Mechanism.ntlm
    assert.deepStrictEqual(read(init), {
      _tag: "Init",
      mechanisms: ["2a864882f712010202", Spnego.Mechanism.kerberos, NTLM],
      mechanismList: hex("302206092a864882f71201020206092a864886f712010202060a2b06010401823702020a"),
      token: latin("NTLMSSP\0".repeat(20))
    })
    assert.strictEqual(
      toHex(Spnego.encodeInit(["2a864882f712010202", Spnego.Mechanism.kerberos, NTLM], latin("NTLMSSP\0".repeat(20)))),
      toHex(init)
    )
    const later = {
      state: Spnego.NegState.acceptIncomplete,
      mechanism: NTLM,
      token: latin("abc"),
      checksum: latin("0123456789abcdef")
    }
    assert.deepStrictEqual(read(resp), { _tag: "Resp", ...later })
    assert.strictEqual(toHex(Spnego.encodeResp(later)), toHex(resp))
  })

  it("knows what is wrapped from what is not", () => {
    for (const wrapped of [init, resp]) assert.isTrue(Spnego.isWrapped(wrapped))
    // NTLM as it is, a ticket as it is (its own mechanism in the same frame), nothing, and an empty frame.
    const ticket = encode(0x60, encode(Tag.objectIdentifier, hex(Spnego.Mechanism.kerberos)), hex("0100"))
    for (const bare of [latin("NTLMSSP\0"), ticket, new Uint8Array(0), hex("6000")])
      assert.isFalse(Spnego.isWrapped(bare))
  })

  it.each([
    ["nothing", ""],
    ["a cut", toHex(init).slice(0, -2)],
    ["something after it", `${toHex(resp)}00`],
    ["an endless length", "a180"],
    ["a length of five octets", "a1850000000001"],
    ["a state that there is none of", "a1073005a0030a0107"],
    ["the same field twice", "a10c300aa0030a0101a0030a0101"],
    ["fields in disorder", "a10e300ca2050403616263a0030a0101"],
    ["a token that is none", "a1073005a2030a0101"],
    ["no mechanism", "601006062b0601050502a0063004a0023000"]
  ])("refuses %s", (_name, text) => {
    assert.isTrue(Result.isFailure(Spnego.decode(hex(text))))
  })

  it("refuses more than 32 mechanisms, and tokens without bounds", () => {
    const many = (count: number) =>
      Spnego.encodeInit(
        Array.from({ length: count }, () => Spnego.Mechanism.ntlm),
        undefined
      )
    assert.isTrue(Result.isSuccess(Spnego.decode(many(32))))
    assert.isTrue(Result.isFailure(Spnego.decode(many(33))))
    assert.isTrue(Result.isFailure(Spnego.decode(Spnego.encodeResp({ token: new Uint8Array(128 * 1024) }))))
  })

  it.prop(
    "writes what it reads",
    { token: Schema.Uint8Array, checksum: Schema.Uint8Array, state: Schema.Literals([0, 1, 2, 3]) },
    ({ token, checksum, state }) => {
      const whole = { state, mechanism: Spnego.Mechanism.ntlm, token, checksum }
      assert.deepStrictEqual(read(Spnego.encodeResp(whole)), { _tag: "Resp", ...whole })
    }
  )

  it("ends in a value or an error for 100,000 changed inputs", () => {
    const below = generator(6)
    const nested = encode(context(1), encode(Tag.sequence, encode(context(2), encode(Tag.octetString, resp))))
    const seeds = [init, resp, nested]
    let readable = 0
    for (let round = 0; round < 100_000; round++) {
      let bytes = seeds[round % seeds.length] ?? resp
      for (let change = below(4); change >= 0; change--)
        bytes =
          below(5) === 0
            ? bytes.slice(0, below(bytes.length + 1))
            : flipped(bytes, below(8 * Math.max(1, bytes.length)))
      const decoded = Spnego.decode(bytes)
      if (Result.isSuccess(decoded)) readable++
      else assert.instanceOf(decoded.failure, Spnego.SpnegoError)
      Spnego.isWrapped(bytes)
    }
    assert.isAbove(readable, 1000)
    assert.isBelow(readable, 99_000)
  })
})
