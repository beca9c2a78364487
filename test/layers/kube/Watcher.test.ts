/** Watcher against a scripted server, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { ServerFault, TooManyRequests } from "../../../layers/kube/KubeError.ts"
import * as Watcher from "../../../layers/kube/Watcher.ts"
import { ConfigMap } from "../../../schemas/kube/Core.ts"
import type { Response } from "../../../schemas/http/Exchange.ts"
import type { WatchEvent } from "../../../schemas/kube/Watch.ts"
import { inTime, settle } from "../../harness/VirtualTime.ts"
import type { Asked } from "./Scripted.ts"
import { bytes, configMap, json, list, scripted, status } from "./Scripted.ts"

const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`
const answer = (...lines: ReadonlyArray<string>): Response => ({
  status: 200,
  headers: {},
  body: bytes(lines.join(""))
})
const open = (...lines: ReadonlyArray<string>): Response => ({
  status: 200,
  headers: {},
  body: Stream.concat(Stream.make(bytes(lines.join(""))), Stream.never)
})

const brief = (event: WatchEvent<ConfigMap>): string => {
  switch (event._tag) {
    case "Listed":
      return `Listed ${event.items.map((item) => item.metadata.name).join(",")}`
    case "Undecodable":
      return `Undecodable ${event.key.name}`
    default:
      return `${event._tag} ${event.object.metadata.name}@${event.object.metadata.resourceVersion}`
  }
}
const question = (request: Asked): string =>
  request.query.get("watch") === null ? "list" : `watch ${request.query.get("resourceVersion")}`

/** The first `count` events of a watch on answers given in turn; the last one again and again. */
const run = (count: number, answers: ReadonlyArray<Response>, logs: Array<string> = []) => {
  const server = scripted((_, index) => answers[Math.min(index, answers.length - 1)] ?? answer())
  const log = Logger.layer([Logger.make((options) => void logs.push(`${options.logLevel} ${String(options.message)}`))])
  return Watcher.watch(ConfigMap, { namespace: "ns" }).pipe(
    Stream.take(count),
    Stream.runCollect,
    inTime,
    Effect.provide([server.layer, log]),
    Effect.map((events) => ({ events: events.map(brief), asked: server.asked.map(question) }))
  )
}

