/** The whole operator behind a Kubernetes API that is not there, refuses a kind, or goes away in the middle of a creation. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { objects, text } from "../../src/simulators/kube/KubeJson.ts"
import type { Rule } from "../../src/simulators/kube/Faults.ts"
import * as Faults from "../../src/simulators/kube/Faults.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import { realistic, scaled } from "../../src/simulators/scvmm/Latency.ts"
import { freePort } from "../harness/Process.ts"
import * as Invariants from "../simulation/Invariants.ts"
import * as Lives from "../simulation/Lives.ts"
import { simulate } from "../simulation/Universe.ts"
import { create, eventually, operator, site } from "./Site.ts"

const namespace = "default"

interface Line {
  readonly level: string
  readonly message: string
  readonly more: Readonly<Record<string, unknown>>
}

/** Gathers what is logged. */
const logged = () => {
  const lines: Array<Line> = []
  const layer = Layer.merge(
    Logger.layer([
      Logger.make(({ logLevel, message, fiber }) => {
        lines.push({ level: logLevel, message: String(message), more: fiber.getRef(References.CurrentLogAnnotations) })
      })
    ]),
    Layer.succeed(References.MinimumLogLevel, "Info")
  )
  return { lines, layer }
}

/** A site whose API is reached through faults, on a port that nobody listens on until `open`. */
const faulty = Effect.fnUntraced(function* (seed: string, rules: ReadonlyArray<Rule>) {
  const here = yield* site({ seed })
  const { kubernetes } = here.world
  if (kubernetes === undefined) return yield* Effect.die("no embedded API")
  const authority = yield* CertificateAuthority.make("faulty")
  const tls = yield* authority.issue({ commonName: "localhost", usage: "server" })
  const faults = Faults.make(kubernetes.handler, rules)
  const port = yield* freePort
  const kubeconfig = path.join(here.folder, "faulty")
  fs.writeFileSync(kubeconfig, kubernetes.kubeconfig(`https://127.0.0.1:${port}`, authority.ca), { mode: 0o600 })
  return { ...here, kubeconfig, faults, open: Listener.listen({ handler: faults.handler, tls, port }) }
})

const bringProvider = Effect.fnUntraced(function* (here: Effect.Success<ReturnType<typeof faulty>>) {
  const [secret, provider] = Demo.manifests({ ...here.target, namespace }, { controlPlanes: 1, workers: 0 })
  if (secret === undefined || provider === undefined) return yield* Effect.die("no provider")
  yield* create(here.world.access, namespace, secret.kind, secret.object)
  yield* create(here.world.access, namespace, provider.kind, provider.object)
  return provider.kind
})

const available = (here: Effect.Success<ReturnType<typeof faulty>>, kind: Core.Kind) =>
  eventually(
    "the provider is available",
    Effect.map(here.world.access.get(kind, namespace, "scvmm"), (object) =>
      text(
        objects(object, "status", "conditions").find((it) => text(it, "type") === "ScvmmAvailable"),
        "status"
      ) === "True"
        ? true
        : undefined
    )
  )

const probe = (lines: ReadonlyArray<Line>, what: string) =>
  Effect.gen(function* () {
    const listening = yield* eventually(
      "the line of the addresses",
      Effect.sync(() => lines.find(({ message }) => message === "listening"))
    )
    const answer = yield* Effect.promise(() => fetch(`http://${String(listening.more["health"])}${what}`))
    return `${answer.status} ${yield* Effect.promise(() => answer.text())}`
  })

