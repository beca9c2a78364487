import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { verbs } from "../../../layers/scvmm/Catalogue.ts"
import * as Command from "../../../layers/scvmm/Command.ts"
import * as Schema from "effect/Schema"
import { toJs } from "../../../layers/psrp/PsJson.ts"
import type { Credential } from "../../../schemas/vmm/Credential.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"

describe("Command", () => {
  for (const verb of verbs) {
    // The union of verbs has no parameter type in common; each is only fed what its own schema makes.
    const any = verb as unknown as Verb.Verb<unknown, unknown>
    it.prop(
      `${verb.name}: parameters travel typed under their names, and come back whole`,
      { parameters: any.parameters },
      ({ parameters }) => {
        const encoded = Result.getOrThrow(Command.encode(any, parameters))
        assert.strictEqual(encoded.name, verb.name)
        const back = Object.fromEntries(Object.entries(encoded.parameters).map(([name, value]) => [name, toJs(value)]))
        const decoded = Schema.decodeUnknownSync(any.parameters)(back)
        // Through JSON: the order of keys and the sign of zero do not travel.
        const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
        assert.deepStrictEqual(plain(decoded), plain(parameters))
      }
    )
  }

  it("leaves out what is absent, and keeps numbers, lists and bytes what they are", () => {
    const encoded = Result.getOrThrow(
      Command.encode(Verb.ImportMedium, { FileName: "a.iso", Data: new Uint8Array([1, 2]), LibraryShare: "" })
    )
    assert.deepStrictEqual(encoded, {
      name: "Import-CapsMedium",
      parameters: { FileName: "a.iso", Data: new Uint8Array([1, 2]), LibraryShare: "" }
    })
    const grown = Result.getOrThrow(
      Command.encode(Verb.ExpandVirtualDisk, { Id: "x", BusType: "SCSI", Bus: 0, Lun: 1, SizeMB: 3_000_000_000 })
    )
    assert.deepStrictEqual(grown.parameters, { Id: "x", BusType: "SCSI", Bus: 0, Lun: 1, SizeMB: 3_000_000_000n })
    const list = Result.getOrThrow(Command.encode(Verb.GetVirtualMachineList, { MarkerText: "x" }))
    assert.deepStrictEqual(Object.keys(list.parameters), ["MarkerText"])
  })

  it("refuses parameters that break the schema, without repeating them", () => {
    const refused = Command.encode(Verb.ConnectServer, {
      VMMServer: "v",
      // A caller in TypeScript cannot; data that was cast could.
      Credential: 5_551_234 as unknown as Credential
    })
    const failure = Result.getOrThrow(Result.flip(refused))
    assert.strictEqual(failure.errorId, Command.invalidParameters)
    assert.notInclude(failure.message, "5551234")
  })

  it("decodes one document per output object", () => {
    const page = (id: string) => JSON.stringify({ VirtualMachines: [], Missing: [id] })
    const decorated = {
      _tag: "Object" as const,
      typeNames: ["System.String"],
      value: page("b"),
      adapted: new Map(),
      extended: new Map()
    }
    assert.deepStrictEqual(Result.getOrThrow(Command.decode(Verb.GetVirtualMachineList, [page("a"), decorated])), [
      { VirtualMachines: [], Missing: ["a"] },
      { VirtualMachines: [], Missing: ["b"] }
    ])
  })

  it("says which document is wrong", () => {
    for (const output of ["{", '{"VirtualMachines": []}', '"text"', 7]) {
      const failure = Result.getOrThrow(Result.flip(Command.decode(Verb.GetVirtualMachineList, [output])))
      assert.strictEqual(failure._tag, "ScvmmAnswerInvalid")
      assert.include(failure.message, "document 1")
    }
  })
})
