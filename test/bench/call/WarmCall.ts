/**
 * What a call costs, beside others: a function that answers 2 KB and one that answers 1 MB, over http sealed by NTLM and over https.
 * All clients are processes of their own and call the same server; they take turns, in rounds, so that what disturbs the
 * machine disturbs all of them.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { temporary } from "../../harness/Folder.ts"
import type { Bench } from "../Bench.ts"
import { figure, median } from "../Bench.ts"
import * as Client from "./Client.ts"
import * as Programs from "./Programs.ts"
import * as Server from "./Server.ts"
import { type Question, type Ran, type Transport, user } from "./Wire.ts"

const [small, large] = [2048, 1_000_000]

/** Between a client's calls, so that what it does afterwards (our Terminate) disturbs none of its own calls. */
const pauseMillis = 5

type Run = Omit<Extract<Question, { readonly op: "run" }>, "op">

/** So often each client takes its turn at each kind of call. */
const warmUp = { rounds: 1, run: { length: small, callers: 1, calls: 250, pauseMillis } } as const
const kinds = {
  small: { rounds: 9, run: { length: small, callers: 1, calls: 20, pauseMillis } },
  large: { rounds: 5, run: { length: large, callers: 1, calls: 3, pauseMillis } },
  four: { rounds: 5, run: { length: small, callers: 4, calls: 40, pauseMillis: 0 } },
  sixteen: { rounds: 5, run: { length: small, callers: 16, calls: 160, pauseMillis: 0 } }
} as const satisfies Record<string, { readonly rounds: number; readonly run: Run }>
const colds = 5

/** One turn. */
interface Turn extends Ran {
  readonly calls: number
  readonly exchanges: number
  /** Of those exchanges, the ones that end a call: ours are off its caller's path. */
  readonly signals: number
}

/** All turns of one client at one kind of call, in order. */
type Turns = ReadonlyArray<Turn>

const perCall = (turns: Turns, what: (turn: Turn) => number): number =>
  median(turns.map((turn) => what(turn) / turn.calls))

const medianMillis = (turns: Turns): number => median(turns.flatMap(({ millis }) => millis))

const p99Millis = (turns: Turns): number => {
  const sorted = turns.flatMap(({ millis }) => millis).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
}

const perSecond = (turns: Turns): number => median(turns.map(({ calls, wallMillis }) => (calls / wallMillis) * 1000))

/** Of the two in the same round: what slows both down slows down neither. */
const ratio = (ours: Turns, theirs: Turns, of: (turn: Turn) => number): number =>
  median(ours.map((turn, round) => of(turn) / of(theirs[round] ?? turn)))

const medianOf = ({ millis }: Turn): number => median(millis)
const cpuOf = ({ calls, cpuMicros }: Turn): number => cpuMicros / calls
const paceOf = ({ calls, wallMillis }: Turn): number => calls / wallMillis

type Kind = keyof typeof kinds
/** Turns by client. */
type Seen = ReadonlyMap<string, Turns>

const leftOut = (error: Client.ClientEnded) =>
  Effect.sync(() => {
    process.stderr.write(`without ${error.message}\n`)
    return undefined
  })

const turn = (server: Server.Server, client: Client.Client, run: Run) =>
  Effect.gen(function* () {
    // The floor replays what ours has just recorded.
    if (client.name !== Programs.floor.name) yield* server.reset
    const ran = yield* Client.run(client, { op: "run", ...run })
    const { signals, total } = yield* server.counts
    return { ...ran, calls: ran.millis.length, exchanges: total, signals } satisfies Turn
  })

