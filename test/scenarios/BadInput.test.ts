import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import type { Access } from "../../src/simulators/kube/Access.ts"
import { at, objects, text, type KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import { create, eventually, operator, quiet, site } from "./Site.ts"
import { machineSpec } from "./MachineSpec.ts"

const provider = {
  group: "infrastructure.cluster.x-k8s.io",
  version: "v1alpha1",
  kind: "ScvmmProvider",
  plural: "scvmmproviders"
}
const events = { group: "events.k8s.io", version: "v1", plural: "events" }
const namespace = "default"
const base64 = (value: string): string => Buffer.from(value).toString("base64")

interface Case {
  readonly name: string
  readonly secret?: Readonly<Record<string, string>>
  readonly spec?: KubeJson
  readonly transport?: KubeJson
  readonly reason: string
  readonly says: RegExp
}

const secretOf = Effect.fnUntraced(function* (access: Access, name: string, data: Readonly<Record<string, string>>) {
  yield* create(access, namespace, Core.Secret, {
    metadata: { name },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)]))
  })
})

const conditionOf = (object: KubeJson, type: string): KubeJson | undefined =>
  objects(object, "status", "conditions").find((candidate) => text(candidate, "type") === type)

const awaitReason = (access: Access, kind: Core.Kind, name: string, type: string, reason: string) =>
  eventually(
    `${kind.kind} ${name}: ${type} ${reason}`,
    Effect.gen(function* () {
      const object = yield* access.get(kind, namespace, name)
      const found = conditionOf(object, type)
      return found !== undefined && text(found, "reason") === reason ? { object, condition: found } : undefined
    }),
    20
  )

const eventsOf = (access: Access, name: string, reason: string) =>
  Effect.map(access.list(events, namespace), ({ items }) =>
    items.filter((event) => text(event, "regarding", "name") === name && text(event, "reason") === reason)
  )

describe("a provider that cannot be used", () => {
  it.live(
    "says why in ScvmmAvailable, with one Event, and leaves the hosts alone",
    () =>
      Effect.gen(function* () {
        const { world, kubeconfig, target } = yield* site({ seed: "bad provider" })
        const { access } = world
        const stranger = yield* CertificateAuthority.make("somebody else")
        const good = { username: target.userName, password: target.password, "ca.crt": target.ca }
        const transport = { scheme: "https", port: target.port, authentication: "Basic" }
        const cases: ReadonlyArray<Case> = [
          {
            name: "host",
            spec: { execHosts: ["no-such-host.invalid"] },
            reason: "ConnectionFailed",
            says: /no-such-host\.invalid/u
          },
          { name: "port", transport: { port: 1 }, reason: "ConnectionFailed", says: /port/u },
          {
            name: "certificate",
            secret: { ...good, "ca.crt": stranger.ca },
            reason: "CertificateInvalid",
            says: /certificate|caBundle|ca\.crt/u
          },
          {
            name: "bundle",
            secret: { ...good, "ca.crt": "not pem" },
            reason: "TransportInvalid",
            says: /ca\.crt.*not a PEM/u
          },
          {
            name: "password",
            secret: { ...good, password: "wrong" },
            reason: "AuthenticationFailed",
            says: /password of the Secret.*No log-on is tried since \d{4}-.*Z.*the next is at .*Z.*scvmm-retry-auth/u
          },
          {
            name: "function",
            spec: { extraFunctions: { AddVMSpec: "param($spec) {" } },
            reason: "ExtraFunctionInvalid",
            says: /spec\.extraFunctions\.AddVMSpec is not taken: line 1/u
          },
          {
            name: "replaced",
            spec: { extraFunctions: { "New-CapsVirtualMachine": "1" } },
            reason: "ExtraFunctionsInvalid",
            says: /spec\.extraFunctions\.New-CapsVirtualMachine would replace/u
          },
          {
            name: "endpoint",
            spec: { env: { A: "b" } },
            transport: { configurationName: "Capscvmm" },
            reason: "ExtraFunctionsInvalid",
            says: /spec\.env: the session configuration "Capscvmm"/u
          },
          { name: "keys", secret: { username: "x" }, reason: "CredentialsInvalid", says: /data\.password/u },
          {
            name: "secret",
            spec: { scvmmSecret: { name: "nowhere" } },
            reason: "SecretNotFound",
            says: /default\/nowhere/u
          },
          { name: "plain", transport: { scheme: "http" }, reason: "TransportInvalid", says: /https/u },
          {
            name: "vmm",
            spec: { scvmmHost: "other-vmm.example.test" },
            reason: "ConnectServerFailed",
            says: /other-vmm\.example\.test/u
          }
        ]
        for (const { name, secret, spec, transport: change } of cases) {
          yield* secretOf(access, name, secret ?? good)
          yield* create(access, namespace, provider, {
            metadata: { name },
            spec: {
              scvmmHost: target.vmmHost,
              scvmmSecret: { name },
              execHosts: ["127.0.0.1"],
              transport: { ...transport, ...change },
              ...spec
            }
          })
        }
        yield* Effect.forkScoped(operator(kubeconfig))
        for (const { name, reason, says } of cases) {
          const { object, condition } = yield* awaitReason(access, provider, name, "ScvmmAvailable", reason)
          assert.strictEqual(text(condition, "status"), "False", name)
          assert.match(text(condition, "message"), says, name)
          assert.notInclude(JSON.stringify(object), target.password, name)
        }
        // The dial of a dead port or name is quick: had any of them looped, there would be hundreds by now.
        yield* Effect.sleep("3 seconds")
        assert.isAtMost(yield* world.winrm.refusedLogOns, 1)
        const writes = world.kubernetes?.audit.writes() ?? 0
        yield* Effect.sleep("2 seconds")
        assert.isAtMost((world.kubernetes?.audit.writes() ?? 0) - writes, 2)
        for (const { name, reason } of cases) {
          assert.strictEqual((yield* eventsOf(access, name, reason)).length, 1, `Events of ${name}`)
        }
      }).pipe(Effect.scoped, quiet),
    60_000
  )
})

