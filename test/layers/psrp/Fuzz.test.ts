import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { decodeCliXml } from "../../../layers/psrp/CliXmlDecoder.ts"
import { readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { errorRecordFromPs } from "../../../layers/psrp/ErrorRecord.ts"
import { decodeFragments, Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { readHostResponse } from "../../../layers/psrp/HostCall.ts"
import { decodeMessage, type Message } from "../../../layers/psrp/Message.ts"
import { PipelineCollector } from "../../../layers/psrp/PipelineResult.ts"
import { toJs } from "../../../layers/psrp/PsJson.ts"
import {
  readInitRunspacePool,
  readPsVersion,
  readRunspacePoolState,
  readSessionCapability
} from "../../../layers/psrp/RunspacePoolMessage.ts"
import { holdsSecureString } from "../../../layers/psrp/SecureString.ts"
import { cipherOf } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { readEncryptedSessionKey, readPublicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import { chance, damage } from "./Mutation.ts"
import { packetBytes, readRecording, recordingNames } from "./Recording.ts"

/** How many damaged inputs each reader is given, and where chance starts. */
const cases = Number(process.env["PSRP_FUZZ_CASES"] ?? "8000")
const seed = Number(process.env["PSRP_FUZZ_SEED"] ?? "1")

/** Milliseconds for one input, none of which is larger than a few times `largest`: a reader that is worse than linear exceeds it. */
const patience = 1000
const largest = 32_000

const packets = recordingNames
  .flatMap((name) => readRecording(name).packets.flatMap(({ data }) => (data === undefined ? [] : [packetBytes(data)])))
  .filter(({ length }) => length < largest)
const messages = packets.flatMap((packet) => Result.getOrElse(new Defragmenter().push(packet), () => []))
const header = 40
/** One message of each type that was recorded. */
const kinds = [
  ...new Map(
    messages.flatMap((bytes) => {
      const message = decodeMessage(bytes)
      return Result.isSuccess(message) ? [[message.success.type, message.success] as const] : []
    })
  ).values()
]
const cipher = cipherOf(new Uint8Array(32))

/** Reads damaged inputs; what throws, or takes too long, is told with what is needed to see it again. */
const survive = (inputs: ReadonlyArray<Uint8Array>, read: (input: Uint8Array) => boolean) => {
  let understood = 0
  for (let index = 0; index < cases; index++) {
    const pick = chance(seed * 1_000_003 + index)
    const one = inputs[pick(inputs.length)] ?? new Uint8Array(0)
    const other = inputs[pick(inputs.length)] ?? new Uint8Array(0)
    const input = damage(one, other, pick)
    const startedAt = process.cpuUsage()
    try {
      if (read(input)) understood++
    } catch (error) {
      throw new Error(`PSRP_FUZZ_SEED=${seed}, case ${index}: ${Buffer.from(input).toString("base64")}`, {
        cause: error
      })
    }
    const { user } = process.cpuUsage(startedAt)
    assert.isBelow(user / 1000, patience, `PSRP_FUZZ_SEED=${seed}, case ${index} took too long`)
  }
  // Damage that nothing survives would reach no reader behind the first.
  assert.isAbove(understood, cases / 50)
  assert.isBelow(understood, cases)
}

/** Everything that either side makes of a message's body: typed refusals or values. */
const interpret = (message: Message): void => {
  const { data } = message
  new PipelineCollector().accept(message)
  for (const read of [
    readCreatePipeline,
    readSessionCapability,
    readInitRunspacePool,
    readRunspacePoolState,
    readHostResponse,
    readPublicKey,
    readEncryptedSessionKey
  ])
    read(data)
  errorRecordFromPs(data)
  readPsVersion(data)
  holdsSecureString(data)
  toJs(data)
}

describe("damaged conversations give a value or a typed error, and soon", () => {
  it("fragments", () => {
    assert.isAbove(packets.length, 300)
    survive(packets, (input) => {
      const defragmenter = new Defragmenter()
      const cut = input.length >> 1
      const first = defragmenter.push(input.subarray(0, cut))
      const second = Result.isSuccess(first) ? defragmenter.push(input.subarray(cut)) : first
      decodeFragments(input)
      return Result.isSuccess(second) && second.success.length > 0
    })
  })

  it("messages", () =>
    survive(messages, (input) => {
      const message = decodeMessage(input, cipher)
      if (Result.isFailure(message)) return false
      interpret(message.success)
      return true
    }))

  it("CLIXML under a header that is whole", () =>
    survive(
      messages.filter(({ length }) => length > header).map((message) => message.subarray(header)),
      (input) => {
        const value = decodeCliXml(new TextDecoder().decode(input))
        if (Result.isFailure(value)) return false
        for (const message of kinds) interpret({ ...message, data: value.success })
        return true
      }
    ))
})
