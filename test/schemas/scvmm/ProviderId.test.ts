import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ProviderId from "../../../schemas/scvmm/ProviderId.ts"

describe("ProviderId", () => {
  it.prop("keeps VMM's spelling of the GUID", { id: Schema.String.check(Schema.isMinLength(1)) }, ({ id }) => {
    assert.strictEqual(ProviderId.parse(ProviderId.render(id)), id)
  })

  it("refuses another provider's", () => {
    for (const text of ["", "scvmm://", "scvmm:/x", "vsphere://4207", "SCVMM://x"]) {
      assert.isUndefined(ProviderId.parse(text))
    }
  })
})
