/** One exchange with a real HTTPS server. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as http from "node:http"
import * as https from "node:https"
import type { Request, Response } from "../../../schemas/http/Exchange.ts"

/** No answer came: no connection, no trust. */
export class Unreachable extends Data.TaggedError("Unreachable")<{ readonly code: string; readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

const headersOf = (message: http.IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? "")
    ])
  )

/** Sends a request to its target below `server`; the socket is the agent's. Raises Unreachable. */
export const exchange = (
  server: URL,
  agent: https.Agent,
  request: Request
): Effect.Effect<Response, Unreachable, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      https.request(new URL(request.target, server), {
        agent,
        method: request.method,
        headers: { ...request.headers, "content-length": String(request.body.length) }
      })
    ),
    (sent) => Effect.sync(() => sent.destroy())
  ).pipe(
    Effect.flatMap((sent) =>
      Effect.callback<Response, Unreachable>((resume) => {
        sent.once("error", (error: NodeJS.ErrnoException) =>
          resume(Effect.fail(new Unreachable({ code: error.code ?? "", detail: error.message })))
        )
        sent.once("response", (message) =>
          resume(
            Effect.succeed({
              status: message.statusCode ?? 0,
              headers: headersOf(message),
              // A connection that breaks ends the body, as it would for any reader.
              body: Stream.fromAsyncIterable(message, () => "cut").pipe(
                Stream.map((piece: Uint8Array) => piece),
                Stream.catch(() => Stream.empty)
              )
            })
          )
        )
        sent.end(request.body)
      })
    )
  )
