/** Shells that an operator left which was killed: found and deleted by the next, and only they. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Orphans from "../../../layers/scvmm/Orphans.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import * as Site from "./Site.ts"

const { connection, exec1 } = Site
const Word = Schema.String.check(Schema.isPattern(/^[a-z0-9-]{1,12}$/u))
const Owner = Schema.Struct({ uid: Word, namespace: Word, name: Word, userName: Schema.Literal("EXAMPLE\\capi") })

describe("Orphans", () => {
  it.effect.prop(
    "are the shells of this provider, made in another incarnation",
    { owner: Owner, other: Owner, mine: Word, earlier: Word },
    ({ owner, other, mine, earlier }) =>
      Effect.sync(() => {
        const found = Orphans.orphansOf(
          [
            { shellId: "mine", name: Orphans.shellName(owner, mine) },
            { shellId: "earlier", name: Orphans.shellName(owner, earlier), owner: "example\\CAPI" },
            { shellId: "other's", name: Orphans.shellName(other, earlier) },
            { shellId: "unnamed" },
            { shellId: "foreign", name: `Runspace ${owner.uid} ${earlier}` }
          ],
          owner,
          mine
        )
        assert.deepStrictEqual(
          found,
          earlier === mine ? [] : other.uid === owner.uid ? ["earlier", "other's"] : ["earlier"]
        )
      })
  )

  it("are known by a name of at most 255 characters, however long the provider's is", () => {
    const id = "00000000-0000-4000-8000-00000000000A"
    const owner = { uid: id, namespace: "n".repeat(63), name: "p".repeat(253), userName: "EXAMPLE\\capi" }
    const name = Orphans.shellName(owner, id)
    assert.isAtMost(name.length, 255)
    assert.deepStrictEqual(Orphans.orphansOf([{ shellId: "1", name }], owner, "mine"), ["1"])
  })

  it("of another account are left alone, however its name is written", () => {
    const name = Orphans.shellName(connection, "earlier")
    const ids = (owner: string, userName: string) =>
      Orphans.orphansOf([{ shellId: "1", name, owner }], { ...connection, userName }, "mine")
    assert.deepStrictEqual(ids("EXAMPLE\\capi", "capi@example.test"), ["1"])
    assert.deepStrictEqual(ids("EXAMPLE\\somebody", "EXAMPLE\\capi"), [])
  })

  const list = Effect.andThen(ScvmmSession, (session) =>
    session.run(connection, Verb.GetVirtualMachineList, { Ids: [] })
  )

  /** An operator that ends without being able to delete its shells. */
  const killed = (site: Site.Site, calls: Effect.Effect<unknown, unknown, ScvmmSession>) =>
    Effect.suspend(() => {
      site.hosts[exec1].disturb([{ on: ["Delete"], disturbance: { _tag: "Cut", place: "before" } }])
      return Effect.scoped(Effect.provide(calls, Layer.provide(Site.sessions(site), Logger.layer([])))).pipe(
        Effect.ensuring(Effect.sync(() => site.hosts[exec1].disturb([])))
      )
    })

  it.effect("go when the next incarnation first dials, and none of its own", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const logs = Site.logs()
      const busy = Effect.andThen(ScvmmSession, (session) => session.use(connection, () => Effect.sleep("2 seconds")))
      yield* killed(site, Effect.all([busy, busy], { concurrency: "unbounded" }))
      const left = (yield* site.hosts[exec1].shells).map(({ shellId }) => shellId)
      assert.strictEqual(left.length, 2)
      yield* Effect.gen(function* () {
        yield* list
        // A namesake with another UID, which is another provider.
        const session = yield* ScvmmSession
        yield* session.run({ ...connection, uid: "other" }, Verb.GetVirtualMachineList, { Ids: [] })
        yield* Effect.sleep("3 seconds")
        const now = (yield* site.hosts[exec1].shells).map(({ shellId }) => shellId)
        assert.strictEqual(now.length, 2)
        assert.isTrue(left.every((id) => !now.includes(id)))
        // Asked for once.
        const asked: Array<string> = []
        site.onExchange = ({ action }) => void asked.push(action)
        yield* Effect.all([busy, busy, busy], { concurrency: "unbounded" })
        assert.include(asked, "Create")
        assert.notInclude(asked, "Enumerate")
      }).pipe(Effect.provide(Layer.provideMerge(Site.sessions(site), logs.layer)), Effect.scoped)
      assert.strictEqual(logs.lines.filter(({ message }) => String(message) === "orphaned shell deleted").length, 2)
    }).pipe(Site.elapse(), Effect.scoped)
  )

  it.effect("that use the quota of shells up make room", () =>
    Effect.gen(function* () {
      const alone = { ...connection, execHosts: [exec1] }
      const list = Effect.andThen(ScvmmSession, (session) =>
        session.run(alone, Verb.GetVirtualMachineList, { Ids: [] })
      )
      const site = yield* Site.make({ quotas: { maxShellsPerUser: 1 } })
      yield* killed(site, list)
      assert.strictEqual((yield* site.hosts[exec1].shells).length, 1)
      yield* list.pipe(Effect.provide(Site.sessions(site)), Effect.scoped)
    }).pipe(Site.elapse(), Effect.scoped)
  )

  it.effect("are left to their idle time where the account may not list shells", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const logs = Site.logs()
      const text = "Access is denied."
      site.hosts[exec1].disturb([
        { on: ["Enumerate"], disturbance: { _tag: "Fault", code: 5, subcode: "AccessDenied", text } }
      ])
      yield* Effect.andThen(list, Effect.sleep("1 second")).pipe(
        Effect.provide(Layer.provideMerge(Site.sessions(site), logs.layer)),
        Effect.provideService(References.MinimumLogLevel, "Debug"),
        Effect.scoped
      )
      const told = logs.lines.filter(({ message }) => String(message) === "orphaned shells not looked for")
      assert.deepStrictEqual(
        told.map(({ level }) => level),
        ["Debug"]
      )
    }).pipe(Site.elapse(), Effect.scoped)
  )
})
