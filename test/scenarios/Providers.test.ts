import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Request } from "../../schemas/http/Exchange.ts"
import * as FeatureGates from "../../src/reconcilers/FeatureGates.ts"
import { program } from "../../src/cli/ManagerProgram.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { at, objects, text, type KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import { realistic, scaled } from "../../src/simulators/scvmm/Latency.ts"
import { create, eventually, quiet, site } from "./Site.ts"
import { machineSpec } from "./MachineSpec.ts"

type Site = Effect.Success<ReturnType<typeof site>>

const provider: Core.Kind = { ...Core.ScvmmMachine, kind: "ScvmmProvider", plural: "scvmmproviders" }
const namespace = "default"
const base64 = (value: string): string => Buffer.from(value).toString("base64")
const watchFilter = { "cluster.x-k8s.io/watch-filter": "mine" }

/** An operator that minds its share only, with a sweep each second. */
const operator = (kubeconfig: string) =>
  program({
    kubeconfig,
    namespace: "",
    watchFilter: "mine",
    healthAddress: "127.0.0.1:0",
    diagnosticsAddress: "127.0.0.1:0",
    machineConcurrency: 10,
    clusterConcurrency: 2,
    providerConcurrency: 2,
    sweepPeriod: Duration.seconds(1),
    transitionPeriod: Duration.millis(200),
    featureGates: FeatureGates.defaults,
    leaderElection: undefined,
    gracefulShutdown: Duration.seconds(30),
    recordWire: undefined
  })

const reasonOf = (object: KubeJson | undefined): string =>
  text(
    objects(object, "status", "conditions").find((it) => text(it, "type") === "Ready"),
    "reason"
  )

const prepare = Effect.fnUntraced(function* ({ world: { access }, target }: Site, transport?: KubeJson) {
  const { userName, password, ca } = target
  yield* create(access, namespace, Core.Secret, {
    metadata: { name: "scvmm" },
    data: { username: base64(userName), password: base64(password), "ca.crt": base64(ca) }
  })
  yield* create(access, namespace, Core.Secret, {
    metadata: { name: "boot" },
    data: { value: base64("#cloud-config\n"), format: base64("cloud-config") }
  })
  // The provider lacks the label: whoever serves all is not shared out.
  yield* create(access, namespace, provider, {
    metadata: { name: "scvmm" },
    spec: {
      scvmmHost: target.vmmHost,
      scvmmSecret: { name: "scvmm" },
      execHosts: ["127.0.0.1"],
      keepAliveSeconds: 1,
      transport: transport ?? { scheme: "https", port: target.port }
    }
  })
})

const machine = ({ world }: Site, name: string, labels: KubeJson = watchFilter) =>
  create(world.access, namespace, Core.ScvmmMachine, {
    metadata: { name, labels },
    spec: { ...machineSpec(namespace), bootstrap: { dataSecretName: "boot" } }
  })

const find = ({ world }: Site, name: string) => world.access.find(Core.ScvmmMachine, namespace, name)

const ready = (it: Site, name: string) =>
  eventually(
    `${name} is ready`,
    Effect.map(find(it, name), (object) => (reasonOf(object) === "Ready" ? object : undefined)),
    30
  )

