/** Conversations with Microsoft's WS-Management server for Linux, recorded: PowerShell's own plugin behind a foreign listener. */
import { readdirSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"

export interface RecordedResponse {
  readonly status: number
  /** As they were written; what came several times is a list. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string>>>
  readonly body: string
}

export interface RecordedExchange {
  /** Seconds from the start to when the request left. */
  readonly at?: number
  /** Until the answer. */
  readonly seconds?: number | null
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string | ReadonlyArray<string>>>
    readonly body: string
    /** The true length of a body that was cut. */
    readonly shortened?: number
  }
  /** Absent where no answer came. */
  readonly response: RecordedResponse | null
}

export interface Conversation {
  readonly name: string
  readonly about: string
  /** In the order in which the requests left. */
  readonly exchanges: ReadonlyArray<RecordedExchange>
}

const folder = new URL("../../data/wsman/", import.meta.url)

export const conversationNames: ReadonlyArray<string> = readdirSync(folder).map((file) => file.replace(".json.gz", ""))

export const readConversation = (name: string): Conversation =>
  // Test data of a known shape, made by a recorder of ours.
  JSON.parse(gunzipSync(readFileSync(new URL(`${name}.json.gz`, folder))).toString("utf8")) as Conversation
