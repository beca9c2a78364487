import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { AvId, avValue, decodeAvPairs, encodeAvPairs } from "../../../layers/wsman/NtlmAvPair.ts"
import { decodeUtf16, encodeUtf16 } from "../../../layers/wsman/NtlmBytes.ts"
import * as NtlmClient from "../../../layers/wsman/NtlmClient.ts"
import { clientFlags, flagsOf, missingFlags, requiredFlags } from "../../../layers/wsman/NtlmFlag.ts"
import * as NtlmKeys from "../../../layers/wsman/NtlmKeys.ts"
import {
  decodeAuthenticate,
  decodeChallenge,
  decodeNegotiate,
  encodeAuthenticate,
  encodeChallenge,
  messageType
} from "../../../layers/wsman/NtlmMessage.ts"
import * as NtlmSecurity from "../../../layers/wsman/NtlmSecurity.ts"
import * as Rc4 from "../../../layers/wsman/Rc4.ts"
import * as NtlmAcceptor from "../../../src/simulators/scvmm/NtlmAcceptor.ts"
import { flipped, hex, toHex } from "./Bytes.ts"

/** MS-NLMP §4.2.1, §4.2.4: the common values and the NTLMv2 examples. */
const example = {
  userName: "User",
  domain: "Domain",
  password: "Password",
  sessionKey: new Uint8Array(16).fill(0x55),
  clientChallenge: new Uint8Array(8).fill(0xaa),
  serverChallenge: hex("0123456789abcdef"),
  challengeMessage: hex(`
    4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000
    060070170000000f 530065007200760065007200 02000c0044006f006d00610069006e00 01000c00530065007200760065007200
    00000000`)
}

describe("NTLMv2", () => {
  it("computes the examples of MS-NLMP §4.2.4", () => {
    const { userName, domain, password, serverChallenge, clientChallenge, sessionKey } = example
    const key = NtlmKeys.responseKey(NtlmKeys.ntHash(password), userName, domain)
    assert.strictEqual(toHex(key), "0c868a403bfd7a93a3001ef22ef02e3f")
    const challenge = Result.getOrThrow(decodeChallenge(example.challengeMessage))
    assert.deepStrictEqual(challenge.serverChallenge, serverChallenge)
    assert.strictEqual(challenge.targetName, "Server")
    assert.deepStrictEqual(missingFlags(challenge.flags), [])
    const targetInfo = encodeAvPairs(challenge.targetInfo)
    const time = new Uint8Array(8)
    const input = { responseKey: key, serverChallenge, clientChallenge, time, targetInfo }
    const { response, baseKey } = NtlmKeys.ntResponse(input)
    assert.strictEqual(toHex(response.subarray(0, 16)), "68cd0ab851e51c96aabc927bebef6a1c")
    assert.strictEqual(toHex(baseKey), "8de40ccadbc14a82f15cb0ad0de95ca3")
    assert.strictEqual(toHex(Rc4.make(baseKey).apply(sessionKey)), "c5dad2544fc9799094ce1ce90bc9d03e")
    assert.strictEqual(toHex(NtlmKeys.sealKey(sessionKey, "client")), "59f600973cc4960a25480a7c196e4c58")
    assert.strictEqual(toHex(NtlmKeys.signKey(sessionKey, "client")), "4788dc861b4782f35d43fd98fe1a2d39")
    const { data, signature } = NtlmSecurity.make(sessionKey, "client").seal(encodeUtf16("Plaintext"))
    assert.strictEqual(toHex(data), "54e50165bf1936dc996020c1811b0f06fb5f")
    assert.strictEqual(toHex(signature), "010000007fb38ec5c55d497600000000")
  })

  it("hashes channel bindings as RFC 4121 says, and counts time as Windows does", () => {
    // A gss_channel_bindings_struct: two empty addresses, then the data.
    assert.strictEqual(
      toHex(NtlmClient.channelBindingHash(new TextEncoder().encode("tls-server-end-point:abc"))),
      "feb0fffbc725957540b287e8c838dfd9"
    )
    assert.strictEqual(toHex(NtlmKeys.fileTime(0)), "00803ed5deb19d01")
  })

  it("reads names as WinRM takes them", () => {
    const split = NtlmClient.splitUserName
    assert.deepStrictEqual(split("EXAMPLE\\capi"), { domain: "EXAMPLE", userName: "capi" })
    assert.deepStrictEqual(split("capi@example.test"), { domain: "", userName: "capi@example.test" })
    assert.deepStrictEqual(split("capi"), { domain: "", userName: "capi" })
  })
})

