import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { decodeCliXml } from "../../../layers/psrp/CliXmlDecoder.ts"
import { encodeCliXml } from "../../../layers/psrp/CliXmlEncoder.ts"
import { Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage, emptyGuid, MessageType } from "../../../layers/psrp/Message.ts"
import { pipelineOutput, PipelineState, pipelineState } from "../../../layers/psrp/PipelineMessage.ts"
import { fromJs, toJs } from "../../../layers/psrp/PsJson.ts"
import { array, bag, hashtable } from "../../../layers/psrp/PsObject.ts"
import { RunspacePoolState, runspacePoolState } from "../../../layers/psrp/RunspacePoolMessage.ts"
import { credential, holdsSecureString, secureString } from "../../../layers/psrp/SecureString.ts"
import { cipherOf, openSessionKey, ownPublicKey, sealSessionKey } from "../../../layers/psrp/SessionKeyCrypto.ts"
import {
  encryptedSessionKey,
  publicKey,
  readEncryptedSessionKey,
  readPublicKey
} from "../../../layers/psrp/SessionKeyMessage.ts"
import { Credential } from "../../../schemas/vmm/Credential.ts"
import { packetBytes, readRecording } from "./Recording.ts"
import { done, failure, messageStep, opening, openPool, scripted, type Step } from "./ScriptedWsman.ts"

const sessionKey = Uint8Array.from({ length: 32 }, (_, index) => index * 7)
const cipher = cipherOf(sessionKey)
const UInt16s = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })))
const secret = "Pä$$w0rd \u{1f600}"

describe("session key", () => {
  const recorded = (type: number) => {
    for (const { psguid, data } of readRecording("securestring").packets) {
      if (psguid !== emptyGuid || data === undefined) continue
      for (const bytes of Result.getOrThrow(new Defragmenter().push(packetBytes(data)))) {
        const message = Result.getOrThrow(decodeMessage(bytes))
        if (message.type === type) return message.data
      }
    }
    throw new Error("not recorded")
  }

  it("writes PowerShell's public key as PowerShell does", () => {
    const data = recorded(MessageType.PublicKey)
    const key = Result.getOrThrow(readPublicKey(data))
    assert.strictEqual(key.exponent, 0x1_0001)
    // Big-endian: a modulus of 2048 bits starts with a set bit, and is odd.
    assert.isTrue((key.modulus[0] ?? 0) >= 0x80 && (key.modulus[255] ?? 0) % 2 === 1)
    assert.deepStrictEqual(publicKey(key).data, data)
  })

  it("writes PowerShell's encrypted session key as PowerShell does", () => {
    const data = recorded(MessageType.EncryptedSessionKey)
    const encrypted = Result.getOrThrow(readEncryptedSessionKey(data))
    assert.strictEqual(encrypted.length, 256)
    assert.deepStrictEqual(encryptedSessionKey(encrypted).data, data)
  })

  it("encrypts for the key that the blob holds", () => {
    const theirs = Result.getOrThrow(readPublicKey(publicKey(ownPublicKey()).data))
    const encrypted = Result.getOrThrow(
      readEncryptedSessionKey(encryptedSessionKey(sealSessionKey(theirs, sessionKey)).data)
    )
    const opened = openSessionKey(encrypted)
    const sealed = cipher.encrypt(Redacted.make(secret))
    const plain = opened?.decrypt(sealed)
    assert.strictEqual(plain === undefined ? undefined : Redacted.value(plain), secret)
  })

  it("refuses blobs of another kind or length", () => {
    const key = publicKey(ownPublicKey()).data
    for (const data of [null, bag({}), bag({ PublicKey: "?" }), bag({ PublicKey: "BgIAAACk" }), bag({ PublicKey: 7 })])
      assert.isTrue(Result.isFailure(readPublicKey(data)))
    assert.isTrue(Result.isFailure(readEncryptedSessionKey(key)))
  })

  it("opens nothing that was sealed for another", () => {
    assert.isUndefined(openSessionKey(new Uint8Array(256).fill(1)))
    assert.isUndefined(openSessionKey(new Uint8Array(7)))
    assert.throws(() => cipherOf(new Uint8Array(16)), RangeError)
  })
})

