/** Shells that an operator left which was killed: found and deleted by the next, and only they. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
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
const Provider = Schema.Struct({ uid: Word, namespace: Word, name: Word })
const Operator = Schema.Struct({ instance: Word, incarnation: Word })

describe("Orphans", () => {
  it.effect.prop(
    "are the shells of this provider, made by another process of this instance",
    { provider: Provider, other: Provider, operator: Operator, another: Operator },
    ({ provider, other, operator, another }) =>
      Effect.sync(() => {
        const earlier = { ...operator, incarnation: `${operator.incarnation}-earlier` }
        const found = Orphans.orphansOf(
          [
            { shellId: "mine", name: Orphans.shellName(provider, operator) },
            { shellId: "earlier", name: Orphans.shellName(provider, earlier) },
            { shellId: "another instance's", name: Orphans.shellName(provider, { ...another, instance: "else" }) },
            { shellId: "another provider's", name: Orphans.shellName({ ...other, uid: `${provider.uid}-2` }, earlier) },
            { shellId: "unnamed" },
            { shellId: "foreign", name: `Runspace ${provider.uid} ${earlier.instance} ${earlier.incarnation}` }
          ],
          provider,
          operator
        )
        assert.deepStrictEqual(found, operator.instance === "else" ? ["earlier", "another instance's"] : ["earlier"])
      })
  )

  it("are known by a name of at most 255 characters, however long the provider's is", () => {
    const uid = "00000000-0000-4000-8000-00000000000a"
    const provider = { uid, namespace: "n".repeat(63), name: "p".repeat(253) }
    const instance = `namespace=${"n".repeat(63)},watch-filter=${"w".repeat(63)}`
    const name = Orphans.shellName(provider, { instance, incarnation: uid })
    assert.isAtMost(name.length, 255)
    assert.deepStrictEqual(Orphans.orphansOf([{ shellId: "1", name }], provider, { instance, incarnation: "mine" }), [
      "1"
    ])
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
      // A session for each, and one for reads.
      yield* killed(site, Effect.all([busy, busy], { concurrency: "unbounded" }))
      const left = (yield* site.hosts[exec1].shells).map(({ shellId }) => shellId)
      assert.strictEqual(left.length, 3)
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
      assert.strictEqual(logs.lines.filter(({ message }) => String(message) === "orphaned shell deleted").length, 3)
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

  it.effect("are no sessions of an instance that shares the provider, nor this one's of an earlier spec", () =>
    Effect.gen(function* () {
      const site = yield* Site.make({ quotas: { maxShellsPerUser: 3 } })
      const held = (over: typeof connection) =>
        Effect.andThen(ScvmmSession, (session) =>
          session.use(over, (open) =>
            Effect.andThen(Effect.sleep("30 seconds"), open.run(Verb.GetVirtualMachineList, { Ids: [] }))
          )
        )
      const alone = { ...connection, execHosts: [exec1] }
      const started = yield* Effect.forkChild(
        Effect.all([held(alone), Effect.andThen(Effect.sleep("5 seconds"), held({ ...alone, specVersion: "2" }))], {
          concurrency: "unbounded"
        }).pipe(Effect.provide(Site.sessions(site)), Effect.scoped)
      )
      yield* Effect.sleep("10 seconds")
      const before = yield* site.hosts[exec1].shells
      // All quotas are used up: whoever comes looks for orphans, at its first session and for each refusal.
      yield* list.pipe(
        Effect.provide(Layer.provide(Site.sessions(site), Layer.succeed(Orphans.Instance, "watch-filter=other"))),
        Effect.scoped,
        Effect.exit
      )
      const after = (yield* site.hosts[exec1].shells).map(({ shellId }) => shellId)
      assert.strictEqual(before.length, 3)
      assert.includeMembers(
        after,
        before.map(({ shellId }) => shellId)
      )
      yield* Fiber.join(started)
    }).pipe(Site.elapse(), Effect.scoped)
  )

  it.effect("that cannot be deleted keep from none of the others", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const logs = Site.logs()
      const busy = Effect.andThen(ScvmmSession, (session) => session.use(connection, () => Effect.sleep("2 seconds")))
      yield* killed(site, Effect.all([busy, busy], { concurrency: "unbounded" }))
      const text = "Access is denied."
      site.hosts[exec1].disturb([
        { on: ["Delete"], nth: 1, times: 1, disturbance: { _tag: "Fault", code: 5, subcode: "AccessDenied", text } }
      ])
      yield* Effect.andThen(list, Effect.sleep("3 seconds")).pipe(
        Effect.provide(Layer.provideMerge(Site.sessions(site), logs.layer)),
        Effect.scoped
      )
      assert.strictEqual(logs.lines.filter(({ message }) => String(message) === "orphaned shell deleted").length, 2)
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