const Text = Schema.String.check(Schema.isMaxLength(40))
const Bytes8 = Schema.Uint8Array.check(Schema.isMinLength(8), Schema.isMaxLength(8))
const Bytes16 = Schema.Uint8Array.check(Schema.isMinLength(16), Schema.isMaxLength(16))

describe("NTLM messages", () => {
  it.prop(
    "are read as they were written",
    { domain: Text, userName: Text, workstation: Text, lmResponse: Schema.Uint8Array, key: Bytes16, mic: Bytes16 },
    ({ domain, userName, workstation, lmResponse, key, mic }) => {
      const common = { flags: flagsOf(clientFlags), domain, userName, workstation, lmResponse }
      const message = { ...common, ntResponse: key, encryptedSessionKey: key }
      for (const code of [mic, undefined]) {
        const written = encodeAuthenticate({ ...message, mic: code })
        assert.strictEqual(messageType(written), 3)
        assert.deepStrictEqual(decodeAuthenticate(written), Result.succeed({ ...message, mic: code }))
      }
    }
  )

  it.prop(
    "challenges come back, too",
    { name: Text, serverChallenge: Bytes8, value: Schema.Uint8Array, id: Schema.Literals([1, 2, 7, 300]) },
    ({ name, serverChallenge, value, id }) => {
      const flags = flagsOf(["Unicode", "TargetInfo", "Key56"])
      const message = { flags, serverChallenge, targetName: name, targetInfo: [{ id, value }] }
      assert.deepStrictEqual(decodeChallenge(encodeChallenge(message)), Result.succeed(message))
    }
  )

  it.prop("never break the reader", { bytes: Schema.Uint8Array, cut: Schema.Int }, ({ bytes, cut }) => {
    const prefix = hex("4e544c4d53535000")
    for (const type of [1, 2, 3]) {
      const token = Uint8Array.of(...prefix, type, 0, 0, 0, ...bytes)
      for (const read of [decodeNegotiate, decodeChallenge, decodeAuthenticate]) read(token)
    }
    const short = example.challengeMessage.subarray(0, Math.abs(cut) % example.challengeMessage.length)
    assert.isTrue(Result.isFailure(decodeChallenge(short)))
    decodeAvPairs(bytes)
    assert.strictEqual(decodeUtf16(bytes).length, bytes.length >> 1)
  })
})

describe("sealed messages", () => {
  const Message = Schema.Uint8Array.check(Schema.isMaxLength(40))

  it.prop(
    "come back, in both directions at once",
    { key: Bytes16, messages: Schema.Array(Schema.Struct({ fromClient: Schema.Boolean, message: Message })) },
    ({ key, messages }) => {
      const [client, server] = [NtlmSecurity.make(key, "client"), NtlmSecurity.make(key, "server")]
      const sent = { true: 0, false: 0 }
      for (const { fromClient, message } of messages) {
        const [from, to] = fromClient ? [client, server] : [server, client]
        const sealed = from.seal(message)
        assert.strictEqual(sealed.data.length, message.length)
        const number = new DataView(sealed.signature.buffer, sealed.signature.byteOffset).getUint32(12, true)
        assert.strictEqual(number, sent[`${fromClient}`]++)
        assert.deepStrictEqual(to.unseal(sealed), Result.succeed(message))
      }
    }
  )

  it.prop(
    "are refused, and all after them, when a bit is another, one is left out, repeated or turned round",
    {
      key: Bytes16,
      message: Schema.Uint8Array.check(Schema.isMinLength(1), Schema.isMaxLength(40)),
      bit: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 447 })),
      how: Schema.Literals(["signature", "data", "gap", "repeated", "reflected"])
    },
    ({ key, message, bit, how }) => {
      const [client, server] = [NtlmSecurity.make(key, "client"), NtlmSecurity.make(key, "server")]
      const first = client.seal(message)
      const wrong = () => {
        switch (how) {
          case "signature":
            return { ...first, signature: flipped(first.signature, bit % 128) }
          case "data":
            return { ...first, data: flipped(first.data, bit % (8 * first.data.length)) }
          case "gap":
            return client.seal(message)
          case "repeated":
            assert.isTrue(Result.isSuccess(server.unseal(first)))
            return first
          case "reflected":
            return server.seal(message)
        }
      }
      assert.isTrue(Result.isFailure(server.unseal(wrong())))
      assert.isTrue(Result.isFailure(server.unseal(client.seal(message))))
    }
  )
})