describe("secure strings", () => {
  it.prop("keep any text, surrogates and nothing at all", { units: UInt16s }, ({ units }) => {
    const text = String.fromCharCode(...units)
    const xml = encodeCliXml(array([secureString(Redacted.make(text))]), cipher)
    const back = toJs(Result.getOrThrow(decodeCliXml(xml, cipher)))
    // A list of one secure string went in.
    assert.deepStrictEqual((back as Array<Redacted.Redacted<string>>).map(Redacted.value), [text])
  })

  it("seal as openssl's aes-256-cbc does, from a zero vector", () => {
    assert.strictEqual(cipher.encrypt(Redacted.make("x")), "ZjumOzhBnp5YgegSSFkcQg==")
  })

  it("never leave without a key, and stay sealed for who has none", () => {
    const value = secureString(Redacted.make(secret))
    assert.throws(() => encodeCliXml(value), /without a session key/)
    const xml = encodeCliXml(value, cipher)
    const sealed = Result.getOrThrow(decodeCliXml(xml))
    assert.deepStrictEqual(sealed, {
      _tag: "Scalar",
      type: "SecureString",
      text: cipher.encrypt(Redacted.make(secret))
    })
    assert.isTrue(Result.isFailure(decodeCliXml(xml, cipherOf(new Uint8Array(32)))))
    assert.isTrue(Result.isFailure(decodeCliXml("<SS>not sealed</SS>", cipher)))
  })

  it("are found wherever they are", () => {
    const value = secureString(Redacted.make(secret))
    const cyclic = array([])
    cyclic.items.push(cyclic)
    assert.isFalse(holdsSecureString(hashtable([["a", array([null, 1, "x", new Uint8Array(1), cyclic])]])))
    cyclic.items.push(value)
    for (const holder of [
      value,
      cyclic,
      array([bag({ a: value })]),
      hashtable([["k", value]]),
      credential("u", value.plain)
    ])
      assert.isTrue(holdsSecureString(holder))
  })

  it("come from redacted text and credentials, and go back to them", () => {
    const account = new Credential({ userName: "DOM\\user", password: Redacted.make(secret) })
    const value = Result.getOrThrow(fromJs({ account, alone: Redacted.make("x") }))
    const back = toJs(Result.getOrThrow(decodeCliXml(encodeCliXml(value, cipher), cipher))) as {
      readonly account: Credential
      readonly alone: Redacted.Redacted<string>
    }
    assert.instanceOf(back.account, Credential)
    assert.deepStrictEqual(
      [back.account.userName, Redacted.value(back.account.password), Redacted.value(back.alone)],
      ["DOM\\user", secret, "x"]
    )
    assert.isTrue(Result.isFailure(fromJs(Redacted.make(7))))
    assert.notInclude(JSON.stringify(value), 'x"')
  })
})

