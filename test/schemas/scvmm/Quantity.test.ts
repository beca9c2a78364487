import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Quantity from "../../../schemas/scvmm/Quantity.ts"

const decode = Schema.decodeUnknownSync(Quantity.Quantity)
const Magnitude = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

describe("Quantity", () => {
  it("reads what Kubernetes reads", () => {
    const cases: ReadonlyArray<readonly [number | string, bigint]> = [
      [0, 0n],
      [1_073_741_824, 1_073_741_824n],
      ["1500M", 1_500_000_000n],
      ["16Gi", 17_179_869_184n],
      ["1.5Gi", 1_610_612_736n],
      [".5Ki", 512n],
      ["1.", 1n],
      ["1e3", 1000n],
      ["1E3", 1000n],
      ["1E", 10n ** 18n],
      ["2e-1", 1n],
      ["1m", 1n],
      ["1500m", 2n],
      ["100n", 1n],
      ["-1500m", -2n],
      ["+5", 5n],
      ["100E", 2n ** 63n - 1n],
      ["1e999999999999", 2n ** 63n - 1n],
      ["0e999999999999", 0n],
      ["1e-999999999999", 1n],
      ["0.00000000000000000000000000000000000000000000000001", 1n],
      [`${"9".repeat(60)}e-55`, 100_000n],
      ["1e1.5", 10n]
    ]
    for (const [text, bytes] of cases) assert.strictEqual(Quantity.toBytes(decode(text)), bytes, String(text))
  })

  it("drops the fraction of a MiB", () => {
    assert.strictEqual(Quantity.toMebibytes(decode("1500M")), 1430)
    assert.strictEqual(Quantity.toMebibytes(decode(1_048_575)), 0)
    assert.strictEqual(Quantity.toMebibytes(decode("64Gi")), 65_536)
  })

  it("refuses what is none", () => {
    for (const text of ["", "Gi", "1 Gi", "1GiB", "0x10", "1,5", "e3", true, null, 1.5]) {
      assert.throws(() => decode(text), undefined, undefined, String(text))
    }
  })

  it.prop(
    "every quantity of the pattern has a value within 64 bits, and stays as written",
    { quantity: Quantity.Quantity },
    ({ quantity }) => {
      const value = Quantity.toInteger(quantity)
      assert.isTrue(value < 2n ** 63n && value > -(2n ** 63n))
      assert.strictEqual(decode(Schema.encodeSync(Quantity.Quantity)(quantity)), quantity)
    }
  )

  it.prop("suffixes scale", { count: Magnitude }, ({ count }) => {
    assert.strictEqual(Quantity.toBytes(decode(`${count}Mi`)), Quantity.toBytes(decode(`${count * 1024}Ki`)))
    assert.strictEqual(Quantity.toBytes(decode(`${count}G`)), Quantity.toBytes(decode(`${count}e9`)))
    assert.strictEqual(Quantity.toMebibytes(decode(`${count}Mi`)), count)
    assert.strictEqual(Quantity.toBytes(Quantity.fromBytes(count)), BigInt(count))
    assert.strictEqual(Quantity.toNumber(decode(count)), count)
  })

  it.prop("a fraction is rounded up", { whole: Magnitude, thousandths: Magnitude }, ({ whole, thousandths }) => {
    const fraction = thousandths % 1000
    const text = `${whole}.${String(fraction).padStart(3, "0")}`
    assert.strictEqual(Quantity.toInteger(decode(text)), BigInt(whole) + (fraction > 0 ? 1n : 0n))
  })
})
