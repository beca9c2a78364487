/** Which requests are repeated: laws over every error, and the waits a server can ask for. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { KubeError } from "../../../layers/kube/KubeError.ts"
import {
  Conflict,
  Forbidden,
  Gone,
  Invalid,
  NoCredentials,
  NotFound,
  ServerFault,
  TooManyRequests,
  Unreachable
} from "../../../layers/kube/KubeError.ts"
import { pause } from "../../../layers/kube/KubeRetry.ts"
import { toError } from "../../../layers/kube/KubeStatus.ts"

const request = { method: "GET", path: "/", detail: "" }
const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" })
const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" })

const errors = (after: number): ReadonlyArray<KubeError> => [
  new NotFound(request),
  new Conflict({ ...request, reason: "Conflict" }),
  new Gone(request),
  new Forbidden({ ...request, status: 401 }),
  new Invalid({ ...request, status: 422, causes: [] }),
  new TooManyRequests({ ...request, retryAfterSeconds: after }),
  new ServerFault({ ...request, status: 503 }),
  new ServerFault({ ...request, status: 504, retryAfterSeconds: after }),
  new Unreachable({ ...request, cause: lost }),
  new Unreachable({ ...request, cause: refused }),
  new NoCredentials(request)
]

const attempt = {
  repeated: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })),
  elapsed: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 40_000 })),
  chance: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))
}

describe("repeating a request", () => {
  it.prop("a write is repeated after 429 alone", attempt, ({ after, ...given }) => {
    for (const error of errors(after)) {
      const wait = pause(error, { ...given, reading: false })
      if (wait !== undefined) assert.strictEqual(error._tag, "KubeTooManyRequests")
    }
  })

  it.prop(
    "what is repeated was turned away or lost, and waits as asked, half a minute in all",
    attempt,
    ({ after, ...given }) => {
      for (const error of errors(after)) {
        const wait = pause(error, { ...given, reading: true })
        if (wait === undefined) continue
        assert.isTrue(
          error._tag === "KubeTooManyRequests" ||
            error._tag === "KubeServerFault" ||
            (error._tag === "KubeUnreachable" && error.cause === lost)
        )
        if ("retryAfterSeconds" in error && error.retryAfterSeconds !== undefined)
          assert.isAtLeast(wait, error.retryAfterSeconds * 1000)
        assert.isAbove(wait, 0)
        assert.isAtMost(given.elapsed + wait, 30_000)
      }
    }
  )

  it.prop(
    "no Retry-After stops us for more than five minutes, whatever it says",
    { header: Schema.String, date: Schema.String },
    ({ header, date }) => {
      for (const value of [
        header,
        date,
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "99999999999",
        "-5",
        "Thu, 01 Jan 1970 00:00:00 GMT"
      ]) {
        const error = toError({
          ...request,
          status: 429,
          headers: { "retry-after": value, date: header },
          body: "",
          now: 1_800_000_000_000
        })
        assert.strictEqual(error._tag, "KubeTooManyRequests")
        if (error._tag !== "KubeTooManyRequests") continue
        assert.isAtLeast(error.retryAfterSeconds, 0)
        assert.isAtMost(error.retryAfterSeconds, 300)
      }
    }
  )
})
