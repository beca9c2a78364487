/** A process under measurement, the operator or its peer: what it has used, and what its metrics say. */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Bundle from "../harness/Bundle.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import * as Process from "../harness/Process.ts"
import { eventually } from "../scenarios/Site.ts"
import { peer } from "./Peer.ts"

export interface Subject {
  readonly pid: number
  /** Lines of JSON that it has written so far. */
  readonly lines: Effect.Effect<ReadonlyArray<OperatorProcess.Line>>
  /** The value of a metric with that label; 0 while there is none. */
  readonly metric: (name: string, label: string) => Effect.Effect<number>
}

const scrape = (address: string): Effect.Effect<string> =>
  Effect.promise((signal) => fetch(`http://${address}/metrics`, { signal }).then((answer) => answer.text())).pipe(
    // It does not listen yet.
    Effect.catchDefect(() => Effect.succeed(""))
  )

const subject = (pid: number, address: string, lines: Subject["lines"]): Subject => ({
  pid,
  lines,
  metric: (name, label) =>
    Effect.map(scrape(address), (text) =>
      text
        .split("\n")
        .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0)
    )
})

export interface Options {
  readonly kubeconfig: string
  readonly folder: string
  /** Whether each reconcile is to be told in a line of its own. */
  readonly told?: boolean
}

/** The operator as it is deployed. */
export const operator = Effect.fnUntraced(function* ({ folder, kubeconfig, told }: Options) {
  yield* Bundle.once
  const started = yield* OperatorProcess.start({
    command: OperatorProcess.deployed(),
    kubeconfig,
    log: path.join(folder, "operator.log"),
    env: { LOG_LEVEL: told === true ? "debug" : "info" }
  })
  const address = yield* eventually(
    "the operator listens",
    Effect.map(started.lines, (lines) => lines.find(({ message }) => message === "listening")?.["diagnostics"])
  )
  return subject(started.pid, String(address), started.lines)
})

/** The peer on the same objects, with IPAddressClaims if the operator watches them; undefined where there is none. */
export const peerOf = Effect.fnUntraced(function* ({ folder, kubeconfig, told }: Options, claims: boolean) {
  const binary = yield* peer
  if (binary === undefined) return undefined
  const address = `127.0.0.1:${yield* Effect.orDie(Process.freePort)}`
  const log = path.join(folder, "peer.log")
  const child = yield* Process.spawn(
    binary,
    [`-config=${kubeconfig}`, `-metrics=${address}`, `-claims=${claims}`, `-told=${told === true}`],
    log
  )
  return subject(child.pid ?? 0, address, OperatorProcess.linesOf(log))
})

const status = (pid: number, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "mu").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])

/** Ticks of the kernel's clock: 100 a second on every Linux. */
const ticks = 100

export interface Usage {
  readonly rssMB: number
  /** The most that it ever was. */
  readonly peakMB: number
  /** User and system, since its start. */
  readonly cpuSeconds: number
}

export const usage = (pid: number): Usage => {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8")
  // Behind the name, which may hold blanks: utime and stime are the 14th and 15th of proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return {
    rssMB: status(pid, "VmRSS") / 1024,
    peakMB: status(pid, "VmHWM") / 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticks
  }
}

/** Until every machine was reconciled and none waits; the queue is first in, first out. */
export const reconciledAll = (subject: Subject, machines: number) =>
  eventually(
    `${machines} reconciles`,
    Effect.gen(function* () {
      const done = yield* subject.metric("controller_runtime_reconcile_total", 'controller="scvmmmachine"')
      if (done < machines) return undefined
      return (yield* subject.metric("workqueue_depth", 'name="scvmmmachine"')) === 0 ? true : undefined
    }),
    180
  )
