/** /healthz and /readyz, as kubelet's probes ask for them. */
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import type * as Scope from "effect/Scope"
import type { BindAddress } from "./BindAddress.ts"
import type { Answer } from "./TextServer.ts"
import * as TextServer from "./TextServer.ts"

export interface Options {
  readonly address: BindAddress
  /** What is wrong with this process, if anything. */
  readonly ailing: Effect.Effect<string | undefined>
  /** What is waited for, by name; empty when ready. */
  readonly pending: Effect.Effect<ReadonlyArray<string>>
}

/** 200 "ok" when nothing is waited for, else 503 with one line for each. */
export const readiness = (pending: ReadonlyArray<string>): Answer =>
  pending.length === 0
    ? { status: 200, body: "ok\n" }
    : { status: 503, body: pending.map((name) => `[-] ${name} not ready\n`).join("") }

/** 200 "ok" for a process that is well, else 503 with what is wrong. */
export const liveness = (ailing: string | undefined): Answer =>
  ailing === undefined ? { status: 200, body: "ok\n" } : { status: 503, body: `[-] ${ailing}\n` }

/**
 * Listens until the scope closes; returns the bound address. A dead loop ends the process (design D18): the liveness probe finds
 * one that hangs, and an event loop that does not turn by getting no answer.
 */
export const serve = ({
  address,
  ailing,
  pending
}: Options): Effect.Effect<Required<BindAddress>, ServeError, Scope.Scope> =>
  TextServer.serve(address, {
    "/healthz": Effect.map(ailing, liveness),
    "/readyz": Effect.map(pending, readiness)
  })
