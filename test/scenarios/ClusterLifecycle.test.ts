import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { at, objects, text, type KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import { realApi, unavailable } from "../harness/ApiServer.ts"
import { serviceAccount } from "./ServiceAccount.ts"
import { create, eventually, operator, quiet, site } from "./Site.ts"

const provisioned = (object: KubeJson): boolean => at(object, "status", "initialization", "provisioned") === true

const condition = (object: KubeJson, type: string): string =>
  text(
    objects(object, "status", "conditions").find((candidate) => text(candidate, "type") === type),
    "status"
  )

/** Create → Ready → delete of one control plane and two workers, on any Kubernetes API. */
const lifecycle = (kubeconfig?: string) =>
  Effect.gen(function* () {
    const here = yield* site({ seed: "lifecycle", ...(kubeconfig !== undefined && { kubeconfig }) })
    // On a real API server the operator has the rights that its manifests give it, and no others.
    const own = kubeconfig === undefined ? here.kubeconfig : yield* serviceAccount(here.world.access, kubeconfig)
    const { access, scvmm, winrm } = here.world
    const namespace = "lifecycle"
    yield* access.create({ group: "", version: "v1", plural: "namespaces" }, "", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace }
    })
    const running = yield* Effect.forkScoped(operator(own))
    for (const { kind, object } of Demo.manifests({ ...here.target, namespace }, { controlPlanes: 1, workers: 2 })) {
      yield* create(access, namespace, kind, object)
    }

    const machines = yield* eventually(
      "three Machines with a Node",
      Effect.map(access.list(Core.Machine, namespace), ({ items }) =>
        items.length === 3 && items.every((machine) => at(machine, "status", "nodeRef", "name") !== undefined)
          ? items
          : undefined
      )
    )
    const infra = yield* eventually(
      "every ScvmmMachine Ready",
      Effect.map(access.list(Core.ScvmmMachine, namespace), ({ items }) =>
        items.every((object) => condition(object, "Ready") === "True") ? items : undefined
      )
    )
    assert.strictEqual(infra.length, 3)
    for (const object of infra) {
      assert.isTrue(provisioned(object))
      assert.match(text(object, "spec", "providerID"), /^scvmm:\/\/[0-9A-Fa-f-]{36}$/u)
      for (const type of ["Ready", "VirtualMachineProvisioned", "ScvmmAvailable", "VmCreated", "VmRunning"]) {
        assert.strictEqual(condition(object, type), "True", `${text(object, "metadata", "name")} ${type}`)
      }
      assert.strictEqual(condition(object, "Paused"), "False")
      assert.isAbove(objects(object, "status", "addresses").length, 0)
      assert.isUndefined(at(object, "status", "creation"))
      assert.isUndefined(at(object, "metadata", "annotations", "clusterctl.cluster.x-k8s.io/block-move"))
    }
    // Machine and Node agree byte for byte (contract rule 51).
    for (const machine of machines) {
      assert.isTrue(infra.some((object) => text(object, "spec", "providerID") === text(machine, "spec", "providerID")))
    }
    assert.deepStrictEqual(scvmm.state.everDuplicated(), [])
    assert.strictEqual(scvmm.state.virtualMachines().length, 3)

    // What is at rest is not written: the versions stay as they are.
    const versions = Effect.map(access.list(Core.ScvmmMachine, namespace), ({ items }) =>
      items.map((object) => text(object, "metadata", "resourceVersion"))
    )
    const before = yield* eventually(
      "no writes for a second",
      Effect.gen(function* () {
        const first = yield* versions
        yield* Effect.sleep("1 second")
        return JSON.stringify(yield* versions) === JSON.stringify(first) ? first : undefined
      })
    )
    assert.strictEqual(before.length, 3)

    yield* access.delete(Core.Cluster, namespace, Demo.clusterName)
    yield* eventually(
      "the Cluster is gone",
      Effect.map(access.find(Core.Cluster, namespace, Demo.clusterName), (cluster) =>
        cluster === undefined ? true : undefined
      )
    )
    for (const kind of [Core.ScvmmMachine, Core.ScvmmCluster, Core.Machine]) {
      assert.deepStrictEqual((yield* access.list(kind, namespace)).items, [])
    }
    assert.deepStrictEqual(scvmm.state.leftovers(), [])
    yield* Fiber.interrupt(running)
    assert.deepStrictEqual(yield* winrm.shells, [])
  }).pipe(Effect.scoped, quiet)

describe("a cluster's life", () => {
  it.live("on the embedded API server", () => lifecycle(), 120_000)

  if (unavailable === undefined && process.env["CAPI_MANIFESTS"] !== undefined) {
    it.live(
      "on a real kube-apiserver",
      () => Effect.flatMap(realApi, (access) => lifecycle(access.kubeconfig)),
      180_000
    )
  } else {
    it.skip(`on a real kube-apiserver (${unavailable ?? "skipped: CAPI_MANIFESTS is not set"})`, () => undefined)
  }
})
