/** /healthz and /readyz, as kubelet's probes ask for them. */
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import type * as Scope from "effect/Scope"
import type { BindAddress } from "./BindAddress.ts"
import type { Answer } from "./TextServer.ts"
import * as TextServer from "./TextServer.ts"

export interface Options {
  readonly address: BindAddress
  /** What is waited for, by name; empty when ready. */
  readonly pending: Effect.Effect<ReadonlyArray<string>>
}

/** 200 "ok" when nothing is waited for, else 503 with one line for each. */
export const readiness = (pending: ReadonlyArray<string>): Answer =>
  pending.length === 0
    ? { status: 200, body: "ok\n" }
    : { status: 503, body: pending.map((name) => `[-] ${name} not ready\n`).join("") }

/**
 * Listens until the scope closes; returns the bound address. Alive is whoever answers: a dead loop ends the process (design D18),
 * so there is nothing else to ask.
 */
export const serve = ({ address, pending }: Options): Effect.Effect<Required<BindAddress>, ServeError, Scope.Scope> =>
  TextServer.serve(address, {
    "/healthz": Effect.succeed({ status: 200, body: "ok\n" }),
    "/readyz": Effect.map(pending, readiness)
  })