describe("a machine that names what VMM does not have", () => {
  it.live(
    "says which field and value, and can be deleted",
    () =>
      Effect.gen(function* () {
        const { world, kubeconfig, target } = yield* site({ seed: "bad machine" })
        const { access } = world
        yield* secretOf(access, "scvmm", { username: target.userName, password: target.password, "ca.crt": target.ca })
        yield* create(access, namespace, provider, {
          metadata: { name: "scvmm" },
          spec: {
            scvmmHost: target.vmmHost,
            scvmmSecret: { name: "scvmm" },
            execHosts: ["127.0.0.1"],
            transport: { scheme: "https", port: target.port, authentication: "Basic" }
          }
        })
        const spec = machineSpec(namespace)
        const cases: ReadonlyArray<readonly [string, KubeJson, string, RegExp]> = [
          ["template", { vmTemplate: "no-template" }, "ReferenceNotFound", /spec\.vmTemplate.*"no-template"/u],
          ["profile", { hardwareProfile: "no-profile" }, "ReferenceNotFound", /spec\.hardwareProfile.*"no-profile"/u],
          [
            "repeated",
            { hardwareProfile: "repeated" },
            "ReferenceAmbiguous",
            /spec\.hardwareProfile.*several "repeated"/u
          ],
          [
            "network",
            { networking: { domain: "x", devices: [{ vmNetwork: "no-network" }] } },
            "ReferenceNotFound",
            /spec\.networking\.devices\[0\]\.vmNetwork.*"no-network"/u
          ],
          ["cloud", { cloud: "no-cloud" }, "ReferenceNotFound", /spec\.cloud.*"no-cloud"/u],
          ["pool", { vmNameFromPool: { name: "names" } }, "NotSupported", /spec\.vmNameFromPool/u]
        ]
        for (const [name, change] of cases) {
          yield* create(access, namespace, Core.ScvmmMachine, { metadata: { name }, spec: { ...spec, ...change } })
        }
        yield* Effect.forkScoped(operator(kubeconfig))
        for (const [name, , reason, says] of cases) {
          const { condition } = yield* awaitReason(access, Core.ScvmmMachine, name, "VirtualMachineProvisioned", reason)
          assert.strictEqual(text(condition, "status"), "False", name)
          assert.match(text(condition, "message"), says, name)
        }
        assert.deepStrictEqual(world.scvmm.state.virtualMachines(), [])
        // An attempt that ended holds no move back.
        yield* eventually(
          "no attempt is recorded",
          Effect.map(access.list(Core.ScvmmMachine, namespace), ({ items }) =>
            items.every(
              (object) =>
                at(object, "status", "creation") === undefined &&
                at(object, "metadata", "annotations", "clusterctl.cluster.x-k8s.io/block-move") === undefined
            )
              ? true
              : undefined
          ),
          20
        )
        // Retried with a backoff of seconds, not in a loop.
        const before = world.scvmm.state.calls().get("New-CapsVirtualMachine") ?? 0
        yield* Effect.sleep("2 seconds")
        assert.isAtMost((world.scvmm.state.calls().get("New-CapsVirtualMachine") ?? 0) - before, 5)
        for (const [name] of cases) yield* access.delete(Core.ScvmmMachine, namespace, name)
        yield* eventually(
          "all deleted",
          Effect.map(access.list(Core.ScvmmMachine, namespace), ({ items }) => (items.length === 0 ? true : undefined)),
          20
        )
        assert.deepStrictEqual(world.scvmm.state.leftovers(), [])
      }).pipe(Effect.scoped, quiet),
    60_000
  )
})
