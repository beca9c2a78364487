import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import { crd } from "../../schemas/Crd.ts"
import { kinds } from "../../schemas/scvmm/Kinds.ts"
import type { Structural } from "../../schemas/Structural.ts"
import { structural } from "../../schemas/Structural.ts"

/** Every node of a schema by its path: `spec.disks[].size`. */
const flatten = (schema: Structural, path: string): ReadonlyArray<readonly [string, Structural]> => [
  [path, schema],
  ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) => flatten(child, `${path}.${name}`)),
  ...(schema.additionalProperties === undefined ? [] : flatten(schema.additionalProperties, `${path}.*`)),
  ...(schema.items === undefined ? [] : flatten(schema.items, `${path}[]`))
]

const nodes = (kind: (typeof kinds)[number]) =>
  new Map([...flatten(kind.structural.spec, "spec"), ...flatten(kind.structural.status, "status")])

const typeOf = (node: Structural): string | undefined =>
  node["x-kubernetes-int-or-string"] === true ? "int-or-string" : node.type

interface OldField {
  readonly type: string
  readonly enum?: ReadonlyArray<string>
  readonly default?: unknown
  readonly required?: ReadonlyArray<string>
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly "list-type"?: string
  readonly "list-map-keys"?: ReadonlyArray<string>
  readonly "map-type"?: string
}

interface OldColumn {
  readonly name: string
  readonly jsonPath: string
  readonly type: string
  readonly priority?: number
}

/** Fields, defaults and columns of the CRDs of the predecessor's 0.7.1. */
const predecessor = JSON.parse(
  fs.readFileSync(new URL("../data/predecessor/fields-0.7.1.json", import.meta.url), "utf8")
) as {
  readonly [kind: string]: {
    readonly columns: ReadonlyArray<OldColumn>
    readonly fields: { readonly [path: string]: OldField }
  }
}

/** Where the contract is stricter than the predecessor was: rules 51 and 27. */
const stricter = /^spec(\.template\.spec)?\.providerID$|^status\.conditions/u

describe("CRDs", () => {
  for (const kind of kinds) {
    const ours = nodes(kind)
    const old = predecessor[kind.kind] ?? assert.fail(`no ${kind.kind} in the predecessor`)

    it(`${kind.kind} accepts whatever the predecessor's did, with the same defaults`, () => {
      const wrong = Object.entries(old.fields).flatMap(([path, was]) => {
        const is = ours.get(path)
        if (is === undefined) return [`${path} is missing`]
        const same = (what: string, a: unknown, b: unknown) =>
          JSON.stringify(a) === JSON.stringify(b) ? [] : [`${path}: ${what} was ${String(a)}, is ${String(b)}`]
        const found = [
          ...same("type", was.type, typeOf(is)),
          ...(was.default === undefined ? [] : same("default", was.default, is.default)),
          ...(was["list-type"] === undefined ? [] : same("list type", was["list-type"], is["x-kubernetes-list-type"])),
          ...same("list keys", was["list-map-keys"], was["list-map-keys"] && is["x-kubernetes-list-map-keys"]),
          ...same("map type", was["map-type"], is["x-kubernetes-map-type"])
        ]
        if (stricter.test(path)) return found
        const missing = (is.required ?? []).filter((name) => was.required?.includes(name) !== true)
        return [
          ...found,
          ...same("enum", was.enum?.toSorted(), is.enum?.toSorted()),
          ...(was.minLength === undefined ? same("minLength", undefined, is.minLength) : []),
          ...(was.maxLength === undefined ? same("maxLength", undefined, is.maxLength) : []),
          ...(was.minimum === undefined ? same("minimum", undefined, is.minimum) : []),
          ...(was.maximum === undefined ? same("maximum", undefined, is.maximum) : []),
          ...missing.map((name) => `${path}.${name} was optional`)
        ]
      })
      assert.deepStrictEqual(wrong, [])
    })

    it(`${kind.kind} keeps the predecessor's columns`, () => {
      for (const column of old.columns) {
        const is = kind.columns.find((it) => it.name === column.name)
        assert.deepStrictEqual(
          { jsonPath: is?.jsonPath, type: is?.type, priority: is?.priority },
          { jsonPath: column.jsonPath, type: column.type, priority: column.priority }
        )
      }
    })

    it(`${kind.kind} describes every field`, () => {
      const silent = [...ours].filter(([path, node]) => !/(\[\]|\.\*)$/u.test(path) && (node.description ?? "") === "")
      assert.deepStrictEqual(
        silent.map(([path]) => path),
        []
      )
    })

    it(`${kind.kind} is one object, has no CEL, and is found by Cluster API`, () => {
      // Whoever compiles its schemas does so once.
      assert.strictEqual(crd(kind), crd(kind))
      const text = JSON.stringify(crd(kind))
      assert.notInclude(text, "x-kubernetes-validations")
      assert.strictEqual(kind.labels["cluster.x-k8s.io/provider"], "infrastructure-scvmm")
      const contract = /^Scvmm(Cluster|Machine)(Template)?$/u.test(kind.kind)
      assert.strictEqual(kind.labels["cluster.x-k8s.io/v1beta2"], contract ? "v1alpha1" : undefined)
      const moved = Object.keys(kind.labels).some((label) => label.startsWith("clusterctl.cluster.x-k8s.io/move"))
      assert.strictEqual(moved, !contract)
    })
  }

  it("a field is never a union, a reference or recursive", () => {
    assert.throws(() => structural(Schema.Struct({ a: Schema.Union([Schema.Int, Schema.Boolean]) })), "a structural")
  })

  it("checks beside annotations, and bounds of exact numbers, leave no trace", () => {
    assert.deepStrictEqual(
      structural(
        Schema.Struct({
          b: Schema.optionalKey(Schema.Int.annotate({ description: "B" })),
          a: Schema.String.check(Schema.isMinLength(1)).annotate({ description: "A" }).check(Schema.isMaxLength(3))
        })
      ),
      {
        type: "object",
        required: ["a"],
        properties: {
          a: { type: "string", description: "A", minLength: 1, maxLength: 3 },
          b: { type: "integer", description: "B" }
        }
      }
    )
  })

  it("ScvmmMachine has no spec.failureDomain, which Cluster API would copy (contract rule 55)", () => {
    const machine = kinds.find((kind) => kind.kind === "ScvmmMachine")
    assert.isFalse("failureDomain" in (machine?.structural.spec.properties ?? {}))
  })
})
