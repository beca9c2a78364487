import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { kinds } from "../../../schemas/scvmm/Kinds.ts"
import { collectionPath, objectPath } from "../../../schemas/kube/Resource.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"

/** What an object looks like after the API server had it. */
const wire = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe("API kinds", () => {
  for (const kind of kinds) {
    const decode = Schema.decodeUnknownSync(kind.schema)
    const encode = Schema.encodeSync(kind.schema)

    it.prop(
      `${kind.kind}: what was decoded is stored and decoded again as the same`,
      { object: kind.schema },
      (any) => {
        // An arbitrary value may hold zero values, which mean "unset": the first decoding brings it to its normal form.
        const normal = decode(wire(encode(any.object)))
        assert.deepStrictEqual(decode(wire(encode(normal))), normal)
      }
    )
  }

  it("have distinct names", () => {
    for (const names of [
      kinds.map((kind) => kind.kind),
      kinds.flatMap((kind) => [kind.plural, kind.singular, ...kind.shortNames])
    ]) {
      assert.deepStrictEqual(names, [...new Set(names)])
    }
  })

  it("know their REST paths", () => {
    assert.strictEqual(collectionPath(ScvmmMachine, ""), "/apis/infrastructure.cluster.x-k8s.io/v1alpha1/scvmmmachines")
    assert.strictEqual(
      objectPath(ScvmmMachine, { namespace: "a", name: "b" }),
      "/apis/infrastructure.cluster.x-k8s.io/v1alpha1/namespaces/a/scvmmmachines/b"
    )
  })
})
