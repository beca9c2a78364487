/** Damaged PSRP: fragments, messages and CLIXML give a value or a typed error, soon, and no more than they hold. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { decodeCliXml } from "../../../layers/psrp/CliXmlDecoder.ts"
import { readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { errorRecordFromPs } from "../../../layers/psrp/ErrorRecord.ts"
import {
  decodeFragments,
  Defragmenter,
  encodeFragment,
  fragmentHeaderBytes,
  splitMessage
} from "../../../layers/psrp/Fragment.ts"
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
import { packetBytes, readRecording, recordingNames } from "../psrp/Recording.ts"
import { survive } from "./Survival.ts"

/** Longer ones hold more of the same. */
const largest = 4000

const packets = recordingNames.flatMap((name) =>
  readRecording(name).packets.flatMap(({ data }) => (data === undefined ? [] : [packetBytes(data)]))
)
const messages = packets.flatMap((packet) => Result.getOrElse(new Defragmenter().push(packet), () => []))
const small = (inputs: ReadonlyArray<Uint8Array>) => inputs.filter(({ length }) => length < largest)
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

describe("damaged PSRP", () => {
  it("Fragment", { timeout: 120_000 }, () => {
    const inputs = small(packets)
    assert.isAbove(inputs.length, 300)
    survive({
      inputs,
      growth: 1,
      read: (input) => {
        const defragmenter = new Defragmenter()
        const cut = input.length >> 1
        const first = defragmenter.push(input.subarray(0, cut))
        const second = Result.isSuccess(first) ? defragmenter.push(input.subarray(cut)) : first
        decodeFragments(input)
        return Result.isSuccess(second) && second.success.length > 0 ? second.success : undefined
      }
    })
  })

  it("Message", { timeout: 120_000 }, () =>
    survive({
      inputs: small(messages),
      growth: 2,
      read: (input) => {
        const message = decodeMessage(input, cipher)
        if (Result.isFailure(message)) return undefined
        interpret(message.success)
        return message.success
      }
    })
  )

  it("CliXml, under the header of any message", { timeout: 120_000 }, () =>
    survive({
      inputs: small(messages)
        .filter(({ length }) => length > header)
        .map((message) => message.subarray(header)),
      growth: 2,
      read: (input, pick) => {
        const value = decodeCliXml(new TextDecoder().decode(input))
        if (Result.isFailure(value)) return undefined
        const kind = kinds[pick(kinds.length)]
        if (kind !== undefined) interpret({ ...kind, data: value.success })
        return value.success
      }
    })
  )
})

it("an element named like a member that every JavaScript object has is no list", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const value = decodeCliXml(`<Obj RefId="0"><${name}><S>x</S></${name}></Obj>`)
    assert.strictEqual(Result.isFailure(value) && value.failure.message, "CLIXML: elements inside a primitive")
  }
})

describe("what is large, but no larger than a server may send, is read in time that grows with it", () => {
  const size = 2_000_000
  const repeated = (piece: (index: number) => string): string => {
    const pieces: Array<string> = []
    for (let index = 0, length = 0; length < size; index++) length += pieces[pieces.push(piece(index)) - 1]?.length ?? 0
    return pieces.join("")
  }
  /** Each object holds the one before it twice: a tree of it would have no end. */
  const chain = (name: (index: number) => string) =>
    repeated(
      (index) =>
        `<Obj${name(index)} RefId="${index + 1}"><LST>${index === 0 ? "" : `<Ref RefId="${index}" /><Ref RefId="${index}" />`}</LST></Obj>`
    )
  const hostile: ReadonlyArray<readonly [name: string, xml: () => string]> = [
    ["items", () => `<Obj RefId="0"><LST>${repeated(() => "<Nil />")}</LST></Obj>`],
    ["entries", () => `<Obj RefId="0"><DCT>${repeated(() => '<En><Nil N="Key" /><Nil N="Value" /></En>')}</DCT></Obj>`],
    ["properties", () => `<Obj RefId="0"><MS>${repeated((index) => `<Nil N="p${index}" />`)}</MS></Obj>`],
    ["objects that share", () => `<Obj RefId="0"><LST>${chain(() => "")}</LST></Obj>`],
    [
      "objects that share, the last one first",
      () =>
        `<Obj RefId="0"><MS>${chain((index) => ` N="p${index}"`)}</MS><Props><Ref N="x" RefId="15000" /></Props></Obj>`
    ],
    ["levels", () => repeated(() => "<Obj><MS>")],
    ["types", () => `<Obj RefId="0"><TN RefId="0">${repeated(() => "<T>t</T>")}</TN></Obj>`],
    ["escapes", () => `<S>${repeated(() => "_x0041_")}</S>`],
    ["underscores", () => `<S>${repeated(() => "_x")}</S>`],
    ["references", () => `<S>${repeated(() => "&amp;")}</S>`],
    ["comments", () => `<S>${repeated(() => "<!---->")}</S>`],
    ["digits", () => `<I64>${repeated(() => "9")}</I64>`],
    ["base64", () => `<BA>${repeated(() => "AAAA ")}</BA>`]
  ]
  const refused = new Set(["levels", "digits"])
  it.each(hostile)("%s", (name, xml) => {
    const document = xml()
    const startedAt = process.cpuUsage()
    const value = decodeCliXml(document)
    assert.strictEqual(Result.isSuccess(value), !refused.has(name))
    if (Result.isSuccess(value)) for (const kind of kinds) interpret({ ...kind, data: value.success })
    assert.isBelow(process.cpuUsage(startedAt).user / 1000, 10_000)
  })

  it("fragments of one byte, and objects without an end", () => {
    const startedAt = process.cpuUsage()
    const defragmenter = new Defragmenter()
    const message = new Uint8Array(100_000)
    for (const fragment of splitMessage(1n, message, fragmentHeaderBytes + 1))
      assert.isTrue(Result.isSuccess(defragmenter.push(fragment)))
    for (let index = 2; index < 100_000; index++)
      defragmenter.push(
        encodeFragment({ objectId: BigInt(index), fragmentId: 0n, start: true, end: false, blob: new Uint8Array(1) })
      )
    assert.isBelow(process.cpuUsage(startedAt).user / 1000, 5000)
  })
})
