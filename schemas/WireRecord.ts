/** The lines of a wire recording: an opening, one for each exchange with a WinRM listener, and, unless the process was killed, a closing. */
import * as Schema from "effect/Schema"

/** What makes a file a recording of ours. */
export const Opening = Schema.Struct({
  recording: Schema.Literal("capscvmm wire"),
  version: Schema.Literal(1),
  /** ISO 8601, as all times here. */
  at: Schema.String
})

/** One envelope, and what came of it. Nothing in it is secret: what was left out says so in its place. */
export const Exchange = Schema.Struct({
  /** When the envelope was handed to its connection. */
  at: Schema.String,
  millis: Schema.Finite,
  /** scheme://host:port of the listener. */
  host: Schema.String,
  /** Number of the client in this process; its lanes are its connections. */
  client: Schema.Int,
  lane: Schema.String,
  /** Last part of the Action: "Receive". */
  operation: Schema.String,
  messageId: Schema.String,
  shellId: Schema.optionalKey(Schema.String),
  commandId: Schema.optionalKey(Schema.String),
  /** Of the last HTTP answer; absent when none came. */
  status: Schema.optionalKey(Schema.Int),
  /** PSRP messages that this exchange completed, in the order of the envelopes. */
  messages: Schema.Array(Schema.String),
  /** "": it could not be read. */
  request: Schema.String,
  /** Absent when no envelope came. */
  answer: Schema.optionalKey(Schema.String),
  /** Why there is no answer: the client gave up waiting, or the exchange failed. */
  unanswered: Schema.optionalKey(Schema.Literals(["interrupted", "failed"])),
  failure: Schema.optionalKey(Schema.String),
  /** What could not be read, and so is not shown. */
  withheld: Schema.optionalKey(Schema.Array(Schema.String))
})
export type Exchange = typeof Exchange.Type

export const Closing = Schema.Struct({ at: Schema.String, closed: Schema.String })

export const Line = Schema.Union([Opening, Exchange, Closing])
export type Line = typeof Line.Type
