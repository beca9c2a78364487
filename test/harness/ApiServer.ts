/** A real Kubernetes API for tests: one server a run, a namespace a test, skipped where its binaries are missing. */
import * as Effect from "effect/Effect"
import { inject } from "vitest"
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
