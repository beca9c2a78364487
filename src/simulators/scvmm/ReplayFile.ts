/** Reads a wire recording: its exchanges, each with its line. */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Closing, Exchange, Opening } from "../../../schemas/WireRecord.ts"

export interface Recorded {
  /** Of the file, from 1. */
  readonly line: number
  readonly exchange: Exchange
}

/** The text is no recording, or not a whole one. */
export class RecordingInvalid extends Data.TaggedError("RecordingInvalid")<{
  readonly line: number
  readonly reason: string
}> {
  override get message() {
    return `line ${this.line}: ${this.reason}`
  }
}

const decodeOpening = Schema.decodeUnknownResult(Opening)
const decodeLine = Schema.decodeUnknownResult(Schema.Union([Exchange, Closing]))

const refuse = (line: number, reason: string) => Result.fail(new RecordingInvalid({ line, reason }))

/** A recording whose process was killed has no closing, and may end in the middle of a line: that one must be deleted first. */
export const read = (text: string): Result.Result<ReadonlyArray<Recorded>, RecordingInvalid> => {
  const lines = text.split("\n")
  const rest = lines.pop() ?? ""
  const exchanges: Array<Recorded> = []
  for (const [index, content] of lines.entries()) {
    const line = index + 1
    const json = Result.try({ try: (): unknown => JSON.parse(content), catch: () => "not JSON" })
    if (line === 1) {
      const opening = Result.flatMap(json, decodeOpening)
      if (Result.isFailure(opening))
        return refuse(line, "this is no recording of --record-wire, or one of another version")
      continue
    }
    if (Result.isFailure(json)) return refuse(line, json.failure)
    const decoded = decodeLine(json.success)
    if (Result.isFailure(decoded)) return refuse(line, `not a line of a recording: ${decoded.failure.message}`)
    if ("operation" in decoded.success) exchanges.push({ line, exchange: decoded.success })
  }
  if (lines.length === 0) return refuse(1, "this is no recording of --record-wire, or one of another version")
  return rest === ""
    ? Result.succeed(exchanges)
    : refuse(lines.length + 1, "the recording was cut in this line: delete it to replay what stands before")
}
