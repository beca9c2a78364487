/** What a Kubernetes API and the proxies before it can do to a watch: how often it is asked, what is said, and that all heals. */
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
import type { Fault, Rule } from "../../../src/simulators/kube/Faults.ts"
import { byKind, many, pass, watching } from "./Faulty.ts"

const watched = many.slice(0, 3)

const start = 60_000
const end = 660_000

const page = "<html><head><title>Sign in</title></head><body>please sign in</body></html>"
const html = { "content-type": "text/html" }
const status = (code: number, reason: string) => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code,
  reason,
  message: reason
})
const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`
const lists = ["list"] as const
const watches = ["watch"] as const

interface Case {
  readonly name: string
  readonly faults: ReadonlyArray<Fault | (Omit<Rule, "from" | "until"> & { readonly fault: Fault })>
  /** Requests of one kind in ten minutes, at most; a client that asked every second had 600. */
  readonly most: number
  /** One Warn line a kind for each, in this order. */
  readonly says: ReadonlyArray<RegExp>
  /** Seconds until all is well again: the longest pause, and ten seconds that a watch has to hold; 45 unless given. */
  readonly heals?: number
}

const cases: ReadonlyArray<Case> = [
  {
    name: "every connection reset",
    faults: [{ _tag: "Reset" }],
    most: 80,
    says: [/connection reset by the other side/u]
  },
  {
    name: "500",
    faults: [{ _tag: "Refuse", status: 500, reason: "InternalError" }],
    most: 45,
    says: [/status 500: InternalError/u]
  },
  { name: "403", faults: [{ _tag: "Refuse", status: 403, reason: "Forbidden" }], most: 45, says: [/forbidden/u] },
  { name: "401", faults: [{ _tag: "Refuse", status: 401, reason: "Unauthorized" }], most: 45, says: [/unauthorized/u] },
  {
    name: "404 for a kind that is not there any more",
    faults: [{ _tag: "Answer", status: 404, headers: { "content-type": "text/plain" }, body: "404 page not found\n" }],
    most: 45,
    says: [/not found: 404 page not found/u]
  },
  {
    name: "a proxy's page with 200",
    faults: [{ _tag: "Answer", status: 200, headers: html, body: page }],
    most: 45,
    says: [/a line of 75 characters is not a watch event|not JSON \(text\/html\)/u]
  },
  {
    name: "a proxy's page with 502",
    faults: [{ _tag: "Answer", status: 502, headers: html, body: page }],
    most: 45,
    says: [/status 502: Sign in please sign in/u]
  },
  {
    name: "429 as API Priority and Fairness answers",
    faults: [
      {
        _tag: "Refuse",
        status: 429,
        reason: "TooManyRequests",
        headers: {
          "retry-after": "1",
          "x-kubernetes-pf-prioritylevel-uid": "level-1",
          "x-kubernetes-pf-flowschema-uid": "f"
        }
      }
    ],
    // Seven tries within a request's 30 s take 17 s at least, and the pauses between them 0.5, 1, 2, 4, 8 and then 15 s:
    // 35 requests in the first 101 s, seven in each further 32 s.
    most: 147,
    says: [/throttled for 1 s: TooManyRequests \(priority level level-1\)/u]
  },
  {
    name: "429 until a date, by a clock that is a day ahead",
    faults: [
      {
        _tag: "Refuse",
        status: 429,
        reason: "TooManyRequests",
        headers: { "retry-after": "Sat, 21 Nov 2026 12:01:00 GMT", date: "Sat, 21 Nov 2026 12:00:00 GMT" }
      }
    ],
    most: 12,
    heals: 90,
    says: [/throttled for 60 s/u]
  },
  {
    name: "504 Timeout with retryAfterSeconds",
    faults: [{ _tag: "Refuse", status: 504, reason: "Timeout", retryAfterSeconds: 5 }],
    most: 90,
    says: [/status 504: Timeout/u]
  },
  {
    name: "503 without a word",
    faults: [{ _tag: "Answer", status: 503, body: "" }],
    most: 45,
    says: [/status 503$/u]
  },
  { name: "headers that never come", faults: [{ _tag: "Silence" }], most: 16, heals: 75, says: [/no answer in time/u] },
  {
    name: "bodies that stall",
    faults: [
      { verbs: watches, fault: { _tag: "Refuse", status: 410, reason: "Expired" } },
      { verbs: lists, fault: { _tag: "Break", after: 20, how: "stall" } }
    ],
    most: 25,
    heals: 75,
    says: [/expired/u, /no answer in time/u]
  },
  {
    name: "watches refused while lists work",
    faults: [{ verbs: watches, fault: { _tag: "Refuse", status: 403, reason: "Forbidden" } }],
    most: 55,
    says: [/forbidden/u]
  },
  {
    name: "watches that all are expired",
    faults: [{ verbs: watches, fault: { _tag: "Refuse", status: 410, reason: "Expired" } }],
    most: 80,
    says: [/expired/u]
  },
  {
    name: "half a line, then the end",
    faults: [{ verbs: watches, fault: { _tag: "Answer", status: 200, body: '{"type":"ADDED","object":{"metad' } }],
    most: 55,
    says: [/a line of 32 characters is not a watch event/u]
  },
  {
    name: "watches cut right after their headers",
    faults: [{ verbs: watches, fault: { _tag: "Break", after: 0, how: "cut" } }],
    most: 90,
    says: [/connection reset by the other side/u]
  },
  {
    name: "watches that end at once",
    faults: [{ verbs: watches, fault: { _tag: "Answer", status: 200, body: "" } }],
    most: 55,
    says: [/the server ended the watch at once/u]
  },
  {
    name: "an event of a type unknown",
    faults: [{ verbs: watches, fault: { _tag: "Answer", status: 200, body: line("SUMMARY", {}), open: true } }],
    most: 55,
    says: [/is not a watch event/u]
  },
  {
    name: "ERROR events with 410",
    faults: [
      {
        verbs: watches,
        fault: { _tag: "Answer", status: 200, body: line("ERROR", status(410, "Expired")), open: true }
      }
    ],
    most: 80,
    says: [/expired/u]
  },
  {
    name: "ERROR events with 500",
    faults: [
      {
        verbs: watches,
        fault: { _tag: "Answer", status: 200, body: line("ERROR", status(500, "InternalError")), open: true }
      }
    ],
    most: 55,
    says: [/status 500: InternalError/u]
  },
  {
    name: "ERROR events that say nothing",
    faults: [{ verbs: watches, fault: { _tag: "Answer", status: 200, body: line("ERROR", {}), open: true } }],
    most: 55,
    says: [/status 500/u]
  },
  {
    name: "lists without a resourceVersion",
    faults: [
      { verbs: watches, fault: { _tag: "Refuse", status: 410, reason: "Expired" } },
      { verbs: lists, fault: { _tag: "Answer", status: 200, body: { metadata: {}, items: [] } } }
    ],
    most: 50,
    says: [/expired/u, /not a list/u]
  },
  {
    name: "lists with null for an object",
    faults: [
      { verbs: watches, fault: { _tag: "Refuse", status: 410, reason: "Expired" } },
      {
        verbs: lists,
        fault: { _tag: "Answer", status: 200, body: { metadata: { resourceVersion: "5" }, items: [null] } }
      }
    ],
    most: 90,
    says: [/expired/u]
  }
]

describe("ten minutes of", () => {
  it.effect.each(cases)("$name", ({ faults, most, says, heals }) =>
    Effect.gen(function* () {
      const rules: ReadonlyArray<Rule> = [
        // What is open ends when it begins: else a watch might outlast it.
        { from: start, until: start + 1, fault: { _tag: "Reset" } },
        ...faults.map((it) => ({ from: start + 1, until: end, ...("fault" in it ? it : { fault: it }) }))
      ]
      const site = yield* watching(rules, watched)
      yield* pass(30)
      yield* site.create("before")
      yield* pass(270)
      yield* site.create("during")
      yield* pass(360)
      yield* site.create("after")
      assert.isFalse(yield* site.ended)
      for (const { plural } of watched) {
        const asked = site.asked.filter((one) => one.plural === plural && one.at >= start && one.at < end)
        assert.isAtMost(asked.length, most, plural)
        assert.isAtLeast(asked.length, 3, plural)
      }
      const up = yield* byKind("capscvmm_watch_up")
      assert.strictEqual(up.get("configmaps"), 0)
      yield* pass(heals ?? 45)
      for (const name of ["before", "during", "after"]) assert.isTrue(site.stores.get("configmaps")?.has(name), name)
      const healed = yield* byKind("capscvmm_watch_up")
      for (const { plural, group } of watched) {
        const name = group === "" ? plural : `${plural}.${group}`
        assert.strictEqual(healed.get(name), 1, name)
        const said = site.lines.filter((it) => it.resource === name)
        // The reset that began it is a line of its own, unless resets are what follows.
        const warned = said.filter(({ level }) => level === "Warn").map(({ error }) => error)
        const [first, ...rest] = warned
        assert.match(first ?? "", /connection reset/u)
        assert.isAtMost(rest.length, says.length, rest.join("\n"))
        for (const error of rest)
          assert.isTrue(
            says.some((wanted) => wanted.test(error)),
            error
          )
        if (rest.length === 0) assert.match("connection reset by the other side", says[0] ?? /$^/u)
        assert.deepStrictEqual(
          said.filter(({ level }) => level === "Info").map(({ message }) => message),
          ["watch works again"],
          name
        )
      }
    })
  )
})

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
      const site = yield* watching([{ from: start, until: start + 1, fault: { _tag: "Silence" } }], watched)
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
      const site = yield* watching([{ plurals: ["configmaps"], fault: { _tag: "Change", change: strip } }], watched)
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
