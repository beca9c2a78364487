/** A real Kubernetes API for tests: one server a run, a namespace a test, skipped where its binaries are missing. */
import type { Vitest } from "@effect/vitest"
import { describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as crypto from "node:crypto"
import { inject } from "vitest"
import { Dial } from "../../layers/Dial.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../layers/kube/KubeConfig.ts"
import { Namespace } from "../../schemas/kube/Core.ts"
import type { Access } from "./ControlPlane.ts"

/** Why tests against a real API server cannot run here, or undefined when they can. */
export const unavailable: string | undefined =
  inject("controlPlane") === undefined ? "skipped: KUBEBUILDER_ASSETS is not set" : undefined

/** An administrator's access to the run's API server, which the first caller starts. */
export const realApi: Effect.Effect<Access> = Effect.promise(async () => {
  const door = inject("controlPlane")
  if (door === undefined) throw new Error("KUBEBUILDER_ASSETS is not set")
  const answer = await fetch(door)
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  // Written by globalSetup in this very run.
  return JSON.parse(text) as Access
})

export const realConfig: Effect.Effect<KubeConfig.KubeConfig> = Effect.map(realApi, (access) =>
  KubeConfig.fixed({
    server: access.server,
    tls: { ca: access.ca, cert: access.cert, key: Redacted.make(access.key) }
  })
)

/** KubeClient of an administrator, over sockets. */
export const layerRealKube: Layer.Layer<KubeClient> = Layer.unwrap(
  Effect.map(realConfig, (config) => KubeClient.layer(config))
).pipe(Layer.provide(Dial.layerUndici))

/**
 * A suite against the real API server: its tests have KubeClient, a Scope, and real time. Without the binaries all of
 * it shows as skipped, and the suite's name says why.
 */
export const describeReal = (name: string, suite: (it: Vitest.MethodsNonLive<KubeClient>) => void): void => {
  const real = layer(layerRealKube, { excludeTestServices: true, timeout: "2 minutes" })
  if (unavailable === undefined) real(name, suite)
  else describe.skip(`${name} (${unavailable})`, () => real(suite))
}

/** A new namespace, deleted (not waited for) with the scope. */
export const freshNamespace = Effect.gen(function* () {
  const kube = yield* KubeClient
  const name = `test-${crypto.randomBytes(6).toString("hex")}`
  yield* Effect.acquireRelease(kube.create(Namespace, "", { metadata: { name } }), () =>
    Effect.ignore(kube.delete(Namespace, { namespace: "", name }))
  )
  return name
})
