import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Marker from "../../../../schemas/vmm/Marker.ts"
import { madeBy, markerOf, owns } from "../../../../src/reconcilers/machine/Ownership.ts"
import { scvmmMachine, virtualMachine } from "../Objects.ts"
import { rich } from "../Rich.ts"
import { AnyVirtualMachine } from "./Observations.ts"

const installation = "installation-1"
const bios = "9F0C6B0D-2222-4222-8222-0000000000BB"
const machine = scvmmMachine()
const taken = scvmmMachine({ status: { biosGuid: bios.toLowerCase() } })
const mine = markerOf(machine, installation)
const of = (change: Partial<Marker.Marker>) => Marker.render({ ...mine, ...change })
const vm = (Description: string, BiosGuid: string | undefined = bios) => {
  const { BiosGuid: _, ...rest } = virtualMachine({ Description })
  return BiosGuid === "" ? rest : { ...rest, BiosGuid }
}

describe("Ownership (design D6a)", () => {
  it("the marker names installation, object and UID", () => {
    assert.deepStrictEqual(mine, {
      installation,
      namespace: "default",
      name: machine.metadata.name,
      uid: machine.metadata.uid
    })
  })

  it.each<[string, typeof machine, ReturnType<typeof vm>, "Owned" | "Unmarked", boolean]>([
    ["its own marker", machine, vm(of({})), "Owned", true],
    ["its marker below a description", machine, vm(`web server\r\n${of({})}`), "Owned", true],
    [
      "its marker of another UID, after a move",
      machine,
      vm(of({ uid: "other", installation: "other" })),
      "Owned",
      true
    ],
    ["another name", machine, vm(of({ name: "node-2" })), "Owned", false],
    ["another name, adopting", machine, vm(of({ name: "node-2" })), "Unmarked", false],
    ["another namespace", machine, vm(of({ namespace: "other" })), "Owned", false],
    ["another namespace, the same bios GUID", taken, vm(of({ namespace: "other" })), "Owned", false],
    ["another namespace, adopting", taken, vm(of({ namespace: "other" })), "Unmarked", false],
    ["unmarked", machine, vm(""), "Owned", false],
    ["unmarked, and the object was taken over", taken, vm("web server"), "Owned", true],
    ["unmarked, another bios GUID", taken, vm("", "00000000-0000-4000-8000-000000000000"), "Owned", false],
    ["unmarked, VMM knows no bios GUID", taken, vm("", ""), "Owned", false],
    ["unmarked, nobody knows a bios GUID", machine, vm("", ""), "Owned", false],
    ["unmarked, adopting", machine, vm(""), "Unmarked", true],
    ["somebody's note of a marker", machine, vm(`see ${of({})}`), "Owned", false]
  ])("%s", (_name, object, it, adoption, owned) => {
    assert.strictEqual(owns(object, it, adoption), owned)
  })

  it("two empty bios GUIDs are no proof", () => {
    const object = { ...machine, status: { biosGuid: "" } }
    assert.isFalse(owns(object, { ...virtualMachine(), BiosGuid: "" }, "Owned"))
  })

  it("what a tenant writes into the description does not speak for another machine", () => {
    const forged = Marker.render({ ...mine, namespace: "victim", name: "node-9", uid: "uid-9" })
    const description = `${forged}\n${Marker.render(mine)}`
    const victim = scvmmMachine({ metadata: { namespace: "victim", name: "node-9", uid: "uid-9" } })
    assert.isTrue(owns(machine, vm(description), "Owned"))
    assert.isFalse(owns(victim, vm(description), "Owned"))
    assert.deepStrictEqual(madeBy(mine, [vm(description)]), [vm(description)])
    assert.isEmpty(madeBy(markerOf(victim, installation), [vm(description)]))
  })

  it.prop(
    "a VM belongs to one object at most, whatever else its description says",
    { it: AnyVirtualMachine },
    (given) => {
      const marked = { ...given.it, Description: `${given.it.Description}\n${Marker.render(mine)}` }
      const other = scvmmMachine({ metadata: { name: "node-2", uid: "uid-2" }, status: { biosGuid: bios } })
      for (const adoption of ["Owned", "Unmarked"] as const) {
        assert.isTrue(owns(machine, marked, adoption))
        assert.isFalse(owns(other, { ...marked, BiosGuid: bios }, adoption))
      }
    },
    rich
  )

  const Which = Schema.Array(Schema.Literals(["mine", "namesake", "unmarked"]))
  it.prop("an attempt's VMs are those with the object's UID", { which: Which }, ({ which }) => {
    const vms = which.map((kind, i) => ({
      ...vm({ mine: of({}), namesake: of({ uid: "successor" }), unmarked: "" }[kind]),
      Id: String(i)
    }))
    const made = madeBy(mine, vms).map((it) => it.Id)
    assert.deepStrictEqual(
      made,
      which.flatMap((kind, i) => (kind === "mine" ? [String(i)] : []))
    )
  })
})
