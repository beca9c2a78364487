import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { VirtualDisk } from "../../../../schemas/vmm/VirtualMachine.ts"
import { growthOf } from "../../../../src/reconcilers/machine/Growth.ts"
import { scvmmMachine, virtualMachine } from "../Objects.ts"

const mib = 1_048_576
const disk = (BusType: string, Lun: number, megabytes: number): VirtualDisk => ({
  Id: `${BusType}-${Lun}`,
  BusType,
  Bus: 0,
  Lun,
  FileName: "d.vhdx",
  Size: mib,
  MaximumSize: megabytes * mib
})
const vmWith = (Generation: number, ...Disks: ReadonlyArray<VirtualDisk>) => virtualMachine({ Generation, Disks })
const wants = (...sizes: ReadonlyArray<string | undefined>) =>
  scvmmMachine({ spec: { disks: sizes.map((size) => (size === undefined ? {} : { size })) } })

describe("Growth", () => {
  it("a copied disk that is too small grows to the spec's size (checklist 17)", () => {
    assert.deepStrictEqual(growthOf(wants("20Gi"), vmWith(2, disk("SCSI", 0, 2252))), {
      busType: "SCSI",
      bus: 0,
      lun: 0,
      sizeMB: 20_480
    })
  })

  it.each<[string, ReturnType<typeof wants>, ReturnType<typeof vmWith>]>([
    ["none has a wish", wants(undefined), vmWith(2, disk("SCSI", 0, 1))],
    ["it has the size", wants("20Gi"), vmWith(2, disk("SCSI", 0, 20_480))],
    ["it is larger: none is shrunk", wants("1Gi"), vmWith(2, disk("SCSI", 0, 2048))],
    ["a fraction of a MiB is no wish", wants("1500M"), vmWith(2, disk("SCSI", 0, 1430))],
    ["VMM does not show it", wants("20Gi"), vmWith(2)],
    ["the small one is on another LUN", wants("1Gi"), vmWith(2, disk("SCSI", 0, 1024), disk("SCSI", 1, 1))],
    ["a placeholder", wants("0", "1Gi"), vmWith(2, disk("SCSI", 0, 1), disk("SCSI", 1, 1024))]
  ])("not when %s", (_name, machine, vm) => {
    assert.isUndefined(growthOf(machine, vm))
  })

  it("entry i is on LUN i, the first of generation 1 on IDE (checklist 15)", () => {
    const machine = wants("4Gi", "4Gi")
    const ide = vmWith(1, disk("IDE", 0, 1024), disk("SCSI", 0, 1024), disk("SCSI", 1, 4096))
    assert.deepInclude(growthOf(machine, ide), { busType: "IDE", lun: 0 })
    assert.deepInclude(growthOf(machine, vmWith(2, disk("SCSI", 0, 4096), disk("SCSI", 1, 1024))), { lun: 1 })
  })

  const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5_000_000_000 })))
  it.prop(
    "one by one all disks grow, and then it is over",
    { sizes: Sizes, generation: Schema.Literals([1, 2]) },
    (it) => {
      const machine = wants(...it.sizes.map(String))
      let vm = vmWith(
        it.generation,
        ...it.sizes.map((_, i) => disk(it.generation === 1 && i === 0 ? "IDE" : "SCSI", i, 1))
      )
      for (let steps = 0; ; steps += 1) {
        const growth = growthOf(machine, vm)
        if (growth === undefined) break
        assert.isBelow(steps, it.sizes.length)
        vm = {
          ...vm,
          Disks: vm.Disks.map((candidate) =>
            candidate.BusType === growth.busType && candidate.Lun === growth.lun
              ? { ...candidate, MaximumSize: growth.sizeMB * mib }
              : candidate
          )
        }
      }
      for (const [i, size] of it.sizes.entries()) assert.isAbove((vm.Disks[i]?.MaximumSize ?? 0) + mib, size)
    }
  )
})
