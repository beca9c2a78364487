/** PowerShell's own client, recorded: what it sent is understood, and ours sends the same for the same call. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { decodeCliXml } from "../../../layers/psrp/CliXmlDecoder.ts"
import { encodeCliXml } from "../../../layers/psrp/CliXmlEncoder.ts"
import { type CreatePipeline, createPipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { emptyGuid, MessageType, messageTypeName } from "../../../layers/psrp/Message.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import { readInitRunspacePool, readSessionCapability } from "../../../layers/psrp/RunspacePoolMessage.ts"
import { cipherOf } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { readPublicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import { memberDifferences } from "./Members.ts"
import { readRecording, recordingNames } from "./Recording.ts"
import { askedOf, inputOf, messagesOf, pipelinesOf, replay, type RecordedPipeline } from "./Replay.ts"

/** Where our client means to differ, and why. */
const exceptions: ReadonlyArray<readonly [path: RegExp, why: string]> = [
  [/^InitRunspacePool\.ApplicationArguments\b/u, "only $PSSenderInfo tells of it: ours says nothing of itself"],
  [/^InitRunspacePool\.HostInfo\b/u, "ours has no host: a question then fails on the server instead of waiting for us"],
  [/^CreatePipeline\.RemoteStreamOptions\b/u, "invocation info adds some 3 KB to every record"],
  [/^PublicKey\.PublicKey: /u, "each client has a key of its own: compared below"]
]
const met = new Set<RegExp>()

const unexpected = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.filter((line) => {
    const known = exceptions.find(([path]) => path.test(line))
    if (known !== undefined) met.add(known[0])
    return known === undefined
  })

/** Positional arguments and several statements, which a caller of our pool cannot ask for. */
const isBeyondInvoke = ({ call, created }: RecordedPipeline): boolean =>
  created.statements.length > 1 || (call?.commands.some((command) => command.arguments !== undefined) ?? false)

/** Both sides speak the lower protocol, and ours offers 2.3: there is no conversation of it in 2.4. */
const ours = recordingNames.filter((name) => name !== "protocol-2.4")

describe.each(ours)("for the calls of recording %s our client sends", (name) => {
  const recording = readRecording(name)

  it.effect("the same messages in the same order, with the same members and values", () =>
    Effect.gen(function* () {
      const { wsman } = yield* replay(recording)
      const theirs = messagesOf(recording, "server")
      assert.notInclude(wsman.log, "send pr")
      assert.deepStrictEqual(
        wsman.messages.map(({ type }) => messageTypeName(type)),
        theirs.map(({ type }) => messageTypeName(type))
      )
      const beyond = new Set(
        pipelinesOf(recording)
          .filter(isBeyondInvoke)
          .map(({ psguid }) => psguid)
      )
      const [{ runspacePoolId = "" } = {}] = wsman.messages
      theirs.forEach((their, index) => {
        const our = wsman.messages[index]
        assert.strictEqual(our?.destination, "server")
        assert.strictEqual(our?.runspacePoolId, runspacePoolId)
        assert.strictEqual(our?.pipelineId === emptyGuid, their.pipelineId === emptyGuid)
        if (beyond.has(their.psguid)) return
        assert.deepStrictEqual(
          unexpected(memberDifferences(their.data, our?.data ?? null, messageTypeName(their.type))),
          []
        )
      })
      // The pipelines that came in a row keep the ids of their own.
      const ids = wsman.messages.filter(({ type }) => type === MessageType.CreatePipeline)
      assert.strictEqual(new Set(ids.map(({ pipelineId }) => pipelineId)).size, ids.length)
    })
  )

  it("and could, where the call is beyond what a caller may ask of our pool", () => {
    const theirs = messagesOf(recording, "server")
    for (const pipeline of pipelinesOf(recording).filter(isBeyondInvoke)) {
      const their = theirs.find(({ psguid }) => psguid === pipeline.psguid)
      const our = createPipeline(askedOf(pipeline))
      assert.deepStrictEqual(unexpected(memberDifferences(their?.data ?? null, our.data, "CreatePipeline")), [])
    }
  })
})

it("each exception is met", () => {
  assert.deepStrictEqual(
    exceptions.filter(([path]) => !met.has(path)),
    []
  )
})

it.effect("our public key has the form of PowerShell's", () =>
  Effect.gen(function* () {
    const recording = readRecording("securestring")
    const keyIn = (
      messages: ReadonlyArray<{ readonly type: number; readonly data: Parameters<typeof readPublicKey>[0] }>
    ) => Result.getOrThrow(readPublicKey(messages.find(({ type }) => type === MessageType.PublicKey)?.data ?? null))
    const their = keyIn(messagesOf(recording, "server"))
    const our = keyIn((yield* replay(recording)).wsman.messages)
    assert.deepStrictEqual([our.exponent, our.modulus.length], [their.exponent, their.modulus.length])
    // Of full length: no leading zero in either.
    assert.isTrue((our.modulus[0] ?? 0) > 127 && (their.modulus[0] ?? 0) > 127)
  })
)

/** A pipeline as it is read where it arrives, its secrets sealed. */
const travelled = (pipeline: CreatePipeline): PsValue =>
  Result.getOrThrow(decodeCliXml(encodeCliXml(createPipeline(pipeline).data, cipherOf(new Uint8Array(32)))))

describe.each(recordingNames)("the messages of PowerShell's client in recording %s", (name) => {
  const recording = readRecording(name)

  it("are read as what it was asked for", () => {
    const messages = messagesOf(recording, "server")
    assert.isTrue(messages.every(({ destination }) => destination === "server"))
    const [capability, init] = messages
    assert.deepStrictEqual(Result.getOrThrow(readSessionCapability(capability?.data ?? null)), {
      protocolVersion: name === "protocol-2.4" ? "2.4" : "2.3",
      psVersion: "2.0",
      serializationVersion: "1.1.0.1"
    })
    assert.deepStrictEqual(Result.getOrThrow(readInitRunspacePool(init?.data ?? null)), {
      minRunspaces: 1,
      maxRunspaces: 1
    })
    for (const pipeline of pipelinesOf(recording)) {
      const lines = memberDifferences(travelled(pipeline.created), travelled(askedOf(pipeline)), "CreatePipeline")
      // From 2.4 on a secret is as long as its text.
      assert.deepStrictEqual(
        name === "protocol-2.4" ? lines.filter((line) => !line.includes(": SecureString of ")) : lines,
        []
      )
    }
    const input = messages.filter(({ type }) => type === MessageType.PipelineInput).map(({ data }) => data)
    const expected = recording.calls.flatMap((call) => inputOf(call) ?? [])
    assert.strictEqual(input.length, expected.length)
    input.forEach((value, index) => assert.deepStrictEqual(memberDifferences(value, expected[index] ?? null, "$"), []))
  })
})
