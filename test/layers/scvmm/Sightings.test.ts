import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Schema from "effect/Schema"
import * as Sightings from "../../../layers/scvmm/Sightings.ts"
import { machine } from "./Machines.ts"

const ids = ["a", "b"] as const
const names = ["m", "n"] as const
const Id = Schema.Literals(ids)
/** Objects that follow: any may follow any VM. */
const Name = Schema.Literals(names)
const Pace = Schema.Literals(["transition", "rest"])
const key = (name: string) => ({ namespace: "ns", name })

/** A VM whose state is a small number; none when negative. */
const vmOf = (id: string, state: number) =>
  state < 0 ? undefined : machine(id, { VirtualMachineState: `state-${state}` })

const State = Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 1 }))
/** Time that passes before an event: three of the longest are the calm. */
const After = Schema.Literals([1, 1000, Sightings.calmMillis / 3])
const Event = Schema.Union([
  Schema.TaggedStruct("follow", { after: After, id: Id, name: Name, pace: Pace }),
  Schema.TaggedStruct("unfollow", { after: After, id: Id, name: Name }),
  Schema.TaggedStruct("invalidate", { after: After, id: Id }),
  Schema.TaggedStruct("answered", { after: After, id: Id, state: State }),
  Schema.TaggedStruct("read", { after: After, id: Id, state: State }),
  Schema.TaggedStruct("poll", {
    after: After,
    id: Id,
    state: State,
    other: Id,
    otherState: State,
    stale: Schema.Boolean
  })
])

interface Answer {
  readonly at: number
  readonly state: number
}

/** What is known of a followed VM, by a model that is simpler than the code. */
interface Known {
  readonly paces: Map<string, "transition" | "rest">
  /** The last state that counted. */
  state: number | undefined
  /** Whether it was seen since it was followed or invalidated; an answer of a mutation counts as seen. */
  seen: boolean
  /** Every look since something happened: time and state. */
  looks: Array<readonly [at: number, state: number]>
}

const isCalm = ({ looks }: Known): boolean => (looks.at(-1)?.[0] ?? 0) - (looks[0]?.[0] ?? 0) >= Sightings.calmMillis

const look = (vm: Known, at: number, state: number): boolean => {
  const news = vm.state !== state
  if (news) vm.looks = []
  vm.looks.push([at, state])
  vm.state = state
  vm.seen = true
  return news
}

