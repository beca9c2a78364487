/** Two replicas on a real API server: whoever is killed, stopped or told to end, only the holder of the Lease writes. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as AuditTrail from "./AuditTrail.ts"
import * as Replicas from "./Replicas.ts"
import { quiet } from "./Site.ts"

const assets = process.env["KUBEBUILDER_ASSETS"] ?? ""
const { timing } = Replicas
const kills = 20
/** A record that is not renewed any more is seen at the latest `retry` · 2.2 late; then it is waited for. The rest is the machine's. */
const slack = 3_000
const bound = timing.lease + timing.retry * 2.2 + slack

const milliseconds = (values: ReadonlyArray<number>): string =>
  `${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))} ms`

type Site = Effect.Success<ReturnType<typeof Replicas.make>>

/** Sends the signal to a leader, until one ended by it: on a busy machine a leader may just have lost its lease by itself. */
const endOf = (site: Site, signal: "SIGKILL" | "SIGTERM", how: number | string): Effect.Effect<number> =>
  Effect.gen(function* () {
    const { at, life } = yield* site.signalLeader(signal)
    const after = yield* site.takenOver(at)
    const lost = (yield* life.lines).some((line) => String(line["message"]).includes("leader election lost"))
    const ended = yield* life.ended
    if (lost && ended !== how) return yield* endOf(site, signal, how)
    assert.strictEqual(ended, how)
    return after
  })

/** Stopped until another works, and let go on: it must do nothing but end. */
const stopAndContinue = Effect.fnUntraced(function* (site: Site) {
  const { at, leader, life } = yield* site.signalLeader("SIGSTOP")
  const after = yield* site.takenOver(at)
  const continued = yield* Clock.currentTimeMillis
  process.kill(life.pid, "SIGCONT")
  assert.strictEqual(yield* life.ended, 1)
  const late = site.audit.look().filter(({ received, user }) => user === leader.user && received > continued)
  assert.deepStrictEqual(late, [])
  const lost = (yield* life.lines).filter((line) => String(line["message"]).includes("leader election lost"))
  assert.lengthOf(lost, 1)
  assert.match(String(lost[0]?.["message"]), /^leader election lost: caps-system\/f4af8138\.cluster\.x-k8s\.io: /u)
  return after
})

/** The term of each process in which a shell was opened, by its shells: the process says both in its log. */
const termOfShells = Effect.fnUntraced(function* (site: Site, terms: ReadonlyArray<AuditTrail.Term>) {
  const found = new Map<string, number>()
  for (const life of site.pair.flatMap(({ lives }) => lives)) {
    const lines = yield* life.lines
    const identity = lines.find(({ message }) => message === "competing for the leader lease")?.["identity"]
    const term = terms.findIndex(({ holder }) => holder === identity)
    for (const line of lines) {
      if (line["message"] === "PowerShell session opened") found.set(String(line["shell_id"]).toUpperCase(), term)
    }
  }
  return found
})

/** Every write, and every exchange with SCVMM, was made by whoever held the lease. */
const judge = Effect.fnUntraced(function* (site: Site) {
  const writes = site.audit.look()
  const terms = AuditTrail.termsOf(writes, Replicas.lease)
  const works = site.works(writes)
  assert.deepStrictEqual(
    works.filter((it) => AuditTrail.termAt(terms, it.user, it.received, it.completed, timing.lease) === undefined),
    []
  )
  // SCVMM has no clock in common with the API server; once a successor has spoken, its predecessor never does again.
  const shells = yield* termOfShells(site, terms)
  const spoken = site.site.exchanges.flatMap((it) => {
    const term = shells.get(it.shellId)
    return term === undefined ? [] : [{ ...it, term }]
  })
  assert.deepStrictEqual(
    spoken.filter(({ term }, index) => term < (spoken[index - 1]?.term ?? 0)),
    []
  )
  // Every shell in which something was changed is one of theirs.
  assert.deepStrictEqual(
    site.site.exchanges.filter(({ mutates, shellId }) => mutates && !shells.has(shellId)),
    []
  )
  const mutations = spoken.filter(({ mutates }) => mutates).length
  return { works: works.length, terms: terms.length, exchanges: spoken.length, mutations }
})

describe.skipIf(assets === "")("two replicas (needs KUBEBUILDER_ASSETS)", () => {
  it.live(
    "only the holder of the Lease writes, to Kubernetes and to SCVMM, and the work goes on within the lease",
    () =>
      Effect.gen(function* () {
        const site = yield* Replicas.make(assets)
        const killed: Array<number> = []
        const stopped: Array<number> = []
        const rounds = Effect.gen(function* () {
          for (let round = 0; round < kills; round++) {
            killed.push(yield* endOf(site, "SIGKILL", "SIGKILL"))
            if (round % 7 === 6) stopped.push(yield* stopAndContinue(site))
          }
          // Told to end it gives the lease up: nobody waits for it.
          return yield* endOf(site, "SIGTERM", 0)
        })
        const ended = yield* Effect.raceFirst(rounds, site.work)
        const { exchanges, mutations, terms, works } = yield* judge(site)
        assert.isAtMost(Math.max(...killed, ...stopped), bound)
        assert.isAtMost(ended, timing.retry * 2.2 + slack)
        assert.isAtLeast(terms, kills + stopped.length + 2)
        assert.isAbove(works, 10 * kills)
        assert.isAbove(mutations, kills)
        assert.deepStrictEqual(site.site.scvmm.state.everDuplicated(), [])
        process.stdout.write(
          `${works} writes and ${exchanges} exchanges with SCVMM (${mutations} mutations) in ${terms} terms, all by the holder; ` +
            `the work went on ${milliseconds(killed)} after a SIGKILL, ${milliseconds(stopped)} after a SIGSTOP, ` +
            `${Math.round(ended)} ms after a SIGTERM\n`
        )
      }).pipe(Effect.scoped, quiet),
    400_000
  )
})
