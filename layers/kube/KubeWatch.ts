/** The lines of a watch answer as events. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { RawEvent } from "./KubeClient.ts"
import type { KubeError } from "./KubeError.ts"
import { ServerFault, Unreachable } from "./KubeError.ts"
import { fromEvent, parseJson } from "./KubeStatus.ts"

/** The server ends a watch after this, plus up to a minute so that not all watches end at once. */
export const watchSeconds = 290

/** Longer silence than any watch may last: the server is gone without saying so. */
export const stalledAfter = Duration.minutes(6)

const Line = Schema.Struct({
  type: Schema.Literals(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]),
  object: Schema.Record(Schema.String, Schema.Unknown)
})
const decode = Schema.decodeUnknownResult(Line)

/** One line as an event. Pure; a line that is no event is a ServerFault (the last one is cut when a connection breaks). */
export const parseLine = (path: string, line: string, now: number): RawEvent => {
  const result = decode(parseJson(line))
  if (result._tag === "Failure") {
    const detail = `a line of ${line.length} characters is not a watch event`
    return { type: "ERROR", error: new ServerFault({ method: "GET", path, status: 200, detail }) }
  }
  const { type, object } = result.success
  return type === "ERROR" ? { type, error: fromEvent(path, object, now) } : { type, object }
}

/** Ends when the server ends the answer; fails when the connection breaks or nothing comes for six minutes. */
export const events = (
  path: string,
  response: HttpClientResponse.HttpClientResponse,
  unreachable: (error: unknown) => KubeError
): Stream.Stream<RawEvent, KubeError> =>
  response.stream.pipe(
    Stream.mapError(unreachable),
    Stream.timeoutOrElse({
      duration: stalledAfter,
      orElse: () => {
        const detail = `nothing came for ${Duration.format(stalledAfter)}`
        return Stream.fail(new Unreachable({ method: "GET", path, detail, cause: new Error(detail) }))
      }
    }),
    Stream.decodeText,
    Stream.splitLines,
    Stream.filter((line) => line.trim() !== ""),
    Stream.mapEffect((line) => Effect.map(Clock.currentTimeMillis, (now) => parseLine(path, line, now)))
  )