describe("Watcher", () => {
  it.effect("resumes from the last version seen, which bookmarks move", () =>
    Effect.gen(function* () {
      const { events, asked } = yield* run(4, [
        list("5", [configMap("a", "3")]),
        answer(line("ADDED", configMap("b", "6")), line("BOOKMARK", { metadata: { resourceVersion: "9" } })),
        answer(line("MODIFIED", configMap("a", "10"))),
        open(line("DELETED", configMap("a", "11")))
      ])
      assert.deepStrictEqual(events, ["Listed a", "Applied b@6", "Applied a@10", "Deleted a@11"])
      assert.deepStrictEqual(asked, ["list", "watch 5", "watch 9", "watch 10"])
    })
  )

  it.effect("hands on what came before an error, and lists again on 410", () =>
    Effect.gen(function* () {
      const gone = line("ERROR", status(410, "Expired"))
      const { events, asked } = yield* run(5, [
        list("5", []),
        answer(line("ADDED", configMap("a", "6")), line("ADDED", configMap("b", "7")), gone),
        list("20", [configMap("b", "7")]),
        json(410, status(410, "Expired")),
        list("30", []),
        open()
      ])
      assert.deepStrictEqual(events, ["Listed ", "Applied a@6", "Applied b@7", "Listed b", "Listed "])
      assert.deepStrictEqual(asked, ["list", "watch 5", "list", "watch 20", "list"])
    })
  )

  it.effect("survives half a line and resumes before it", () =>
    Effect.gen(function* () {
      const { events, asked } = yield* run(3, [
        list("5", []),
        answer(line("ADDED", configMap("a", "6")), '{"type":"ADDED","object":{"meta'),
        open(line("ADDED", configMap("b", "7")))
      ])
      assert.deepStrictEqual(events, ["Listed ", "Applied a@6", "Applied b@7"])
      assert.deepStrictEqual(asked, ["list", "watch 5", "watch 6"])
    })
  )

  it.effect("tells what does not decode, and lists again when that is a deletion", () =>
    Effect.gen(function* () {
      const bad = { ...configMap("bad", "7"), data: { a: 1 } }
      const { events, asked } = yield* run(5, [
        list("5", [configMap("a", "3"), bad]),
        answer(line("MODIFIED", bad), line("DELETED", bad), line("ADDED", configMap("never", "8"))),
        list("9", [configMap("a", "3")])
      ])
      assert.deepStrictEqual(events, ["Listed a", "Undecodable bad", "Undecodable bad", "Undecodable bad", "Listed a"])
      assert.deepStrictEqual(asked, ["list", "watch 5", "list"])
    })
  )

  it.effect("logs each kind of problem once an outage, and its end once, when a watch has held", () =>
    Effect.gen(function* () {
      const logs: Array<string> = []
      const down = json(500, status(500, "InternalError"))
      const cut = answer()
      const forbidden = json(403, status(403, "Forbidden"))
      const late: Response = {
        status: 200,
        headers: {},
        body: Stream.concat(
          Stream.fromEffectDrain(Effect.sleep("20 seconds")),
          Stream.concat(Stream.make(bytes(line("ADDED", configMap("a", "7")))), Stream.never)
        )
      }
      const { events, asked } = yield* run(
        3,
        [down, down, forbidden, down, list("5", []), cut, list("6", []), cut, late],
        logs
      )
      assert.deepStrictEqual(events, ["Listed ", "Listed ", "Applied a@7"])
      assert.deepStrictEqual(asked.slice(4), ["list", "watch 5", "list", "watch 6", "watch 6"])
      assert.deepStrictEqual(
        logs.map((line) => line.split(" ")[0]),
        ["Warn", "Warn", "Warn", "Info"]
      )
    })
  )

  it.effect("lists again when the same version fails five times", () =>
    Effect.gen(function* () {
      const refused = json(504, status(504, "Timeout"))
      const { asked } = yield* run(2, [list("5", []), ...Array.from({ length: 5 }, () => refused), list("2", [])])
      assert.deepStrictEqual(asked, ["list", ...Array.from({ length: 5 }, () => "watch 5"), "list"])
    })
  )

  it.effect("does not spin on a server that hangs up at once", () =>
    Effect.gen(function* () {
      const server = scripted((_, index) => (index === 0 ? list("5", []) : answer()))
      const fiber = yield* Watcher.watch(ConfigMap).pipe(
        Stream.runDrain,
        Effect.provide(server.layer),
        Effect.forkChild
      )
      for (let second = 0; second < 60; second++) {
        yield* settle
        yield* TestClock.adjust("1 second")
      }
      yield* Fiber.interrupt(fiber)
      assert.isAtMost(server.asked.length, 15)
      assert.isAtLeast(server.asked.length, 5)
    })
  )

  it.effect("does not spin on a server that takes every list and calls every watch expired", () =>
    Effect.gen(function* () {
      const server = scripted(({ query }) =>
        query.get("watch") === null ? list("5", []) : json(410, status(410, "Expired"))
      )
      const fiber = yield* Watcher.watch(ConfigMap).pipe(
        Stream.runDrain,
        Effect.provide([server.layer, Logger.layer([])]),
        Effect.forkChild
      )
      for (let second = 0; second < 600; second++) {
        yield* settle
        yield* TestClock.adjust("1 second")
      }
      yield* Fiber.interrupt(fiber)
      assert.isAtMost(server.asked.length, 110)
    })
  )

  it.prop(
    "pauses grow, are capped, and never undercut the server",
    {
      failures: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })),
      spread: Schema.Finite.check(Schema.isBetween({ minimum: 0.5, maximum: 1 })),
      after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))
    },
    ({ failures, spread, after }) => {
      const request = { method: "GET", path: "/", detail: "" }
      const down = new ServerFault({ ...request, status: 500 })
      const plain = Watcher.pause(failures, spread, down)
      assert.isAtLeast(plain, 500)
      assert.isAtMost(plain, 30_000)
      assert.isAtLeast(Watcher.pause(failures + 1, spread, down), plain)
      for (const asking of [
        new TooManyRequests({ ...request, retryAfterSeconds: after }),
        new ServerFault({ ...request, status: 504, retryAfterSeconds: after })
      ]) {
        assert.isAtLeast(Watcher.pause(failures, spread, asking), after * 1000)
        assert.isAtMost(Watcher.pause(failures, spread, asking), Math.max(30_000, after * 1250))
      }
    }
  )
})
