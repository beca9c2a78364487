/** How fast envelopes are sealed, put into HTTP bodies, taken out and unsealed: what a lane over http does with each exchange. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as NtlmSecurity from "../../layers/wsman/NtlmSecurity.ts"
import { decodeSealed, encodeSealed, sealedContentType } from "../../layers/wsman/Sealing.ts"
import type { Bench } from "./Bench.ts"
import { cpuSeconds, figure, median } from "./Bench.ts"

/** Of a warm call's requests and small answers, and of a large answer. */
const sizes = [3000, 4000, 150_000] as const
const rounds = 7
const minimumSeconds = 0.15

/** Megabytes of envelopes that went through both ends in a second of CPU time. */
const round = (messages: ReadonlyArray<Uint8Array>): number => {
  const key = new Uint8Array(16).fill(7)
  const [client, server] = [NtlmSecurity.make(key, "client"), NtlmSecurity.make(key, "server")]
  const begin = cpuSeconds()
  let bytes = 0
  while (cpuSeconds() - begin < minimumSeconds) {
    for (const message of messages) {
      const body = encodeSealed(client.seal(message))
      const opened = Result.flatMap(decodeSealed(sealedContentType, body), server.unseal)
      if (Result.isFailure(opened) || opened.success.length !== message.length) throw new Error("not unsealed")
      bytes += message.length
    }
  }
  return bytes / 1e6 / (cpuSeconds() - begin)
}

export const sealing: Bench = {
  keys: ["sealing.mb_s"],
  measure: Effect.sync(() => {
    const messages = sizes.map((size) => Uint8Array.from({ length: size }, (_, at) => at & 0xff))
    round(messages)
    return { "sealing.mb_s": figure(median(Array.from({ length: rounds }, () => round(messages))), "MB/s") }
  })
}
