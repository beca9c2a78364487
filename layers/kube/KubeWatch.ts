/** The lines of a watch answer as events. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { RawEvent } from "./KubeClient.ts"
import type { KubeError } from "./KubeError.ts"
import { ServerFault, Unreachable } from "./KubeError.ts"
import { fromEvent, parseJson } from "./KubeStatus.ts"

const shortestTimeout = 300
const longestTimeout = 600
/** What a server that is busy may be late. */
const margin = 30

/** No watch is open for longer. */
export const longestWatch = Duration.seconds(longestTimeout + margin)

/** Seconds after which the server is to end a watch: five to ten minutes, as client-go's, so that not all end at once. */
export const timeoutSeconds: Effect.Effect<number> = Random.nextIntBetween(shortestTimeout, longestTimeout)

/** Characters of one line. etcd takes objects of 1.5 MiB; whoever sends more than this sends no event. */
const longestLine = 16 * 1024 * 1024

const Line = Schema.Struct({
  type: Schema.Literals(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]),
  object: Schema.Record(Schema.String, Schema.Unknown)
})
const decode = Schema.decodeUnknownResult(Line)

/** One line as an event. Pure; a line that is no event is a ServerFault (the last one is cut when a connection breaks). */
const parseLine = (path: string, line: string, now: number): RawEvent => {
  const result = decode(parseJson(line))
  if (result._tag === "Failure") {
    const detail = `a line of ${line.length} characters is not a watch event`
    return { type: "ERROR", error: new ServerFault({ method: "GET", path, status: 200, detail }) }
  }
  const { type, object } = result.success
  return type === "ERROR" ? { type, error: fromEvent(path, object, now) } : { type, object }
}

/** Text in pieces to lines without their ends; the last may lack its end. Fails at a line longer than `longestLine`. */
const lines =
  (path: string) =>
  (text: Stream.Stream<string, KubeError>): Stream.Stream<string, KubeError> =>
    Stream.mapAccumEffect(
      text,
      () => "",
      (begun, piece: string): Effect.Effect<readonly [string, ReadonlyArray<string>], KubeError> => {
        const [first = "", ...rest] = piece.split("\n")
        const whole = [begun + first, ...rest]
        const unfinished = whole.pop() ?? ""
        const long = [unfinished, ...whole].some((line) => line.length > longestLine)
        const detail = `a line of a watch is longer than ${longestLine / 1024 / 1024} MiB`
        return long
          ? Effect.fail(new ServerFault({ method: "GET", path, status: 200, detail }))
          : Effect.succeed([unfinished, whole])
      },
      { onHalt: (unfinished) => [unfinished] }
    )

/**
 * First `OPENED`, then what comes. Ends when the server ends the answer; fails when the connection breaks, and when the
 * watch is still open half a minute after the server should have ended it: a connection whose other side is gone
 * without a word looks like one on which nothing happens.
 */
export const events = (
  path: string,
  response: HttpClientResponse.HttpClientResponse,
  seconds: number,
  unreachable: (error: unknown) => KubeError
): Stream.Stream<RawEvent, KubeError> => {
  const detail = `the watch was to end after ${seconds} s and did not`
  const overdue = Effect.andThen(
    Effect.sleep(Duration.seconds(seconds + margin)),
    Effect.fail(new Unreachable({ method: "GET", path, detail, cause: new Error(detail) }))
  )
  return response.stream.pipe(
    Stream.mapError(unreachable),
    Stream.decodeText,
    lines(path),
    Stream.filter((line) => line.trim() !== ""),
    Stream.mapEffect((line) => Effect.map(Clock.currentTimeMillis, (now) => parseLine(path, line, now))),
    Stream.interruptWhen(overdue),
    (received) => Stream.concat(Stream.succeed<RawEvent>({ type: "OPENED" }), received)
  )
}
