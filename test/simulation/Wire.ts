/**
 * The network between one simulated process and the servers of the world, where every exchange can be watched and cut.
 *
 * Guarantees: servers run in the world's process, so that what a request started does not depend on who sent it; after
 * `sever` nothing arrives from the process any more and nothing reaches it.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Connection, Handler, Request, Response } from "../../schemas/http/Exchange.ts"
import type { Process } from "./Process.ts"

/**
 * What becomes of an exchange: whether it took effect, and whether the client ever learns. A cut connection is reset, which the
 * client sees; a conflict is an answer of Kubernetes that changed nothing.
 */
export type Fate = "deliver" | "cutBefore" | "cutAfter" | "crashBefore" | "crashAfter" | "conflict"

/** An exchange that changes something: a write to Kubernetes, or any with WinRM. */
export interface Point {
  /** From 1, in the order in which the exchanges were begun. */
  readonly index: number
  readonly text: string
}

export interface Options {
  readonly world: Process
  /** By origin. */
  readonly servers: ReadonlyMap<string, Handler>
  /** Undefined for what changes nothing. */
  readonly describe: (origin: string, request: Request) => string | undefined
  readonly fate: (point: Point) => Fate
  readonly crash: () => void
  readonly reachable: (origin: string) => boolean
  /** Milliseconds that a request takes to arrive, and an answer. */
  readonly latency: () => number
  /** Of a request in flight when the wire is severed: whether the server still gets it, and goes on with it. */
  readonly survives: () => boolean
  readonly onAnswer: (point: Point, response: Response) => void
}

export interface Wire {
  /** For Dial.layerInProcess. */
  readonly servers: ReadonlyMap<string, Handler>
  readonly points: () => number
  /** Nothing passes any more, in either direction, and nobody learns of it. */
  readonly sever: () => void
  /** Resets every connection with that origin. */
  readonly reset: (origin: string) => void
}

interface Flight {
  readonly origin: string
  fiber: Fiber.Fiber<unknown> | undefined
  streaming: boolean
}

const utf8 = new TextEncoder()

const conflict: Response = {
  status: 409,
  headers: { "content-type": "application/json" },
  body: utf8.encode(
    JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason: "Conflict",
      code: 409,
      message: "the object has been modified; please apply your changes to the latest version and try again"
    })
  )
}

/** The server's part ended without an answer for the client: its scope closes as that of a lost connection. */
const lost = Exit.interrupt()

export const make = (options: Options): Wire => {
  const flights = new Set<Flight>()
  let points = 0
  let severed = false

  const pause = Effect.suspend(() => {
    const millis = options.latency()
    return millis > 0 ? Effect.sleep(millis) : Effect.void
  })

  const sever = (): void => {
    severed = true
    for (const flight of flights) {
      if (flight.streaming || !options.survives()) flight.fiber?.interruptUnsafe()
    }
  }

  /** The server's part; runs in the world. */
  const serve = (
    handler: Handler,
    request: Request,
    connection: Connection,
    fate: Fate,
    flight: Flight,
    answer: (exit: Exit.Exit<Response>) => void
  ): Effect.Effect<void> =>
    Effect.gen(function* () {
      yield* pause
      const scope = yield* Scope.make()
      const response = yield* Scope.provide(handler(request, connection), scope).pipe(
        Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void))
      )
      if (fate === "crashAfter") options.crash()
      // The server learns of a lost client when it answers.
      if (severed || fate === "cutAfter") {
        yield* Scope.close(scope, lost)
        return answer(lost)
      }
      yield* pause.pipe(Effect.onInterrupt(() => Scope.close(scope, lost)))
      if (severed) return yield* Scope.close(scope, lost)
      if (response.body instanceof Uint8Array) {
        answer(Exit.succeed(response))
        return yield* Scope.close(scope, Exit.void)
      }
      flight.streaming = true
      const pieces = yield* Queue.unbounded<Uint8Array, Cause.Done>()
      answer(Exit.succeed({ ...response, body: Stream.fromQueue(pieces) }))
      yield* response.body.pipe(
        Stream.runForEach((piece) => Effect.sync(() => (severed ? undefined : Queue.offerUnsafe(pieces, piece)))),
        Effect.andThen(Queue.end(pieces)),
        Effect.onExit((exit) =>
          Effect.andThen(Scope.close(scope, exit), Exit.isSuccess(exit) ? Effect.void : Queue.shutdown(pieces))
        )
      )
    })

  const through =
    (origin: string, handler: Handler): Handler =>
    (request, connection) =>
      Effect.suspend(() => {
        if (severed) return Effect.never
        const text = options.describe(origin, request)
        const point = text === undefined ? undefined : { index: ++points, text }
        const fate = point === undefined ? "deliver" : options.fate(point)
        if (fate === "cutBefore" || !options.reachable(origin)) return Effect.interrupt
        if (fate === "conflict") return Effect.succeed(conflict)
        if (fate === "crashBefore") {
          options.crash()
          return Effect.never
        }
        return Effect.callback<Response>((resume) => {
          const flight: Flight = { origin, fiber: undefined, streaming: false }
          flights.add(flight)
          const answer = (exit: Exit.Exit<Response>): void => {
            if (severed) return
            if (point !== undefined && Exit.isSuccess(exit)) options.onAnswer(point, exit.value)
            resume(exit)
          }
          const over = Effect.sync(() => {
            flights.delete(flight)
            // Of what was answered before nothing more is heard here.
            answer(lost)
          })
          const fiber = options.world.fork(
            Effect.onExit(serve(handler, request, connection, fate, flight, answer), () => over)
          )
          flight.fiber = fiber
          return Effect.sync(() => fiber.interruptUnsafe())
        })
      })

  return {
    servers: new Map([...options.servers].map(([origin, handler]) => [origin, through(origin, handler)])),
    points: () => points,
    sever,
    reset: (origin) => {
      for (const flight of flights) if (flight.origin === origin) flight.fiber?.interruptUnsafe()
    }
  }
}
