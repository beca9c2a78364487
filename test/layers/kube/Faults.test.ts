/** What a Kubernetes API and the proxies before it can do to a watch: how often it is asked, what is said, and that all heals. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Fault, Rule } from "../../../src/simulators/kube/Faults.ts"
import { byKind, end, few, pass, start, watching } from "./Faulty.ts"

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
      const site = yield* watching(rules, few)
      yield* pass(30)
      yield* site.create("before")
      yield* pass(270)
      yield* site.create("during")
      yield* pass(360)
      yield* site.create("after")
      assert.isFalse(yield* site.ended)
      for (const { plural } of few) {
        const asked = site.asked.filter((one) => one.plural === plural && one.at >= start && one.at < end)
        assert.isAtMost(asked.length, most, plural)
        assert.isAtLeast(asked.length, 3, plural)
      }
      const up = yield* byKind("capscvmm_watch_up")
      assert.strictEqual(up.get("configmaps"), 0)
      yield* pass(heals ?? 45)
      for (const name of ["before", "during", "after"]) assert.isTrue(site.stores.get("configmaps")?.has(name), name)
      const healed = yield* byKind("capscvmm_watch_up")
      for (const { plural, group } of few) {
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