describe("RunspacePool with secrets", () => {
  const account = { name: "Connect", parameters: { Credential: credential("u", Redacted.make(secret)) } }
  const agreed: Step = messageStep(emptyGuid, encryptedSessionKey(sealSessionKey(ownPublicKey(), sessionKey)))

  it.effect("exchanges a key before the first of them and never again", () =>
    Effect.gen(function* () {
      const wsman = scripted({ opening: [...opening, agreed], pipelines: [done, done, done] })
      const pool = yield* openPool(wsman)
      const before = wsman.log.length
      yield* pool.invoke([{ name: "Plain", parameters: { a: 1 } }])
      yield* pool.invoke([account])
      yield* pool.invoke([account])
      assert.deepStrictEqual(
        wsman.log.slice(before).filter((line) => !line.startsWith("signal")),
        ["command", "receive", "send stdin", "receive pool", "command", "receive", "command", "receive"]
      )
      assert.deepStrictEqual(
        wsman.messages.slice(2).map(({ type }) => type),
        [MessageType.CreatePipeline, MessageType.PublicKey, MessageType.CreatePipeline, MessageType.CreatePipeline]
      )
      const password = wsman.created[1]?.statements[0]?.[0]?.parameters[0]?.value
      assert.deepStrictEqual(
        password,
        Result.getOrThrow(decodeCliXml(encodeCliXml(account.parameters.Credential, cipher)))
      )
    })
  )

  it.effect("opens the secrets that come back", () =>
    Effect.gen(function* () {
      const sealed = {
        _tag: "Scalar" as const,
        type: "SecureString" as const,
        text: cipher.encrypt(Redacted.make(secret))
      }
      const answer = messageStep(emptyGuid, pipelineOutput(sealed), pipelineState(PipelineState.Completed))
      const wsman = scripted({ opening: [...opening, agreed], pipelines: [[answer]] })
      const pool = yield* openPool(wsman)
      const [value = null] = (yield* pool.invoke([account])).output
      const plain = toJs(value)
      assert.isTrue(Redacted.isRedacted(plain) && Redacted.value(plain) === secret)
    })
  )

  it.effect("exchanges a key where a command is silent for long: it may have a secret to tell, and wait for one", () =>
    Effect.gen(function* () {
      const sealed = { _tag: "Scalar", type: "SecureString", text: cipher.encrypt(Redacted.make(secret)) } as const
      const silent: Step = { streams: [] }
      const answer = messageStep(emptyGuid, pipelineOutput(sealed), pipelineState(PipelineState.Completed))
      const asked = messageStep(emptyGuid, { type: MessageType.PublicKeyRequest, data: null })
      const wsman = scripted({
        opening: [...opening, asked, agreed],
        pipelines: [[silent, silent, silent, silent, answer]]
      })
      const pool = yield* openPool(wsman)
      const before = wsman.log.length
      const [value = null] = (yield* pool.invoke([{ name: "Get-Secret", parameters: {} }])).output
      const plain = toJs(value)
      assert.isTrue(Redacted.isRedacted(plain) && Redacted.value(plain) === secret)
      assert.deepStrictEqual(
        wsman.log.slice(before).filter((line) => !line.startsWith("signal")),
        "command,receive,receive,receive,send stdin,receive pool,receive pool,receive,receive".split(",")
      )
    })
  )

  const refused = (step: Step | undefined, tag: string, overrides = {}) =>
    Effect.gen(function* () {
      const wsman = scripted({
        opening: step === undefined ? opening : [...opening, step],
        pipelines: [done],
        overrides
      })
      const pool = yield* openPool(wsman)
      const fiber = yield* Effect.forkChild(Effect.flip(pool.invoke([account])))
      yield* TestClock.adjust("180 seconds")
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual([error._tag, error.sent], [tag, false])
      assert.notInclude(wsman.log, "command")
      assert.isTrue(Option.isSome(yield* pool.broken))
    })

  it.effect("gives up on a server that never answers", () => refused(undefined, "PsrpPoolBroken"))
  it.effect("gives up on a pool that breaks meanwhile", () =>
    refused(messageStep(emptyGuid, runspacePoolState(RunspacePoolState.Broken)), "PsrpPoolBroken")
  )
  it.effect("gives up on a key that is not for us", () =>
    refused(messageStep(emptyGuid, encryptedSessionKey(new Uint8Array(256).fill(1))), "PsrpProtocolViolation")
  )
  it.effect("gives up on a key of another kind", () =>
    refused(messageStep(emptyGuid, { type: MessageType.EncryptedSessionKey, data: bag({}) }), "PsrpProtocolViolation")
  )
  it.effect("gives up when the transport fails", () => refused(failure, "PsrpTransportFailed"))
  it.effect("gives up when the key cannot be sent", () =>
    refused(agreed, "PsrpTransportFailed", { send: () => Effect.fail(failure) })
  )

  it.effect("is no use after an interruption that left the exchange half done", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done] })
      const pool = yield* openPool(wsman)
      const fiber = yield* Effect.forkChild(pool.invoke([account]))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Option.isSome(yield* pool.broken))
    })
  )
})
