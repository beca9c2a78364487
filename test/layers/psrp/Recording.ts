/** Conversations recorded from PowerShell's own client and server, as test data. */
import { existsSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"

/** A value as the recorder described it: see the comparer in Described.ts. */
export type DescribedValue = null | { readonly [key: string]: unknown }

export interface SeenError {
  readonly fullyQualifiedErrorId: string
  readonly message: string
  readonly details: string | null
  readonly recommendedAction: string | null
  readonly category: string
  readonly activity: string
  readonly reason: string
  readonly targetName: string
  readonly targetType: string
  readonly exceptionTypes: ReadonlyArray<string>
  readonly target: DescribedValue
  readonly stack: string | null
}

export interface Seen {
  readonly pipeline: string
  readonly state: string
  readonly hadErrors: boolean
  readonly output: ReadonlyArray<DescribedValue>
  readonly errors?: ReadonlyArray<SeenError>
  readonly terminatingError?: SeenError
  readonly warnings?: ReadonlyArray<string>
  readonly verbose?: ReadonlyArray<string>
  readonly debug?: ReadonlyArray<string>
  readonly information?: ReadonlyArray<{
    readonly message: DescribedValue
    readonly source: string
    readonly tags: ReadonlyArray<string>
  }>
  readonly progress?: ReadonlyArray<Readonly<Record<string, unknown>>>
}

export interface RecordedCommand {
  readonly script?: string
  readonly name?: string
  /** A list of ordered dictionaries. */
  readonly parameters?: DescribedValue
  readonly arguments?: DescribedValue
  readonly switches?: ReadonlyArray<string>
}

export interface RecordedCall {
  readonly commands: ReadonlyArray<RecordedCommand>
  /** Values for the pipeline, sent while it ran. */
  readonly input?: DescribedValue
  readonly stopAfterMs?: number
  readonly seen: Seen
}

export interface Recording {
  readonly name: string
  readonly calls: ReadonlyArray<RecordedCall>
  readonly packets: ReadonlyArray<{
    readonly to: "server" | "client"
    readonly packet: string
    readonly psguid: string
    /** Base64 of fragments. */
    readonly data?: string
  }>
}

/** One file a recording, the large one compressed. */
export const recordingFolder = new URL("../../data/psrp/", import.meta.url)

export const recordingNames = [
  "open-close",
  "parameters",
  "errors",
  "json-answers",
  "large",
  "scalars",
  "text",
  "collections",
  "objects",
  "streams",
  "input",
  "stop",
  "session-state",
  "securestring",
  "protocol-2.4"
] as const

export const readRecording = (name: (typeof recordingNames)[number]): Recording => {
  const plain = new URL(`${name}.json`, recordingFolder)
  const text = existsSync(plain)
    ? readFileSync(plain, "utf8")
    : gunzipSync(readFileSync(new URL(`${name}.json.gz`, recordingFolder))).toString("utf8")
  // Test data of a known shape, made by a recorder of ours.
  return JSON.parse(text) as Recording
}

export const packetBytes = (data: string): Uint8Array => new Uint8Array(Buffer.from(data, "base64"))
