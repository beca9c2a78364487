/** What a large site costs: memory at rest, and the CPU time until every machine was looked at, with the API in another process. */
import * as Effect from "effect/Effect"
import type { Bench, Figures } from "./Bench.ts"
import { figure, median } from "./Bench.ts"
import * as FleetApi from "./FleetApi.ts"
import type { Subject, Usage } from "./Subject.ts"
import * as Subjects from "./Subject.ts"
import { temporary } from "../harness/Folder.ts"

/** Garbage of the start is collected, or stays. */
const rest = "10 seconds"

const settled = Effect.fnUntraced(function* (subject: Subject, machines: number) {
  yield* Subjects.reconciledAll(subject, machines)
  const { cpuSeconds } = Subjects.usage(subject.pid)
  yield* Effect.sleep(rest)
  return { ...Subjects.usage(subject.pid), cpuSeconds } satisfies Usage as Usage
})

const middle = (usages: ReadonlyArray<Usage>, field: keyof Usage): number => median(usages.map((usage) => usage[field]))

const measure = (machines: number, figures: (of: (field: keyof Usage, unit: string) => Figures[string]) => Figures) =>
  Effect.gen(function* () {
    const folder = yield* temporary("bench")
    const api = yield* FleetApi.start({ folder, machines })
    const options = { folder, kubeconfig: api.kubeconfig }
    const ours: Array<Usage> = []
    const theirs: Array<Usage> = []
    for (let run = 0; run < 3; run++) {
      ours.push(
        yield* Effect.scoped(Effect.flatMap(Subjects.operator(options), (subject) => settled(subject, machines)))
      )
      const peer = yield* Effect.scoped(
        Effect.flatMap(Subjects.peerOf(options, yield* api.watches("ipaddressclaims")), (subject) =>
          subject === undefined ? Effect.undefined : settled(subject, machines)
        )
      )
      if (peer !== undefined) theirs.push(peer)
    }
    // Otherwise more was measured than looking.
    const written = yield* api.written
    if (written.length > 0) return yield* Effect.die(new Error(`written: ${written[0]?.path}`))
    return figures((field, unit) =>
      figure(middle(ours, field), unit, {
        peer: theirs.length === 0 ? undefined : middle(theirs, field),
        better: "lower"
      })
    )
  })

export const fleet1000: Bench = {
  keys: ["memory.rss_mb.1000", "memory.peak_mb.1000"],
  measure: measure(1000, (of) => ({
    "memory.rss_mb.1000": of("rssMB", "MB"),
    "memory.peak_mb.1000": of("peakMB", "MB")
  }))
}

export const fleet5000: Bench = {
  keys: ["memory.rss_mb.5000", "memory.peak_mb.5000", "load.5000.cpu_s"],
  measure: measure(5000, (of) => ({
    "memory.rss_mb.5000": of("rssMB", "MB"),
    "memory.peak_mb.5000": of("peakMB", "MB"),
    "load.5000.cpu_s": of("cpuSeconds", "s")
  }))
}
