/** What the processes of the call benchmarks tell each other: the server, its clients, and who measures. */
import * as Schema from "effect/Schema"

/** Of one exchange, there and back: a LAN. */
export const lanMillis = 1

/** Of the listener's own machine: masterzen/winrm puts its name before every user. The other name is for Basic. */
export const user = { userName: String.raw`EXEC1\capi`, localName: "capi", password: "p4ss word" }

/** http with messages sealed by NTLM, or https. */
export const Transport = Schema.Literals(["ntlm", "https"])
export type Transport = typeof Transport.Type

export const Served = Schema.Struct({
  /** PEM. */
  ca: Schema.String,
  ports: Schema.Struct({ ntlm: Schema.Int, https: Schema.Int })
})
export type Served = typeof Served.Type

/** Where a client calls; its first argument, as JSON. */
export const Target = Schema.Struct({
  transport: Transport,
  port: Schema.Int,
  /** Path of a PEM file. */
  caFile: Schema.String,
  userName: Schema.String,
  localName: Schema.String,
  password: Schema.String
})
export type Target = typeof Target.Type

/** What a client is asked, a line of JSON each; it answers each with a line. */
export const Question = Schema.Union([
  /** Opens a session for each of so many callers, those that are open included. Answer: {}. */
  Schema.Struct({ op: Schema.Literal("open"), callers: Schema.Int }),
  /** So many calls of Get-Text, by callers that call side by side, each `pauseMillis` after its last one. Answer: Ran. */
  Schema.Struct({
    op: Schema.Literal("run"),
    length: Schema.Int,
    callers: Schema.Int,
    calls: Schema.Int,
    pauseMillis: Schema.Int
  }),
  /** A session from the dial to its first answer; then it is closed. Answer: Ran, of one call. */
  Schema.Struct({ op: Schema.Literal("cold"), length: Schema.Int })
])
export type Question = typeof Question.Type

export const Ran = Schema.Struct({
  /** Of each call. */
  millis: Schema.Array(Schema.Number),
  /** From the first call's begin to the last one's end. */
  wallMillis: Schema.Number,
  /** Of the whole process, meanwhile. */
  cpuMicros: Schema.Number
})
export type Ran = typeof Ran.Type

export const Counts = Schema.Struct({ total: Schema.Int, signals: Schema.Int })
export type Counts = typeof Counts.Type

/** An exchange to replay. */
export const FloorExchange = Schema.Struct({
  contentType: Schema.String,
  /** Base64. */
  body: Schema.String,
  handlingMillis: Schema.Number
})
export type FloorExchange = typeof FloorExchange.Type
