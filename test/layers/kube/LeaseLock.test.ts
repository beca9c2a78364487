/** The record of a Lease on a whole API: the embedded server, and the real one where its binaries are. */
import { assert, layer } from "@effect/vitest"
import type { Vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import * as LeaseLock from "../../../layers/kube/LeaseLock.ts"
import { Lease } from "../../../schemas/kube/Lease.ts"
import * as EmbeddedApiServer from "../../../src/simulators/kube/EmbeddedApiServer.ts"
import { describeReal, freshNamespace } from "../../harness/ApiServer.ts"

const suite = (it: Vitest.MethodsNonLive<KubeClient>): void => {
  it.effect("is made once, taken under its version, and released", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const key = { namespace: yield* freshNamespace, name: "f4af8138.cluster.x-k8s.io" }
      const lock = (identity: string) => LeaseLock.make({ key, identity, leaseMillis: 14_500 })
      const [one, two] = [yield* lock("one"), yield* lock("two")]
      assert.isUndefined(yield* one.read)

      const made = yield* one.create
      assert.deepInclude(made, { holder: "one", lease: 15_000, transitions: 0 })
      assert.strictEqual((yield* Effect.flip(two.create))._tag, "KubeConflict")
      assert.deepStrictEqual(yield* two.read, made)

      const renewed = yield* one.take(made)
      assert.deepInclude(renewed, { holder: "one", transitions: 0, acquireTime: made.acquireTime })
      assert.notStrictEqual(renewed.version, made.version)
      assert.strictEqual((yield* Effect.flip(two.take(made)))._tag, "KubeConflict")

      const taken = yield* two.take(renewed)
      assert.deepInclude(taken, { holder: "two", transitions: 1 })
      assert.strictEqual((yield* Effect.flip(one.take(renewed)))._tag, "KubeConflict")

      const released = yield* two.release(taken)
      assert.deepInclude(released, { holder: "", lease: 1_000, transitions: 1 })
      const { spec } = yield* kube.get(Lease, key)
      assert.match(spec?.renewTime ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u)
      assert.deepInclude(yield* one.take(released), { holder: "one", lease: 15_000, transitions: 2 })
    })
  )
}

const origin = "https://api.example"

const layerEmbedded = Layer.unwrap(
  Effect.gen(function* () {
    const server = yield* EmbeddedApiServer.make({ tokens: [{ token: Redacted.make("t"), user: "admin" }] })
    return KubeClient.layer(KubeConfig.fixed({ server: origin, token: Redacted.make("t") })).pipe(
      Layer.provide(Dial.layerInProcess(new Map([[origin, server.handler]])))
    )
  })
)

layer(layerEmbedded, { excludeTestServices: true })("a Lease on the embedded API server", suite)
describeReal("a Lease on a real API server", suite)