describe("Sightings", () => {
  it.prop(
    "tells every follower exactly when what is known of a VM changes, and hurries while one waits for news",
    // Long enough for a VM to become calm now and then.
    { events: Schema.Array(Event).check(Schema.isMinLength(60), Schema.isMaxLength(120)) },
    ({ events }) => {
      let sightings = Sightings.empty
      let at = 0
      const known = new Map<string, Known>()
      // Answers about VMs that nobody follows yet: kept for one to two minutes, a generation at a time.
      let [latest, earlier] = [new Map<string, Answer>(), new Map<string, Answer>()]
      let since = 0
      const keep = (id: string, state: number) => {
        if (at - since > 60_000) [earlier, latest, since] = [latest, new Map(), at]
        latest.set(id, { at, state })
      }
      const keysOf = (id: string) => [...(known.get(id)?.paces.keys() ?? [])].map(key)
      const forget = (id: string) => {
        latest.delete(id)
        earlier.delete(id)
        const vm = known.get(id)
        if (vm !== undefined) {
          vm.seen = false
          vm.looks = []
        }
      }
      const invalidate = (id: string) => {
        sightings = Sightings.invalidate(sightings, id)
        forget(id)
      }
      for (const event of events) {
        at += event.after
        switch (event._tag) {
          case "follow": {
            const before = latest.get(event.id) ?? earlier.get(event.id)
            const vm: Known = known.get(event.id) ?? {
              paces: new Map(),
              state: before?.state,
              seen: before !== undefined,
              looks: before === undefined ? [] : [[before.at, before.state]]
            }
            if (known.has(event.id) && event.pace === "transition" && vm.paces.get(event.name) !== "transition")
              vm.looks = []
            vm.paces.set(event.name, event.pace)
            known.set(event.id, vm)
            latest.delete(event.id)
            earlier.delete(event.id)
            sightings = Sightings.follow(sightings, event.id, key(event.name), event.pace)
            break
          }
          case "unfollow":
            known.get(event.id)?.paces.delete(event.name)
            if (known.get(event.id)?.paces.size === 0) known.delete(event.id)
            sightings = Sightings.unfollow(sightings, event.id, key(event.name))
            break
          case "invalidate":
            invalidate(event.id)
            assert.isUndefined(Sightings.get(sightings, event.id)?.sighting)
            break
          case "answered": {
            forget(event.id)
            const sighting = { vm: vmOf(event.id, event.state), at }
            const askedInEpoch = sightings.epoch
            sightings = Sightings.answered(sightings, event.id, sighting)
            // A poll that asked before the mutation does not count.
            const late = { at: at + 1, askedInEpoch, vms: new Map([[event.id, vmOf(event.id, 1 - event.state)]]) }
            assert.deepStrictEqual(Sightings.apply(sightings, late), { sightings, changed: [] })
            const vm = known.get(event.id)
            if (vm === undefined) keep(event.id, event.state)
            else {
              // What was last told stands: nobody has looked at this yet.
              vm.seen = true
              assert.deepStrictEqual(Sightings.get(sightings, event.id)?.sighting, sighting)
            }
            break
          }
          case "read": {
            const vm = known.get(event.id)
            const due = vm?.seen === false && vm.paces.size === 1
            const news = vm !== undefined && look(vm, at, event.state)
            if (vm === undefined) keep(event.id, event.state)
            const result = Sightings.learn(
              sightings,
              event.id,
              { vm: vmOf(event.id, event.state), at },
              sightings.epoch
            )
            assert.deepStrictEqual(result.changed, news && !due ? keysOf(event.id) : [])
            sightings = result.sightings
            break
          }
          case "poll": {
            const askedInEpoch = sightings.epoch
            if (event.stale) invalidate(event.id)
            const found = new Map([
              [event.other, event.otherState],
              [event.id, event.state]
            ])
            const result = Sightings.apply(sightings, {
              at,
              askedInEpoch,
              vms: new Map([...found].map(([id, state]) => [id, vmOf(id, state)]))
            })
            const expected = [...found].flatMap(([id, state]) => {
              const vm = known.get(id)
              if (vm === undefined || (event.stale && id === event.id)) return []
              return look(vm, at, state) ? keysOf(id) : []
            })
            assert.deepStrictEqual(result.changed, expected)
            sightings = result.sightings
            break
          }
        }
        assert.deepStrictEqual([...HashMap.keys(sightings.followed)].toSorted(), [...known.keys()].toSorted())
        const moving = [...known].filter(([, vm]) => [...vm.paces.values()].includes("transition") && !isCalm(vm))
        assert.deepStrictEqual([...sightings.moving].toSorted(), moving.map(([id]) => id).toSorted())
      }
    }
  )

  it("a second follower neither silences the first nor takes it along", () => {
    let sightings = Sightings.follow(Sightings.empty, "a", key("victim"), "transition")
    sightings = Sightings.follow(sightings, "a", key("other"), "rest")
    assert.strictEqual(Sightings.get(sightings, "a")?.pace, "transition")
    const poll = (state: number, at: number) => {
      const result = Sightings.apply(sightings, { at, askedInEpoch: 0, vms: new Map([["a", vmOf("a", state)]]) })
      sightings = result.sightings
      return result.changed.map(({ name }) => name)
    }
    assert.deepStrictEqual(poll(1, 1), ["victim", "other"])
    sightings = Sightings.unfollow(sightings, "a", key("other"))
    assert.deepStrictEqual(poll(2, 2), ["victim"])
    sightings = Sightings.unfollow(sightings, "a", key("victim"))
    assert.deepStrictEqual(poll(1, 3), [])
  })

  it("what nobody followed in time is forgotten", () => {
    const told = (at: number) => (sightings: Sightings.Sightings) =>
      Sightings.learn(sightings, `vm-${at}`, { vm: vmOf("a", 1), at }, 0).sightings
    let sightings = Sightings.empty
    for (let at = 0; at <= 600_000; at += 1000) sightings = told(at)(sightings)
    const seen = (at: number) =>
      Sightings.get(Sightings.follow(sightings, `vm-${at}`, key("m"), "rest"), `vm-${at}`)?.sighting?.at
    assert.strictEqual(seen(600_000), 600_000)
    assert.strictEqual(seen(541_000), 541_000)
    assert.isUndefined(seen(470_000))
  })

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
    const newer = Sightings.learn(followed, "a", { vm: vmOf("a", 2), at: 20 }, 0).sightings
    const { sightings, changed } = Sightings.apply(newer, {
      at: 10,
      askedInEpoch: 0,
      vms: new Map([["a", vmOf("a", 1)]])
    })
    assert.deepStrictEqual(changed, [])
    assert.strictEqual(Sightings.get(sightings, "a")?.sighting?.at, 20)
  })
})
