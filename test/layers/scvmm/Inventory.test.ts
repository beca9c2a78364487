/** The poll against the simulated SCVMM, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import { NewVirtualMachine, RemoveVirtualMachine, StartVirtualMachine } from "../../../schemas/vmm/Verb.ts"
import { marker, request } from "../../src/simulators/scvmm/Scenario.ts"
import * as Site from "./Site.ts"

const { connection } = Site
/** As in the markers of Scenario.ts. */
const installation = "22222222-2222-4222-8222-222222222222"
const key = (name: string) => ({ namespace: "default", name })

interface World {
  readonly site: Site.Site
  readonly logs: ReturnType<typeof Site.logs>
  /** Names of the keys that were told, from the start. */
  readonly told: ReadonlyArray<string>
  readonly inventory: Inventory["Service"]
  readonly session: ScvmmSession["Service"]
}

const within = <A, E>(body: (world: World) => Effect.Effect<A, E>, step: Duration.Input = "200 millis") =>
  Effect.gen(function* () {
    const site = yield* Site.make()
    const logs = Site.logs()
    const layer = Inventory.layer({ installation }).pipe(
      Layer.provideMerge(Site.sessions(site)),
      Layer.provideMerge(logs.layer)
    )
    const told: Array<string> = []
    yield* Effect.gen(function* () {
      const inventory = yield* Inventory
      const session = yield* ScvmmSession
      yield* Effect.forkChild(
        Stream.runForEach(inventory.changes, ({ name }) => Effect.sync(() => void told.push(name)))
      )
      yield* Effect.sleep("1 second")
      yield* body({ site, logs, told, inventory, session })
    }).pipe(Effect.provide(layer), Effect.scoped, Site.elapse(step))
  })

const polls = ({ site }: World) => site.scvmm.state.calls().get("Get-CapsVirtualMachineList") ?? 0

/** A machine's VM, made and at rest. */
const create = (world: World, n: number) =>
  Effect.gen(function* () {
    const vm = yield* world.session.run(connection, NewVirtualMachine, request(n))
    yield* Effect.sleep("5 seconds")
    return vm
  })

