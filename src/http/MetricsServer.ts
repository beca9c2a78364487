/** /metrics for Prometheus. */
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import type * as Scope from "effect/Scope"
import { contentType, exposition } from "../../layers/telemetry/Metrics.ts"
import type { BindAddress } from "./BindAddress.ts"
import * as TextServer from "./TextServer.ts"

/** Listens until the scope closes; returns the bound address. */
export const serve = (address: BindAddress): Effect.Effect<Required<BindAddress>, ServeError, Scope.Scope> =>
  TextServer.serve(address, {
    "/metrics": Effect.map(exposition, (body) => ({ status: 200, body, contentType }))
  })
