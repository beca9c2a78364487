import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Events } from "../../../../layers/kube/Events.ts"
import { KubeClient } from "../../../../layers/kube/KubeClient.ts"
import { Inventory } from "../../../../layers/scvmm/Inventory.ts"
import { ScvmmSession } from "../../../../layers/scvmm/ScvmmSession.ts"
import { IsoBuilder } from "../../../../layers/seed/IsoBuilder.ts"
import type { MachineContext } from "../../../../src/reconcilers/machine/MachineContext.ts"
import { owns } from "../../../../src/reconcilers/machine/Ownership.ts"
import { plan } from "../../../../src/reconcilers/machine/Plan.ts"
import { take } from "../../../../src/reconcilers/machine/Take.ts"
import { connectionOf } from "../../../../src/reconcilers/provider/Connection.ts"
import { scvmmMachine, scvmmProvider, virtualMachine } from "../Objects.ts"
import { workshop } from "./Workshop.ts"

// A member that is not given dies when it is used: no command may leave, nothing but Events may be written.
const services = Layer.mergeAll(
  Events.layerNoop,
  Layer.mock(Inventory, { follow: () => Effect.void }),
  Layer.mock(KubeClient, {}),
  Layer.mock(ScvmmSession, {}),
  IsoBuilder.layer
)

describe("Take", () => {
  it.effect("a VM that is somebody else's leaves nothing in the status that would make it ours (design D6a)", () =>
    Effect.gen(function* () {
      const vm = virtualMachine({ HostName: "hv-1" })
      const machine = scvmmMachine({ spec: { id: vm.Id } })
      const connection = connectionOf(
        scvmmProvider({ spec: { transport: { scheme: "https", authentication: "Basic" } } }),
        { resourceVersion: "1", data: { username: "u", password: "p" } }
      )
      if ("_tag" in connection) return assert.fail(connection.message)
      const around = { machine, owner: undefined, cluster: undefined, scvmmCluster: undefined }
      const context: MachineContext = {
        workshop: yield* workshop,
        around,
        machine,
        placement: { cloud: undefined, hostGroup: undefined, networking: undefined, failureDomain: undefined },
        connection
      }
      const step = plan({
        deleting: false,
        finalizer: true,
        nameStored: false,
        id: vm.Id,
        creation: undefined,
        wasUp: false,
        call: undefined,
        sighting: { _tag: "Present", vm, owned: owns(machine, vm, "Owned") },
        wait: undefined,
        seed: "missing",
        growth: undefined,
        powerPolicy: "Report"
      })
      const taken = yield* take(context, step)
      const status = JSON.parse(JSON.stringify(taken.status?.fields))
      assert.isFalse(owns(scvmmMachine({ spec: { id: vm.Id }, status }), vm, "Owned"))
      assert.deepStrictEqual(status, {})
    }).pipe(Effect.provide(services))
  )
})