describe("a log-on", () => {
  const account = { userName: "EXAMPLE\\Käpi", password: "pässword:1" }
  const binding = new TextEncoder().encode("tls-server-end-point:hash")
  const random = { clientChallenge: new Uint8Array(8).fill(3), sessionKey: new Uint8Array(16).fill(4) }

  const challenged = (grants = NtlmAcceptor.usualGrants) =>
    NtlmAcceptor.challenge(NtlmClient.negotiate, {
      computerName: "EXEC1",
      serverChallenge: new Uint8Array(8).fill(7),
      epochMillis: 1_000,
      grants
    })

  const attempt = (
    over: Partial<NtlmClient.AuthenticateInput>,
    server: {
      readonly binding?: Uint8Array
      readonly level?: "Relaxed" | "Strict"
      readonly spoil?: (token: Uint8Array) => Uint8Array
    } = {}
  ) => {
    const pending = Result.getOrThrow(challenged())
    const input = { ...account, targetName: "host/exec1", epochMillis: 0, ...random, ...over }
    const client = Result.getOrThrow(NtlmClient.authenticate(pending.challenge, input))
    const token = server.spoil?.(client.token) ?? client.token
    const accepted = NtlmAcceptor.accept(
      pending,
      token,
      [account],
      server.binding && { own: server.binding, level: server.level ?? "Strict" }
    )
    return { client, accepted, reason: Result.isFailure(accepted) ? accepted.failure.reason : undefined }
  }

  it("establishes what seals both ways; names compare regardless of case", () => {
    for (const userName of ["EXAMPLE\\Käpi", "example\\kÄPI"]) {
      const { client, accepted } = attempt({ userName })
      const server = Result.getOrThrow(accepted)
      assert.strictEqual(server.account, account)
      const message = new TextEncoder().encode("<s:Envelope/>")
      assert.deepStrictEqual(server.security.unseal(client.security.seal(message)), Result.succeed(message))
      assert.deepStrictEqual(client.security.unseal(server.security.seal(message)), Result.succeed(message))
    }
  })

  it("is refused for a wrong name or password, a changed token, or the binding of another connection", () => {
    assert.strictEqual(attempt({ password: "password:1" }).reason, "wrong password")
    assert.strictEqual(attempt({ userName: "EXAMPLE\\other" }).reason, "no such user")
    const other = new TextEncoder().encode("tls-server-end-point:other")
    assert.strictEqual(attempt({}, { binding }).reason, "channel binding")
    assert.strictEqual(attempt({ channelBinding: other }, { binding }).reason, "channel binding")
    assert.isUndefined(attempt({ channelBinding: binding }, { binding }).reason)
    // Relaxed lets in who names no connection, but not who names another.
    assert.isUndefined(attempt({}, { binding, level: "Relaxed" }).reason)
    assert.strictEqual(attempt({ channelBinding: other }, { binding, level: "Relaxed" }).reason, "channel binding")
  })

  it.prop(
    "is refused when any bit of what is signed is another",
    { bit: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })) },
    ({ bit }) => {
      const { reason } = attempt({}, { spoil: (token) => flipped(token, bit % (8 * token.length)) })
      assert.isDefined(reason)
    }
  )

  it("names what it was asked for: MIC, target name, time of the server", () => {
    const { client } = attempt({ channelBinding: binding })
    const message = Result.getOrThrow(decodeAuthenticate(client.token))
    assert.deepInclude(message, { domain: "EXAMPLE", userName: "Käpi", lmResponse: new Uint8Array(24) })
    assert.isDefined(message.mic)
    const temp = message.ntResponse.subarray(16)
    assert.deepStrictEqual(temp.subarray(8, 16), NtlmKeys.fileTime(1_000))
    const pairs = Result.getOrThrow(decodeAvPairs(temp.subarray(NtlmKeys.targetInfoAt)))
    assert.strictEqual(decodeUtf16(avValue(pairs, AvId.TargetName) ?? new Uint8Array(0)), "host/exec1")
    assert.deepStrictEqual(avValue(pairs, AvId.Flags), Uint8Array.of(2, 0, 0, 0))
    assert.deepStrictEqual(avValue(pairs, AvId.ChannelBindings), NtlmClient.channelBindingHash(binding))
    assert.deepStrictEqual(temp.subarray(-8), new Uint8Array(8))
  })

  it("is not made where sealing is not granted in full", () => {
    for (const missing of requiredFlags) {
      const pending = Result.getOrThrow(challenged(NtlmAcceptor.usualGrants.filter((name) => name !== missing)))
      const input = { ...account, targetName: "host/exec1", epochMillis: 0, ...random }
      const client = NtlmClient.authenticate(pending.challenge, input)
      assert.isTrue(Result.isFailure(client))
      if (Result.isFailure(client)) {
        assert.strictEqual(client.failure.reason, "flagsNotGranted")
        assert.include(client.failure.message, missing)
        assert.notInclude(JSON.stringify(client.failure), account.password)
      }
    }
  })
})
