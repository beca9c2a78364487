import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Rc4 from "../../../layers/wsman/Rc4.ts"
import { hex, toHex } from "./Bytes.ts"

describe("RC4", () => {
  it("has the key streams of RFC 6229", () => {
    const streams: ReadonlyArray<readonly [key: string, start: string, at4096: string]> = [
      ["0102030405", "b2396305f03dc027ccc3524a0a1118a8", "ff25b58995996707e51fbdf08b34d875"],
      ["0102030405060708090a0b0c0d0e0f10", "9ac7cc9a609d1ef7b2932899cde41b97", "a36a4c301ae8ac13610ccbc12256cacc"],
      [
        "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
        "eaa6bd25880bf93d3f5d1e4ca2611d91",
        "f3e4c0a2e02d1d01f7f0a74618af2b48"
      ]
    ]
    for (const [key, start, at4096] of streams) {
      const stream = Rc4.make(hex(key)).apply(new Uint8Array(4112))
      assert.strictEqual(toHex(stream.subarray(0, 16)), start)
      assert.strictEqual(toHex(stream.subarray(4096)), at4096)
    }
  })

  it.prop(
    "goes on from call to call, and decrypts what it encrypted",
    { key: Schema.Uint8Array.check(Schema.isMinLength(1)), pieces: Schema.Array(Schema.Uint8Array) },
    ({ key, pieces }) => {
      const [out, into] = [Rc4.make(key), Rc4.make(key)]
      for (const piece of pieces) assert.deepStrictEqual(into.apply(out.apply(piece)), piece)
    }
  )
})
