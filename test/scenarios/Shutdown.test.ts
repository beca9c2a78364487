/** The operator as a process that stands by, and that is told to end while it rests and while it works. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import { leaseName } from "../../src/cli/Leadership.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { text } from "../../src/simulators/kube/KubeJson.ts"
import { realistic, scaled } from "../../src/simulators/scvmm/Latency.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import { create, eventually, quiet, site } from "./Site.ts"
import { machineSpec } from "./MachineSpec.ts"

type Site = Effect.Success<ReturnType<typeof site>>

const namespace = "default"

const fetchText = (url: string) =>
  Effect.promise(async () => {
    const answer = await fetch(url)
    return { status: answer.status, body: await answer.text() }
  })

const start = Effect.fnUntraced(function* (it: Site, name: string, ...flags: ReadonlyArray<string>) {
  const log = path.join(it.folder, `${name}.log`)
  return yield* OperatorProcess.start({ kubeconfig: it.kubeconfig, log, flags: ["--leader-elect", ...flags] })
})

const line = (operator: OperatorProcess.OperatorProcess, message: string) =>
  eventually(
    `"${message}"`,
    Effect.map(operator.lines, (lines) => lines.find((it) => String(it["message"]).startsWith(message)))
  )

/** Sends the signal; answers how the process ended and after how many milliseconds. */
const end = Effect.fnUntraced(function* (operator: OperatorProcess.OperatorProcess) {
  const at = yield* Clock.currentTimeMillis
  process.kill(operator.pid, "SIGTERM")
  return { code: yield* operator.ended, after: (yield* Clock.currentTimeMillis) - at }
})

/** SCVMM takes minutes to create a VM, and one is asked for. */
const busy = Effect.fnUntraced(function* (...flags: ReadonlyArray<string>) {
  const latency = { ...scaled(realistic, 0.002), placement: [300, 300] as const }
  const speed = { latency, pace: { network: "1 second", kubeadm: "1 second", retry: "1 second" } as const }
  const it = yield* site({ seed: "shutdown", speed })
  const { access } = it.world
  for (const { kind, object } of Demo.manifests({ ...it.target, namespace }, { controlPlanes: 1, workers: 0 }).slice(
    0,
    2
  ))
    yield* create(access, namespace, kind, object)
  yield* create(access, namespace, Core.ScvmmMachine, {
    metadata: { name: "slow" },
    spec: machineSpec(namespace)
  })
  const operator = yield* start(it, "busy", ...flags)
  yield* eventually(
    "the creation has begun",
    Effect.sync(() => ((it.world.scvmm.state.calls().get("New-CapsVirtualMachine") ?? 0) > 0 ? true : undefined))
  )
  return { operator, site: it }
})

const holder = (it: Site) =>
  Effect.map(
    it.world.access.get({ group: "coordination.k8s.io", version: "v1", plural: "leases" }, namespace, leaseName),
    (lease) => text(lease, "spec", "holderIdentity")
  )

describe("the operator as a process", () => {
  it.live(
    "stands by ready, alive, and without a word to SCVMM; told to end, either is gone at once and the lease free",
    () =>
      Effect.gen(function* () {
        let exchanges = 0
        const it = yield* site({ seed: "standby", onWinRm: () => void exchanges++ })
        const leader = yield* start(it, "leader")
        yield* line(leader, "leader lease acquired")
        const standby = yield* start(it, "standby")
        yield* line(standby, "standing by")
        for (const [operator, status] of [
          [leader, 1],
          [standby, 0]
        ] as const) {
          const { diagnostics, health } = yield* line(operator, "listening")
          yield* eventually(
            "ready",
            Effect.map(fetchText(`http://${String(health)}/readyz`), (answer) =>
              answer.status === 200 ? true : undefined
            )
          )
          assert.strictEqual((yield* fetchText(`http://${String(health)}/healthz`)).status, 200)
          const { body } = yield* fetchText(`http://${String(diagnostics)}/metrics`)
          assert.include(body, `leader_election_master_status{name="${leaseName}"} ${status}\n`)
        }
        const first = yield* end(standby)
        assert.strictEqual(first.code, 0)
        assert.match(yield* holder(it), /_/u)
        const second = yield* end(leader)
        assert.strictEqual(second.code, 0)
        assert.strictEqual(yield* holder(it), "")
        // A second is what it takes on a machine that has nothing else to do.
        assert.isBelow(Math.max(first.after, second.after), 3_000)
        assert.strictEqual(exchanges, 0)
      }).pipe(Effect.scoped, quiet),
    60_000
  )

  it.live(
    "lets work go on until the timeout, then cuts it",
    () =>
      Effect.gen(function* () {
        const { operator, site: it } = yield* busy("--graceful-shutdown-timeout", "2s")
        const { after, code } = yield* end(operator)
        assert.strictEqual(code, 0)
        assert.isAtLeast(after, 2_000)
        assert.isBelow(after, 14_000)
        yield* line(operator, "work that did not end within 2 s is interrupted")
        assert.strictEqual(yield* holder(it), "")
        const shells = yield* it.world.winrm.shells
        assert.deepStrictEqual(shells, [])
      }).pipe(Effect.scoped, quiet),
    60_000
  )

  it.live(
    "ends at once when it is told again",
    () =>
      Effect.gen(function* () {
        const { operator } = yield* busy()
        process.kill(operator.pid, "SIGTERM")
        const { running } = yield* line(operator, "ending: no more work is begun")
        assert.isAtLeast(Number(running), 1)
        const { after, code } = yield* end(operator)
        assert.strictEqual(code, 1)
        assert.isBelow(after, 3_000)
        yield* line(operator, "asked to end again")
      }).pipe(Effect.scoped, quiet),
    60_000
  )
})
