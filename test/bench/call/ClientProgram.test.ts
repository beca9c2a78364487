import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { temporary } from "../../harness/Folder.ts"
import * as Client from "./Client.ts"
import * as Programs from "./Programs.ts"
import * as Server from "./Server.ts"
import { user } from "./Wire.ts"

const few = { op: "run", length: 2048, callers: 1, calls: 3, pauseMillis: 20 } as const

describe("a warm call", () => {
  it.live(
    "takes two exchanges on its caller's path, and one after it; the floor replays the two",
    () =>
      Effect.gen(function* () {
        const server = yield* Server.start
        const caFile = path.join(yield* temporary("bench"), "ca.pem")
        fs.writeFileSync(caFile, server.ca)
        for (const transport of ["ntlm", "https"] as const) {
          const target = { transport, port: server.ports[transport], caFile, ...user }
          const [ours, floor] = [
            yield* Client.start(Programs.ours, target),
            yield* Client.start(Programs.floor, target)
          ]
          yield* ours.ask({ op: "open", callers: 1 })
          // Both connections are logged on by it.
          yield* Client.run(ours, { ...few, calls: 1, pauseMillis: 200 })
          yield* server.reset
          const ran = yield* Client.run(ours, few)
          assert.lengthOf(ran.millis, 3)
          const { signals, total } = yield* server.counts
          assert.strictEqual((total - signals) / 3, 2)
          assert.isAtMost(signals, 3)
          yield* floor.ask({ op: "open", callers: 1 })
          assert.isAbove(Math.min(...(yield* Client.run(floor, few)).millis), 2)
        }
      }),
    60_000
  )
})
