/** What may befall an exchange in turmoil, and how often: drawn by chance. */
import type { Action, Disturbance, Rule } from "../../../src/simulators/scvmm/Disturbance.ts"
import type { Entropy } from "../../../src/simulators/scvmm/Entropy.ts"
import { chosen, whole } from "./TurmoilChance.ts"

const page = { contentType: "text/html", body: "<html>" } as const
const empty = { contentType: "", body: "" } as const

const others: readonly [Disturbance, ...ReadonlyArray<Disturbance>] = [
  { _tag: "Delay", seconds: 0.4 },
  { _tag: "Delay", seconds: 3 },
  { _tag: "Delay", seconds: 40 },
  { _tag: "Silence", carriedOut: false },
  { _tag: "Silence", carriedOut: true },
  { _tag: "Answer", status: 400, ...empty, carriedOut: false },
  { _tag: "Answer", status: 413, ...empty, carriedOut: false },
  { _tag: "Answer", status: 500, ...empty, carriedOut: true },
  { _tag: "Answer", status: 503, ...empty, carriedOut: false },
  { _tag: "Answer", status: 504, ...page, carriedOut: true },
  { _tag: "Fault", code: 2150858793, subcode: "TimedOut", text: "timed out" },
  { _tag: "Fault", code: 2150858843, subcode: "InvalidSelectors", text: "gone" },
  { _tag: "Fault", code: 0x803381c4, subcode: "InvalidParameter", text: "disconnected" },
  { _tag: "Fault", code: 0x80338047, subcode: "EncodingLimit", text: "too large" },
  { _tag: "Forget" },
  { _tag: "WrongRelatesTo" },
  { _tag: "Truncate" },
  { _tag: "Fragments", last: "twice" }
]

/** What shows in a sealed answer alone. */
const ofSealed: readonly [Disturbance, ...ReadonlyArray<Disturbance>] = [{ _tag: "Flip" }, ...others]

const actions: readonly [Action, ...ReadonlyArray<Action>] = [
  "Create",
  "Command",
  "Command",
  "Send",
  "Send",
  "Receive",
  "Receive",
  "Receive",
  "Signal",
  "Delete",
  "Get",
  "Reconnect"
]

const cuts: readonly [Disturbance, ...ReadonlyArray<Disturbance>] = [
  { _tag: "Cut", place: "before" },
  { _tag: "Cut", place: "after" },
  { _tag: "Cut", place: "within" }
]

export const ruleOf = (entropy: Entropy, sealed: boolean): Rule => ({
  ...(entropy.fraction() < 0.7 && { on: [chosen(entropy, actions)] }),
  ...(entropy.fraction() < 0.5
    ? { nth: whole(entropy, 1, 8), times: whole(entropy, 1, 4) }
    : { probability: entropy.between(0, 0.3) }),
  disturbance: chosen(entropy, entropy.fraction() < 0.35 ? cuts : sealed ? ofSealed : others)
})