/** A peer may not run here, or not so: then it is left out from there on, and a line says why. */
const turns = (server: Server.Server, clients: ReadonlyArray<Client.Client>, rounds: number, run: Run) =>
  Effect.gen(function* () {
    const seen = new Map<string, Array<Turn>>()
    for (let round = 0; round < rounds; round++) {
      for (const client of clients) {
        if (client.hasEnded()) continue
        const own = turn(server, client, run)
        const next = yield* isPeer(client.name) ? Effect.catchTag(own, "ClientEnded", leftOut) : own
        if (next === undefined) seen.delete(client.name)
        else seen.set(client.name, [...(seen.get(client.name) ?? []), next])
      }
    }
    return seen as Seen
  })

const openAll = (clients: ReadonlyArray<Client.Client>, callers: number) =>
  Effect.forEach(
    clients.filter((client) => !client.hasEnded()),
    (client) => {
      const opened = client.ask({ op: "open", callers })
      return isPeer(client.name) ? Effect.catchTag(opened, "ClientEnded", leftOut) : opened
    },
    { discard: true }
  )

const isPeer = (name: string): boolean => name !== Programs.ours.name && name !== Programs.floor.name

const overTransport = (transport: Transport, server: Server.Server, caFile: string) =>
  Effect.gen(function* () {
    const target = { transport, port: server.ports[transport], caFile, ...user }
    const programs = [Programs.ours, Programs.floor, ...(yield* Programs.peers)]
    const started = yield* Effect.forEach(programs, (program) => Client.start(program, target))
    yield* openAll(started, 1)
    const clients = started.filter((client) => !client.hasEnded())
    yield* turns(server, clients, warmUp.rounds, warmUp.run)
    const small = yield* turns(server, clients, kinds.small.rounds, kinds.small.run)
    const whole = clients.filter(({ smallOnly }) => !smallOnly)
    const large = yield* turns(server, whole, kinds.large.rounds, kinds.large.run)
    const cold = new Map<string, number>()
    const many = clients.filter(({ hasEnded, name }) => name !== Programs.floor.name && !hasEnded())
    for (const client of many) {
      const millis: Array<number> = []
      for (let at = 0; at < colds; at++) {
        millis.push(...(yield* Client.run(client, { op: "cold", length: kinds.small.run.length })).millis)
      }
      cold.set(client.name, median(millis))
    }
    // Each first round logs on the sessions' second connections, and is not counted.
    yield* openAll(many, 4)
    yield* turns(server, many, 1, kinds.four.run)
    const four = yield* turns(server, many, kinds.four.rounds, kinds.four.run)
    yield* openAll(many, 16)
    yield* turns(server, many, 1, kinds.sixteen.run)
    const sixteen = yield* turns(server, many, kinds.sixteen.rounds, kinds.sixteen.run)
    return { turns: { small, large, four, sixteen } satisfies Record<Kind, Seen>, cold }
  }).pipe(Effect.scoped)

type Result = Effect.Success<ReturnType<typeof overTransport>>

const cell = (value: number | undefined, digits: number): string =>
  (value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits)).padStart(9)

/** What the keys are made of: a row for each client. */
const table = (transport: Transport, { cold, turns: { four, large, sixteen, small } }: Result) =>
  Effect.gen(function* () {
    const titles = [
      "2k p50",
      "2k p99",
      "cpu µs",
      "exch.",
      "on path",
      "1m p50",
      "1m p99",
      "1m cpu",
      "1m exch.",
      "1/s",
      "4/s",
      "16/s",
      "cold ms"
    ]
    yield* Console.log(`${transport.padEnd(16)}${titles.map((title) => title.padStart(9)).join("")}`)
    for (const [name, turns] of small) {
      const big = large.get(name) ?? []
      const [some, many] = [four.get(name), sixteen.get(name)]
      const exchanges = perCall(turns, (turn) => turn.exchanges)
      // A peer waits for all that it sends.
      const path = isPeer(name) ? exchanges : exchanges - perCall(turns, (turn) => turn.signals)
      const cells = [
        cell(medianMillis(turns), 2),
        cell(p99Millis(turns), 2),
        cell(
          perCall(turns, ({ cpuMicros }) => cpuMicros),
          0
        ),
        cell(name === Programs.floor.name ? undefined : exchanges, 2),
        cell(name === Programs.floor.name ? undefined : path, 2),
        cell(medianMillis(big), 1),
        cell(p99Millis(big), 1),
        cell(
          perCall(big, ({ cpuMicros }) => cpuMicros),
          0
        ),
        cell(name === Programs.floor.name ? undefined : perCall(big, (turn) => turn.exchanges), 2),
        cell(1000 / medianMillis(turns), 0),
        cell(some && perSecond(some), 0),
        cell(many && perSecond(many), 0),
        cell(cold.get(name), 1)
      ]
      yield* Console.log(`  ${name.padEnd(14)}${cells.join("")}`)
    }
  })

