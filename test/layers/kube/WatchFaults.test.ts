/** A watch whose other side goes, says nothing, or tells objects that cannot be read. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import * as Watcher from "../../../layers/kube/Watcher.ts"
import { ConfigMap } from "../../../schemas/kube/Core.ts"
import * as EmbeddedApiServer from "../../../src/simulators/kube/EmbeddedApiServer.ts"
import * as Faults from "../../../src/simulators/kube/Faults.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import { freePort } from "../../harness/Process.ts"
import { end, few, many, pass, start, watching } from "./Faulty.ts"

/** Requests by second. */
const bySecond = (asked: ReadonlyArray<{ readonly at: number }>): ReadonlyMap<number, number> => {
  const seconds = new Map<number, number>()
  for (const { at } of asked) seconds.set(Math.floor(at / 1000), (seconds.get(Math.floor(at / 1000)) ?? 0) + 1)
  return seconds
}

describe("a watch over sockets", () => {
  it.live(
    "waits for a server that is down, is cut when it goes, and resumes when it is back",
    () =>
      Effect.gen(function* () {
        const token = Redacted.make("t")
        const server = yield* EmbeddedApiServer.make({ tokens: [{ token, user: "admin" }] })
        const faults = Faults.make(server.handler, [])
        const port = yield* freePort
        const seen: Array<string> = []
        const lines: Array<string> = []
        const kube = KubeClient.layer(KubeConfig.fixed({ server: `http://127.0.0.1:${port}`, token }))
        const watch = yield* Watcher.watch(ConfigMap, { namespace: "default" }).pipe(
          Stream.runForEach((event) =>
            Effect.sync(() => void seen.push(event._tag === "Applied" ? event.object.metadata.name : event._tag))
          ),
          Effect.provide([
            kube.pipe(Layer.provide(Dial.layerUndici)),
            Logger.layer([
              Logger.make(
                (options) =>
                  void lines.push(
                    `${options.logLevel} ${String(options.fiber.getRef(References.CurrentLogAnnotations)["error"])}`
                  )
              )
            ])
          ]),
          Effect.forkScoped
        )
        const create = (name: string) =>
          server.access.create({ group: "", version: "v1", plural: "configmaps" }, "default", {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { name }
          })
        const until = (what: string) =>
          Effect.suspend(() => (seen.includes(what) ? Effect.void : Effect.fail(what))).pipe(
            Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 200 })
          )
        yield* Effect.sleep("1 second")
        for (const name of ["first", "second"]) {
          const scope = yield* Scope.make()
          yield* Scope.provide(Listener.listen({ handler: faults.handler, port }), scope)
          yield* until("Listed")
          yield* create(name)
          yield* until(name)
          yield* Scope.close(scope, Exit.void)
          yield* create(`between-${name}`)
        }
        yield* Listener.listen({ handler: faults.handler, port })
        yield* until("between-second")
        assert.deepStrictEqual(seen, ["Listed", "first", "between-first", "second", "between-second"])
        assert.isUndefined(watch.pollUnsafe())
        // Refused at first, cut later, never open for ten seconds: one outage.
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], "connection refused")
      }),
    30_000
  )
})

describe("a watch", () => {
  it.effect("does not come back together with all others", () =>
    Effect.gen(function* () {
      const site = yield* watching(
        [
          { from: start, until: end, fault: { _tag: "Refuse", status: 500, reason: "x" } },
          { from: start - 1, until: start, fault: { _tag: "Reset" } }
        ],
        many
      )
      yield* pass(700)
      // Once the first steps of the backoff are over.
      const down = bySecond(site.asked.filter(({ at }) => at >= start + 60_000 && at < end))
      assert.isAtMost(Math.max(...down.values()), Math.ceil(many.length / 2))
      const back = bySecond(site.asked.filter(({ at, verb }) => at >= end && verb === "watch"))
      assert.isAtLeast(back.size, Math.floor(many.length / 2))
    })
  )

  it.effect("whose other side is gone without a word is cut when it should have ended, and resumed", () =>
    Effect.gen(function* () {
      const site = yield* watching([{ from: start, until: start + 1, fault: { _tag: "Silence" } }], few)
      yield* pass(70)
      yield* site.create("unheard")
      yield* pass(200)
      assert.isFalse(site.stores.get("configmaps")?.has("unheard"))
      yield* pass(400)
      assert.isTrue(site.stores.get("configmaps")?.has("unheard"))
      assert.deepStrictEqual(
        site.lines
          .filter(({ resource }) => resource === "configmaps")
          .map(({ level, error }) => [level, error.replaceAll(/\d+ s/gu, "n s")]),
        [
          ["Warn", "GET /api/v1/configmaps: no answer: the watch was to end after n s and did not"],
          ["Info", ""]
        ]
      )
      // Resumed where it stood: nothing is listed again.
      assert.strictEqual(site.asked.filter(({ verb, plural }) => verb === "list" && plural === "configmaps").length, 1)
    })
  )

  it.effect("tells objects that cannot be read and goes on; one of 2 MB is none of them", () =>
    Effect.gen(function* () {
      const strip = (json: unknown): unknown => {
        const event = json as {
          readonly type?: string
          readonly items?: ReadonlyArray<object>
          readonly object?: { readonly metadata?: { readonly name?: string } }
        }
        if (event.items !== undefined)
          return { ...event, items: [...event.items, { metadata: null }, { data: {} }, {}] }
        if (event.object?.metadata?.name === "bare") return { ...event, object: { data: {} } }
        if (event.object?.metadata?.name === "old") {
          return { ...event, object: { metadata: { name: "old", namespace: "default" } } }
        }
        return event.object?.metadata?.name === "big"
          ? { ...event, object: { ...event.object, data: { a: "x".repeat(2_000_000) } } }
          : event
      }
      const site = yield* watching([{ plurals: ["configmaps"], fault: { _tag: "Change", change: strip } }], few)
      yield* pass(20)
      for (const name of ["bare", "old", "big", "last"]) yield* site.create(name)
      yield* pass(5)
      assert.isFalse(yield* site.ended)
      const seen = site.stores.get("configmaps")
      assert.deepStrictEqual(
        ["bare", "old", "big", "last"].map((name) => seen?.has(name)),
        [false, false, true, true]
      )
      assert.deepStrictEqual(site.undecodable, ["", "", "", "", "old"])
      assert.deepStrictEqual(
        site.lines.filter(({ level }) => level === "Warn"),
        []
      )
    })
  )
})
