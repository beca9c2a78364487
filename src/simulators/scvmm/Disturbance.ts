/** What can befall an exchange with a simulated WinRM listener, by rules that are data: which exchange, and what: pure. */
import * as Schema from "effect/Schema"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"

/** An exchange by its SOAP operation; LogOn holds no envelope, only a step of a log-on. */
export const Action = Schema.Literals([
  "LogOn",
  "Create",
  "Command",
  "Send",
  "Receive",
  "Signal",
  "Delete",
  "Get",
  "Disconnect",
  "Reconnect",
  "Connect",
  "Enumerate",
  "Pull"
])
export type Action = typeof Action.Type

/** A command line is a Command too. */
export const actionOf = ({ _tag }: Operation): Action => (_tag === "CommandLine" ? "Command" : _tag)

/** `carriedOut`: whether the request takes effect all the same. */
export const Disturbance = Schema.Union([
  /** The connection is reset: before the request takes effect, after it and before the answer, or within the answer. */
  Schema.TaggedStruct("Cut", { place: Schema.Literals(["before", "after", "within"]) }),
  Schema.TaggedStruct("Delay", { seconds: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)) }),
  /** No answer ever. */
  Schema.TaggedStruct("Silence", { carriedOut: Schema.Boolean }),
  /** Another answer: of the HTTP service, or of a proxy before it. */
  Schema.TaggedStruct("Answer", {
    status: Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })),
    contentType: Schema.String,
    body: Schema.String,
    carriedOut: Schema.Boolean
  }),
  /** The log-on of the connection is forgotten, and the request not carried out: 401. */
  Schema.TaggedStruct("Forget", {}),
  /** A fault instead of doing anything. Without a code it has no WSManFault. */
  Schema.TaggedStruct("Fault", {
    code: Schema.optionalKey(Schema.Int),
    subcode: Schema.String,
    text: Schema.String
  }),
  /** The answer claims to be one to another message. */
  Schema.TaggedStruct("WrongRelatesTo", {}),
  /** The answer's last half is missing, though its length says otherwise. */
  Schema.TaggedStruct("Truncate", {}),
  /** One bit in the middle of the answer is turned. */
  Schema.TaggedStruct("Flip", {}),
  /** Of the fragments in the answer the last comes twice, or not at all. */
  Schema.TaggedStruct("Fragments", { last: Schema.Literals(["twice", "missing"]) })
])
export type Disturbance = typeof Disturbance.Type

export const Rule = Schema.Struct({
  /** All when absent. */
  on: Schema.optionalKey(Schema.Array(Action)),
  /** The first exchange of those that it applies to; 1, the next, unless given. */
  nth: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** To how many in a row from there; to all unless given. */
  times: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Of each of these; 1 unless given. */
  probability: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  disturbance: Disturbance
})
export type Rule = typeof Rule.Type

export const Rules = Schema.Array(Rule)

export interface Armed {
  /** The first rule that applies decides. Each counts every exchange that it concerns, whoever decides. */
  readonly next: (action: Action) => Disturbance | undefined
}

/** `fraction`: from 0 up to, not including, 1; drawn once for each rule with a probability that an exchange meets. */
export const make = (rules: ReadonlyArray<Rule>, fraction: () => number): Armed => {
  const armed = rules.map((rule) => ({ rule, met: 0 }))
  return {
    next: (action) => {
      let decided: Disturbance | undefined
      for (const entry of armed) {
        const { on, nth = 1, times = Infinity, probability = 1, disturbance } = entry.rule
        if (on !== undefined && !on.includes(action)) continue
        entry.met += 1
        const due = entry.met >= nth && entry.met < nth + times
        if (due && (probability === 1 || fraction() < probability)) decided ??= disturbance
      }
      return decided
    }
  }
}