describe("the operator", () => {
  it.live(
    "waits for an API that is down at its start: alive, not ready, told once",
    () =>
      Effect.gen(function* () {
        const here = yield* faulty("down at start", [])
        const { lines, layer } = logged()
        const running = yield* Effect.forkScoped(Effect.provide(operator(here.kubeconfig), layer))
        assert.strictEqual(yield* probe(lines, "/healthz"), "200 ok\n")
        assert.strictEqual(yield* probe(lines, "/readyz"), "503 [-] the Kubernetes API not ready\n")
        yield* Effect.sleep("3 seconds")
        assert.isUndefined(running.pollUnsafe())
        const kind = yield* bringProvider(here)
        yield* here.open
        yield* available(here, kind)
        assert.strictEqual(yield* probe(lines, "/readyz"), "200 ok\n")
        const told = lines.filter(({ message }) => message.includes("Kubernetes API"))
        assert.deepStrictEqual(
          told.map(({ level, message }) => `${level} ${message.split(",")[0]}`),
          ["Warn the Kubernetes API does not answer yet", "Info the Kubernetes API answers"]
        )
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "waits for the one kind that it may not read, names it, and works as soon as it may",
    () =>
      Effect.gen(function* () {
        const forbidden: Rule = {
          plurals: ["machines"],
          fault: { _tag: "Refuse", status: 403, reason: "Forbidden" }
        }
        const rules = [forbidden]
        const here = yield* faulty("403 on one kind", rules)
        yield* here.open
        const kind = yield* bringProvider(here)
        const { lines, layer } = logged()
        yield* Effect.forkScoped(Effect.provide(operator(here.kubeconfig), layer))
        const refused = yield* eventually(
          "it is told",
          Effect.sync(() => lines.find(({ message }) => message.startsWith("watch interrupted")))
        )
        assert.include(String(refused.more["error"]), "/apis/cluster.x-k8s.io/v1beta2/machines: forbidden: Forbidden")
        assert.strictEqual(yield* probe(lines, "/readyz"), "503 [-] machines.cluster.x-k8s.io not ready\n")
        assert.strictEqual(yield* probe(lines, "/healthz"), "200 ok\n")
        yield* Effect.sleep("2 seconds")
        rules.pop()
        yield* eventually(
          "it is ready",
          Effect.map(probe(lines, "/readyz"), (answer) => (answer.startsWith("200") ? true : undefined))
        )
        yield* available(here, kind)
        yield* eventually(
          "its end is told",
          Effect.sync(() => lines.find(({ message }) => message === "watch works again"))
        )
        assert.deepStrictEqual(
          lines
            .filter(({ message }) => message.startsWith("watch "))
            .map(({ level, more }) => `${level} ${String(more["resource"])}`),
          ["Warn machines.cluster.x-k8s.io", "Info machines.cluster.x-k8s.io"]
        )
      }).pipe(Effect.scoped),
    60_000
  )

  it.each([2, 20, 60, 120])(
    "outlives ten minutes without its API, %i s into a creation: one VM, and it gets ready",
    (seconds) => {
      const { value } = simulate(
        {
          seed: `outage ${seconds}`,
          latency: scaled(realistic, 0.5),
          pace: { network: "10 seconds", kubeadm: "20 seconds", retry: "2 seconds" },
          record: false,
          limit: Duration.hours(2)
        },
        (universe) =>
          Effect.gen(function* () {
            const watch = Invariants.watch(universe)
            const running = universe.operator()
            yield* Lives.bringUp(universe, { controlPlanes: 1, workers: 0 })
            yield* Effect.sleep(Duration.seconds(seconds))
            const ready = yield* Effect.forkScoped(Lives.untilReady(universe, 1))
            const early = ready.pollUnsafe() !== undefined
            yield* universe.outage("kubernetes", "10 minutes")
            yield* Fiber.join(ready)
            const machines = universe.world.scvmm.state.virtualMachines().length
            yield* Lives.remove(universe)
            yield* running.stop
            yield* Effect.sleep("10 minutes")
            yield* watch.atTheEnd
            return { early, machines, violations: watch.violations() }
          }).pipe(Effect.scoped)
      )
      assert.deepStrictEqual(value, { early: false, machines: 1, violations: [] })
    }
  )
})