const of = (seen: Seen, name: string): Turns => seen.get(name) ?? []
const peersOf = (seen: Seen): ReadonlyArray<Turns> =>
  [...seen].flatMap(([name, turns]) => (isPeer(name) ? [turns] : []))

export const warmCall: Bench = {
  keys: [
    "call.2k.exchanges",
    "call.2k.client_cpu_us",
    "call.2k.https.over_floor",
    "call.2k.ntlm.over_floor",
    "call.2k.cpu_over_pypsrp",
    "call.1m.over_best_peer",
    "call.16.throughput_over_best_peer",
    "session.cold_ms"
  ],
  measure: Effect.gen(function* () {
    const caFile = path.join(yield* temporary("bench"), "ca.pem")
    const server = yield* Server.start
    fs.writeFileSync(caFile, server.ca)
    const ntlm = yield* overTransport("ntlm", server, caFile)
    yield* table("ntlm", ntlm)
    const https = yield* overTransport("https", server, caFile)
    yield* table("https", https)

    const both = [ntlm, https]
    const ours = (kind: Kind) => (result: Result) => of(result.turns[kind], Programs.ours.name)
    const overFloor = (result: Result): number =>
      ratio(ours("small")(result), of(result.turns.small, Programs.floor.name), medianOf)
    const worst = (values: ReadonlyArray<number>): number => Math.max(...values)
    const whenSome = (
      key: string,
      values: ReadonlyArray<number>,
      unit: string,
      pick: (values: ReadonlyArray<number>) => number
    ) => (values.length === 0 ? {} : { [key]: figure(pick(values), unit) })
    const cold = both.map((result) => result.cold.get(Programs.ours.name) ?? Number.NaN)
    return {
      "call.2k.exchanges": figure(
        worst(both.map((result) => perCall(ours("small")(result), (turn) => turn.exchanges - turn.signals))),
        "exchanges"
      ),
      "call.2k.client_cpu_us": figure(
        worst(both.map((result) => perCall(ours("small")(result), ({ cpuMicros }) => cpuMicros))),
        "µs"
      ),
      "call.2k.https.over_floor": figure(overFloor(https), "times"),
      "call.2k.ntlm.over_floor": figure(overFloor(ntlm), "times"),
      ...whenSome(
        "call.2k.cpu_over_pypsrp",
        both.flatMap((result) => {
          const pypsrp = of(result.turns.small, "pypsrp")
          return pypsrp.length === 0 ? [] : [ratio(ours("small")(result), pypsrp, cpuOf)]
        }),
        "times",
        worst
      ),
      ...whenSome(
        "call.1m.over_best_peer",
        both.flatMap((result) =>
          peersOf(result.turns.large).map((peer) => ratio(ours("large")(result), peer, medianOf))
        ),
        "times",
        worst
      ),
      ...whenSome(
        "call.16.throughput_over_best_peer",
        both.flatMap((result) =>
          peersOf(result.turns.sixteen).map((peer) => ratio(ours("sixteen")(result), peer, paceOf))
        ),
        "times",
        (values) => Math.min(...values)
      ),
      "session.cold_ms": figure(worst(cold), "ms")
    }
  }).pipe(Effect.orDie)
}
