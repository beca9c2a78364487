import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Program from "./Program.ts"
import { temporary } from "../../harness/Folder.ts"

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // ESRCH: there is no such process.
    return false
  }
}

const folder = temporary("demo")

describe("demo", () => {
  it.live(
    "brings a cluster up through a crash of the operator, scales it, deletes it, leaves nothing, and says so",
    () =>
      Effect.gen(function* () {
        const file = path.join(yield* folder, "summary.json")
        const { code, stdout, stderr } = yield* Program.run("demo", "--machines", "1", "--json", file)
        assert.strictEqual(stderr, "")
        const steps = [
          "bring up 3 control-plane machines and 1 worker",
          "scale to 3 workers",
          "scale to 1 worker",
          "delete the cluster",
          "stop the operator"
        ]
        for (const step of steps) assert.include(stdout, `✔ ${step}: `)
        assert.match(stdout, /✔ kill the operator amid \d creations?: /u)
        assert.match(stdout, /✔ start it again: process \d+: /u)
        assert.match(stdout, /demo-workers-\S+ +Running +VM Running +10\./u)
        assert.match(stdout, /demo-workers-\S+ +gone/u)
        assert.match(stdout, /New-CapsVirtualMachine +6$/mu)
        assert.match(stdout, /leftovers +0\n$/u)
        assert.strictEqual(code, 0)
        const { ready_seconds, killed_seconds, back_seconds, ...summary } = JSON.parse(fs.readFileSync(file, "utf8"))
        assert.isTrue(0 < killed_seconds && killed_seconds < back_seconds && back_seconds < ready_seconds)
        const { creating_when_killed, abandoned_shells, scvmm_calls, exchanges, ...rest } = summary
        assert.isAbove(creating_when_killed, 0)
        assert.isAbove(abandoned_shells, 0)
        assert.deepStrictEqual(rest, { machines: 4, duplicates: 0, leftovers: 0 })
        assert.isAbove(scvmm_calls, 6 * 8)
        assert.isAbove(exchanges, scvmm_calls)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "fails at once, and tells where to look, when the operator dies",
    () =>
      Effect.gen(function* () {
        const program = yield* Program.start("demo", "--machines", "1", "--no-crash")
        const [, pid = ""] = yield* program.line(/operator: process (\d+)/u)
        yield* program.line(/UnderCreation/u)
        process.kill(Number(pid), "SIGKILL")
        const { code, stdout, stderr } = yield* program.ended
        assert.match(stderr, /error: the operator ended with SIGKILL; its last log lines:\n\{/u)
        assert.match(stdout, /bring up .* not reached/u)
        assert.match(stdout, /^ {4}open shell /mu)
        assert.match(stdout, /^ {4}ScvmmMachine \S+ with a finalizer$/mu)
        const [, home = ""] = /are in (.+)/u.exec(stderr) ?? []
        assert.isTrue(fs.existsSync(path.join(home, "operator.log")))
        fs.rmSync(home, { recursive: true })
        assert.strictEqual(code, 1)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "stays with --keep, with a kubeconfig for its owner alone, and takes everything down when interrupted",
    () =>
      Effect.gen(function* () {
        const program = yield* Program.start("demo", "--machines", "1", "--keep")
        const [, pid = ""] = yield* program.line(/start it again: process (\d+)/u)
        const [, kubeconfig = ""] = yield* program.line(/export KUBECONFIG=(.+)/u)
        assert.strictEqual(fs.statSync(kubeconfig).mode & 0o777, 0o600)
        yield* program.signal("SIGINT")
        const { code } = yield* program.ended
        assert.isFalse(isAlive(Number(pid)))
        fs.rmSync(path.dirname(kubeconfig), { recursive: true })
        assert.strictEqual(code, 0)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "takes everything down when interrupted half-way",
    () =>
      Effect.gen(function* () {
        const program = yield* Program.start("demo")
        const [, pid = ""] = yield* program.line(/operator: process (\d+)/u)
        yield* program.line(/UnderCreation/u)
        assert.isTrue(isAlive(Number(pid)))
        yield* program.signal("SIGINT")
        const { code, stderr } = yield* program.ended
        assert.isFalse(isAlive(Number(pid)))
        assert.strictEqual(stderr, "")
        assert.strictEqual(code, 130)
      }).pipe(Effect.scoped),
    60_000
  )
})
