import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Sightings from "../../../layers/scvmm/Sightings.ts"
import { machine } from "./Machines.ts"

const ids = ["a", "b", "c"] as const
const Id = Schema.Literals(ids)
const key = (id: string) => ({ namespace: "ns", name: id })

/** A VM whose state is a small number; none when negative. */
const vmOf = (id: string, state: number) =>
  state < 0 ? undefined : machine(id, { VirtualMachineState: `state-${state}` })

const State = Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 2 }))
const Event = Schema.Union([
  Schema.TaggedStruct("follow", { id: Id, pace: Schema.Literals(["transition", "rest"]) }),
  Schema.TaggedStruct("unfollow", { id: Id }),
  Schema.TaggedStruct("invalidate", { id: Id }),
  Schema.TaggedStruct("read", { id: Id, state: State }),
  Schema.TaggedStruct("poll", { id: Id, state: State, other: Id, otherState: State, stale: Schema.Boolean })
])

describe("Sightings", () => {
  it.prop(
    "tells a key exactly when what is known of a followed VM changes",
    { events: Schema.Array(Event) },
    ({ events }) => {
      let sightings = Sightings.empty
      let at = 0
      // What the machine's reconcile knows, by a model that is simpler than the code: the last state that counted.
      const known = new Map<string, number | undefined>()
      const asked = new Map<string, number>()
      for (const event of events) {
        at++
        switch (event._tag) {
          case "follow":
            if (!known.has(event.id)) known.set(event.id, asked.get(event.id))
            asked.delete(event.id)
            sightings = Sightings.follow(sightings, event.id, key(event.id), event.pace)
            break
          case "unfollow":
            known.delete(event.id)
            sightings = Sightings.unfollow(sightings, event.id)
            break
          case "invalidate":
            asked.delete(event.id)
            sightings = Sightings.invalidate(sightings, event.id)
            assert.isUndefined(sightings.followed.get(event.id)?.sighting)
            break
          case "read":
            if (known.has(event.id)) known.set(event.id, event.state)
            else asked.set(event.id, event.state)
            sightings = Sightings.learn(sightings, event.id, { vm: vmOf(event.id, event.state), at }, sightings.epoch)
            break
          case "poll": {
            const askedInEpoch = sightings.epoch
            if (event.stale) {
              sightings = Sightings.invalidate(sightings, event.id)
              asked.delete(event.id)
            }
            const found = new Map([
              [event.other, event.otherState],
              [event.id, event.state]
            ])
            const result = Sightings.apply(sightings, {
              at,
              askedInEpoch,
              vms: new Map([...found].map(([id, state]) => [id, vmOf(id, state)]))
            })
            const expected = [...found]
              .filter(([id, state]) => known.has(id) && !(event.stale && id === event.id) && known.get(id) !== state)
              .map(([id]) => key(id))
            assert.deepStrictEqual(result.changed, expected)
            for (const [id, state] of found)
              if (known.has(id) && !(event.stale && id === event.id)) known.set(id, state)
            sightings = result.sightings
            break
          }
        }
        assert.deepStrictEqual([...sightings.followed.keys()].toSorted(), [...known.keys()].toSorted())
      }
    }
  )

  it("does not take for a change what always moves", () => {
    const disk = { Id: "d", BusType: "SCSI", Bus: 0, Lun: 0, FileName: "d.vhdx", Size: 1, MaximumSize: 9 }
    const before = machine("a", { ModifiedTime: "2025-01-01T00:00:00Z", Disks: [disk] })
    const after = machine("a", { ModifiedTime: "2025-01-02T00:00:00Z", Disks: [{ ...disk, Size: 2 }] })
    assert.strictEqual(Sightings.digestOf(before), Sightings.digestOf(after))
    assert.notStrictEqual(
      Sightings.digestOf(before),
      Sightings.digestOf({ ...before, Disks: [{ ...disk, MaximumSize: 10 }] })
    )
    assert.notStrictEqual(Sightings.digestOf(before), Sightings.digestOf(undefined))
  })

  it("an answer to an older question does not replace a newer one", () => {
    const followed = Sightings.follow(Sightings.empty, "a", key("a"), "transition")
    const newer = Sightings.learn(followed, "a", { vm: vmOf("a", 2), at: 20 }, 0)
    const { sightings, changed } = Sightings.apply(newer, {
      at: 10,
      askedInEpoch: 0,
      vms: new Map([["a", vmOf("a", 1)]])
    })
    assert.deepStrictEqual(changed, [])
    assert.strictEqual(sightings.followed.get("a")?.sighting?.at, 20)
  })
})