describe("Inventory", () => {
  it.effect("asks nothing while nothing is followed", () =>
    within((world) =>
      Effect.gen(function* () {
        const vm = yield* create(world, 1)
        assert.strictEqual((yield* world.inventory.read(connection, vm.Id))?.Id, vm.Id)
        yield* Effect.sleep("5 minutes")
        assert.strictEqual(polls(world), 0)
      })
    )
  )

  it.effect("keeps a session for its polls while a VM is in transition", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory, session, site } = world
        const brief = { ...connection, keepAliveSeconds: 2 }
        const vm = yield* session.run(brief, NewVirtualMachine, request(1))
        yield* inventory.follow(brief, vm.Id, key("m-1"), "transition")
        const dialled: Array<string> = []
        site.onExchange = ({ action }) => void (action === "Create" && dialled.push(action))
        yield* Effect.sleep("1 minute")
        assert.isAtLeast(polls(world), 10)
        assert.deepStrictEqual(dialled, [])
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 1, idle: 1 })
        yield* inventory.follow(brief, vm.Id, key("m-1"), "rest")
        yield* Effect.sleep("4 seconds")
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 0, idle: 0 })
        // So it is when nobody follows it any more.
        yield* inventory.follow(brief, vm.Id, key("m-1"), "transition")
        yield* Effect.sleep("10 seconds")
        yield* inventory.forget(connection.uid)
        yield* Effect.sleep("4 seconds")
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 0, idle: 0 })
      })
    )
  )

  it.effect("tells a VM in transition within seconds, and reads it from what was seen", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory, session, site, told } = world
        const vm = yield* session.run(connection, NewVirtualMachine, request(1))
        yield* inventory.read(connection, vm.Id)
        yield* inventory.follow(connection, vm.Id.toUpperCase(), key("machine-1"), "transition")
        yield* Effect.sleep("11 seconds")
        // Creation ended within the first poll; the second had nothing to tell.
        assert.deepStrictEqual(told, ["machine-1"])
        const gets = site.scvmm.state.calls().get("Get-CapsVirtualMachine")
        const seen = yield* inventory.read(connection, vm.Id)
        assert.strictEqual(seen?.Status, "PowerOff")
        assert.strictEqual(site.scvmm.state.calls().get("Get-CapsVirtualMachine"), gets)
        assert.isAtMost(polls(world), 2)
      })
    )
  )

  it.effect("polls on while the wall clock is set back", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let ahead = 7_200_000
      const millis = () => clock.currentTimeMillisUnsafe() + ahead
      const set = { ...clock, currentTimeMillisUnsafe: millis, currentTimeMillis: Effect.sync(millis) }
      yield* within((world) =>
        Effect.gen(function* () {
          const { inventory, told } = world
          const vm = yield* world.session.run(connection, NewVirtualMachine, request(1))
          yield* inventory.read(connection, vm.Id)
          yield* inventory.follow(connection, vm.Id, key("machine-1"), "transition")
          ahead = 0
          yield* Effect.sleep("11 seconds")
          assert.deepStrictEqual(told, ["machine-1"])
        })
      ).pipe(Effect.provideService(Clock.Clock, set))
    })
  )

  it.effect("many VMs in transition are one call, and more than fifteen one list", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory } = world
        const ids: Array<string> = []
        for (let n = 1; n <= 16; n++) ids.push((yield* create(world, n)).Id)
        const before = polls(world)
        for (const [index, id] of ids.slice(0, 15).entries()) {
          yield* inventory.follow(connection, id, key(`machine-${index}`), "transition")
        }
        yield* Effect.sleep("5500 millis")
        assert.strictEqual(polls(world) - before, 1)
        yield* inventory.follow(connection, ids[15] ?? "", key("machine-15"), "transition")
        yield* Effect.sleep("5500 millis")
        assert.strictEqual(polls(world) - before, 2)
        assert.strictEqual(world.told.length, 16)
      })
    )
  )

  it.effect("sweeps VMs at rest, and tells those that changed or vanished", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory, site, told } = world
        const one = yield* create(world, 1)
        const two = yield* create(world, 2)
        const three = yield* create(world, 3)
        for (const [index, { Id }] of [one, two, three].entries()) {
          yield* inventory.read(connection, Id)
          yield* inventory.follow(connection, Id, key(`machine-${index + 1}`), "rest")
        }
        yield* Effect.sleep("115 seconds")
        assert.strictEqual(polls(world), 0)
        yield* Effect.sleep("10 seconds")
        assert.strictEqual(polls(world), 1)
        assert.deepStrictEqual(told, [])
        yield* site.scvmm.outOfBand.rename(one.Id, "renamed")
        yield* site.scvmm.outOfBand.delete(two.Id)
        // Out of the sweep's sight, but still there.
        yield* site.scvmm.outOfBand.setDescription(three.Id, "")
        yield* Effect.sleep("121 seconds")
        assert.deepStrictEqual([...told].toSorted(), ["machine-1", "machine-2", "machine-3"])
        assert.strictEqual((yield* inventory.read(connection, one.Id))?.Name, "renamed")
        assert.isUndefined(yield* inventory.read(connection, two.Id))
        assert.strictEqual((yield* inventory.read(connection, three.Id))?.Description, "")
        yield* inventory.unfollow(connection.uid, one.Id, key("machine-1"))
        yield* inventory.unfollow(connection.uid, two.Id, key("machine-2"))
        yield* inventory.unfollow(connection.uid, three.Id, key("machine-3"))
        const before = polls(world)
        yield* Effect.sleep("10 minutes")
        assert.strictEqual(polls(world), before)
      })
    )
  )

  it.effect("another object that names a VM takes nothing from the one whose VM it is", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory, site, told } = world
        const vm = yield* create(world, 1)
        yield* inventory.read(connection, vm.Id)
        yield* inventory.follow(connection, vm.Id, key("victim"), "transition")
        yield* inventory.follow(connection, vm.Id.toUpperCase(), key("other"), "rest")
        yield* site.scvmm.outOfBand.rename(vm.Id, "renamed")
        yield* Effect.sleep("6 seconds")
        assert.deepStrictEqual([...told], ["victim", "other"])
        yield* inventory.unfollow(connection.uid, vm.Id, key("other"))
        yield* site.scvmm.outOfBand.rename(vm.Id, "renamed again")
        yield* Effect.sleep("6 seconds")
        assert.deepStrictEqual([...told], ["victim", "other", "victim"])
      })
    )
  )

  it.effect("lets a VM that never changes rest, until something is done to it", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          const { inventory, site, told } = world
          const vm = yield* create(world, 1)
          yield* inventory.read(connection, vm.Id)
          const follow = inventory.follow(connection, vm.Id, key("machine-1"), "transition")
          yield* follow
          yield* Effect.sleep("10 minutes")
          const hurried = polls(world)
          assert.isAtLeast(hurried, 90)
          yield* follow
          yield* Effect.sleep("5 minutes")
          assert.isAtMost(polls(world) - hurried, 5)
          yield* inventory.invalidate(connection.uid, vm.Id)
          const before = polls(world)
          yield* Effect.sleep("14 seconds")
          // At once, as it is overdue, then every five seconds.
          assert.strictEqual(polls(world) - before, 3)
          assert.deepStrictEqual(told, [])
          yield* Effect.sleep("12 minutes")
          yield* site.scvmm.outOfBand.rename(vm.Id, "renamed")
          yield* Effect.sleep("121 seconds")
          assert.deepStrictEqual(told, ["machine-1"])
          const changed = polls(world)
          yield* Effect.sleep("14 seconds")
          assert.isAtLeast(polls(world) - changed, 2)
        }),
      "500 millis"
    )
  )

  it.effect("asks nothing of a provider that it was told to forget, and begins anew when it is followed again", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory, site, told } = world
        const vm = yield* create(world, 1)
        yield* inventory.read(connection, vm.Id)
        yield* inventory.follow(connection, vm.Id, key("machine-1"), "transition")
        yield* Effect.sleep("6 seconds")
        yield* inventory.forget(connection.uid)
        yield* inventory.forget(connection.uid)
        const before = polls(world)
        yield* site.scvmm.outOfBand.rename(vm.Id, "renamed")
        yield* Effect.sleep("5 minutes")
        assert.strictEqual(polls(world), before)
        assert.deepStrictEqual(told, [])
        yield* inventory.follow(connection, vm.Id, key("machine-1"), "transition")
        yield* Effect.sleep("6 seconds")
        assert.strictEqual(polls(world), before + 1)
        assert.deepStrictEqual(told, ["machine-1"])
      })
    )
  )

  it.effect("after a mutation it asks VMM, not its memory", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory, session } = world
        const vm = yield* create(world, 1)
        yield* inventory.follow(connection, vm.Id, key("machine-1"), "rest")
        assert.isDefined(yield* inventory.read(connection, vm.Id))
        yield* session.run(connection, RemoveVirtualMachine, { Id: vm.Id, Marker: marker(1) })
        yield* Effect.sleep("2 seconds")
        assert.isDefined(yield* inventory.read(connection, vm.Id))
        yield* inventory.invalidate(connection.uid, vm.Id)
        assert.isUndefined(yield* inventory.read(connection, vm.Id))
      })
    )
  )

  it.effect("what a mutation answered is read without asking, and told when a poll finds it", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory, session, site, told } = world
        const gets = () => site.scvmm.state.calls().get("Get-CapsVirtualMachine") ?? 0
        const made = yield* session.run(connection, NewVirtualMachine, request(1))
        yield* inventory.answered(connection, made.Id.toUpperCase(), made)
        yield* inventory.follow(connection, made.Id, key("machine-1"), "rest")
        assert.deepStrictEqual(yield* inventory.read(connection, made.Id), made)
        yield* Effect.sleep("5 seconds")
        yield* inventory.follow(connection, made.Id, key("machine-1"), "transition")
        yield* Effect.sleep("6 seconds")
        assert.deepStrictEqual(told, ["machine-1"])
        const started = yield* session.run(connection, StartVirtualMachine, { Id: made.Id })
        yield* inventory.answered(connection, made.Id, started)
        assert.deepStrictEqual(yield* inventory.read(connection, made.Id), started)
        assert.strictEqual(gets(), 0)
        yield* Effect.sleep("6 seconds")
        assert.deepStrictEqual(told, ["machine-1", "machine-1"])
      })
    )
  )

  it.effect("tells once that SCVMM does not answer, goes on asking, and tells when it does again", () =>
    within((world) =>
      Effect.gen(function* () {
        const { inventory, logs, site, told } = world
        const vm = yield* create(world, 1)
        yield* inventory.read(connection, vm.Id)
        yield* inventory.follow(connection, vm.Id, key("machine-1"), "transition")
        yield* Effect.sleep("1 minute")
        site.down.add(Site.exec1).add(Site.exec2)
        yield* site.scvmm.outOfBand.rename(vm.Id, "renamed")
        yield* Effect.sleep("10 minutes")
        const said = (text: string) =>
          logs.lines.filter(({ message }) => Array.isArray(message) && message[0] === text).length
        // A session that broke, then hosts that do not answer: at most one line each.
        assert.isAtLeast(said("SCVMM cannot be polled"), 1)
        assert.isAtMost(said("SCVMM cannot be polled"), 2)
        const error = yield* Effect.flip(inventory.read(connection, vm.Id))
        assert.strictEqual(error._tag, "ScvmmHostUnavailable")
        site.down.clear()
        yield* Effect.sleep("2 minutes")
        assert.strictEqual(said("SCVMM answers again"), 1)
        assert.deepStrictEqual(told, ["machine-1"])
      })
    )
  )
})