describe("a provider", () => {
  it.live(
    "a rotated password reaches machines and polls; deleted with its machines it leaves nothing",
    () =>
      Effect.gen(function* () {
        const it = yield* site({ seed: "rotation" })
        const { access, scvmm } = it.world
        yield* prepare(it)
        yield* Effect.forkScoped(operator(it.kubeconfig))
        yield* machine(it, "m")
        const made = yield* ready(it, "m")

        const [account] = scvmm.inventory.accounts
        Object.assign(account ?? {}, { password: "rotated" })
        yield* access.mergePatch(Core.Secret, namespace, "scvmm", { data: { password: base64("rotated") } })
        // Its look at the Secret a minute later, made to come now.
        yield* access.mergePatch(provider, namespace, "scvmm", { metadata: { labels: { look: "now" } } })
        yield* scvmm.outOfBand.powerOff(text(made, "spec", "id"))
        yield* eventually(
          "the poll tells of a machine that is off",
          Effect.map(find(it, "m"), (object) => (reasonOf(object) === "NotReady" ? true : undefined)),
          20
        )

        yield* access.delete(provider, namespace, "scvmm")
        yield* access.delete(Core.Secret, namespace, "scvmm")
        yield* access.delete(Core.ScvmmMachine, namespace, "m")
        yield* eventually(
          "all deleted",
          Effect.gen(function* () {
            const left = [yield* find(it, "m"), yield* access.find(provider, namespace, "scvmm")]
            return left.every((object) => object === undefined) ? true : undefined
          }),
          20
        )
        assert.deepStrictEqual(scvmm.state.virtualMachines(), [])
        assert.deepStrictEqual(scvmm.state.leftovers(), [])
        yield* Effect.sleep("500 millis")
        const polls = scvmm.state.calls().get("Get-CapsVirtualMachineList")
        yield* Effect.sleep("1500 millis")
        assert.strictEqual(scvmm.state.calls().get("Get-CapsVirtualMachineList"), polls)
      }).pipe(Effect.scoped, quiet),
    60_000
  )

  it.live(
    "with nothing but a port it is spoken to over http, sealed; a wrong password is one refused log-on",
    () =>
      Effect.gen(function* () {
        const it = yield* site({ seed: "sealed" })
        const { access, scvmm, winrm } = it.world
        const arrived: Array<Request> = []
        const plain = yield* Listener.listen({
          handler: (request, connection) => {
            arrived.push(request)
            return winrm.handler(request, connection)
          }
        })
        yield* prepare(it, { port: plain.port })
        yield* access.mergePatch(Core.Secret, namespace, "scvmm", { data: { password: base64("wrong") } })
        yield* Effect.forkScoped(operator(it.kubeconfig))
        yield* machine(it, "m")
        const said = (type: string) =>
          Effect.map(access.find(provider, namespace, "scvmm"), (object) =>
            text(
              objects(object, "status", "conditions").find((condition) => text(condition, "type") === type),
              "reason"
            )
          )
        yield* eventually(
          "the password is refused",
          Effect.map(said("ScvmmAvailable"), (reason) => (reason === "AuthenticationFailed" ? true : undefined)),
          20
        )
        assert.strictEqual(yield* winrm.refusedLogOns, 1)
        yield* access.mergePatch(Core.Secret, namespace, "scvmm", { data: { password: base64(it.target.password) } })
        yield* access.mergePatch(provider, namespace, "scvmm", { metadata: { labels: { look: "now" } } })
        yield* ready(it, "m")
        yield* access.delete(Core.ScvmmMachine, namespace, "m")
        yield* eventually(
          "deleted",
          Effect.map(find(it, "m"), (object) => (object === undefined ? true : undefined)),
          20
        )
        assert.deepStrictEqual(scvmm.state.leftovers(), [])
        assert.strictEqual(yield* winrm.refusedLogOns, 1)
        assert.isAbove(arrived.length, 20)
        for (const { body, headers } of arrived) {
          assert.notMatch(new TextDecoder("latin1").decode(body), /Envelope|Caps|capi/u)
          assert.strictEqual(headers["authorization"] !== undefined, body.length === 0)
        }
      }).pipe(Effect.scoped, quiet),
    60_000
  )

  it.live(
    "calls that take their time tell how far they are, in steps of 25 %, and nothing once they have ended",
    () =>
      Effect.gen(function* () {
        const it = yield* site({
          seed: "progress",
          speed: {
            latency: scaled(realistic, 0.05),
            pace: { network: "1 second", kubeadm: "1 second", retry: "1 second" }
          }
        })
        yield* prepare(it)
        yield* Effect.forkScoped(operator(it.kubeconfig))
        yield* machine(it, "m")
        const seen = new Set<string>()
        yield* eventually(
          "m is ready",
          Effect.map(find(it, "m"), (object) => {
            const job = at(object, "status", "job")
            if (job !== undefined && at(object, "status", "job", "id") === undefined) {
              assert.match(text(object, "status", "job", "startedAt"), /^\d{4}-.*Z$/u)
              seen.add(`${text(object, "status", "job", "cmdlet")} ${String(at(object, "status", "job", "progress"))}`)
            }
            return reasonOf(object) === "Ready" ? object : undefined
          }),
          60
        )
        assert.isUndefined(at(yield* find(it, "m"), "status", "job"))
        const steps = [25, 50, 75].map((percent) => `New-CapsVirtualMachine ${percent}`)
        const imported = [25, 75].map((percent) => `Import-CapsMedium ${percent}`)
        assert.includeMembers([...steps, ...imported], [...seen])
        for (const name of ["New-Caps", "Import-Caps"]) {
          assert.isTrue(
            [...seen].some((step) => step.startsWith(name)),
            [...seen].join()
          )
        }
      }).pipe(Effect.scoped, quiet),
    90_000
  )

  it.live(
    "a Cluster without the watch filter's label pauses its machines all the same",
    () =>
      Effect.gen(function* () {
        const it = yield* site({ seed: "filter" })
        const { access, scvmm } = it.world
        yield* prepare(it)
        yield* create(access, namespace, Core.Cluster, { metadata: { name: "c" }, spec: { paused: true } })
        yield* machine(it, "held", { ...watchFilter, [Core.clusterLabel]: "c" })
        yield* machine(it, "free")
        yield* machine(it, "theirs", {})
        yield* Effect.forkScoped(operator(it.kubeconfig))
        yield* ready(it, "free")
        assert.deepStrictEqual(
          scvmm.state.virtualMachines().map(({ Name }) => Name),
          ["free"]
        )
        assert.isTrue(
          objects(yield* find(it, "held"), "status", "conditions").some(
            (condition) => text(condition, "type") === "Paused" && text(condition, "status") === "True"
          )
        )
        yield* access.mergePatch(Core.Cluster, namespace, "c", { spec: { paused: false } })
        yield* ready(it, "held")
        assert.lengthOf(scvmm.state.virtualMachines(), 2)
      }).pipe(Effect.scoped, quiet),
    60_000
  )
})
