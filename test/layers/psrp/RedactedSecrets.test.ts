/** A recording shows no secret and no key. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { hostCall } from "../../../layers/psrp/HostCall.ts"
import { informationRecord, progressRecord, warningRecord } from "../../../layers/psrp/InformationalRecord.ts"
import { MessageType } from "../../../layers/psrp/Message.ts"
import {
  errorRecord,
  pipelineInput,
  pipelineOutput,
  PipelineState,
  pipelineState
} from "../../../layers/psrp/PipelineMessage.ts"
import { array, bag, hashtable } from "../../../layers/psrp/PsObject.ts"
import { credential, secureString } from "../../../layers/psrp/SecureString.ts"
import { encryptedSessionKey, publicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import type { TappedExchange } from "../../../layers/wsman/WireTap.ts"
import { Unavailable } from "../../../layers/wsman/WsmanError.ts"
import { found } from "./Planted.ts"
import { ours, theirs, redaction, exchange, stream, said, heard, command, record, lines } from "./TappedExchanges.ts"

const Secret = Schema.String.check(Schema.isPattern(/^[!-~äß漢]{12,40}$/u))

describe("a recorded exchange", () => {
  it.effect.prop(
    "shows no secret, wherever it was, in whatever form, however it was cut",
    { secret: Secret, size: Schema.Int.check(Schema.isBetween({ minimum: 300, maximum: 6000 })), turn: Schema.Int },
    Effect.fnUntraced(function* ({ secret, size, turn }) {
      const medium = Buffer.from(`#cloud-config\npassword: ${secret}\n`.repeat(8))
      const text = `'${secret}' is not valid`
      /** What it is only known to be by where it stands. */
      const unknown: ReadonlyArray<TappedExchange> = [
        ...said(ours, command("Get-CapsThing", { Data: medium.subarray(Math.abs(turn) % 7) }), size),
        ...said(
          ours,
          command("Get-CapsThing", { Password: secret, Who: credential("me", Redacted.make(secret)) }),
          size
        ),
        ...said(
          ours,
          command("Get-CapsThing", {
            Map: hashtable([
              ["ApiKey", secret],
              ["x", secureString(Redacted.make(secret))]
            ])
          }),
          size
        ),
        ...said(theirs, command(`$env:X = '${secret}'`, { X: secret }, true), size),
        ...said(
          theirs,
          command("Add-Site", { Spec: array([hashtable([["a", secret]])]), Text: secret, Bytes: medium }),
          size
        ),
        ...said(theirs, pipelineInput(secret), size),
        ...said(ours, pipelineInput(bag({ Value: secret })), size),
        ...said(theirs, { type: MessageType.PipelineHostResponse, data: bag({ ci: 1n, mr: secret }) }, size),
        ...heard(theirs, pipelineOutput(secret), size),
        ...heard(
          theirs,
          errorRecord(
            record({
              message: text,
              fullyQualifiedErrorId: secret,
              targetObject: bag({ [secret]: secret })
            })
          ),
          size
        ),
        ...heard(
          theirs,
          pipelineState(
            PipelineState.Failed,
            record({ message: text, details: text, scriptStackTrace: text, targetName: secret })
          ),
          size
        ),
        ...heard(theirs, warningRecord(text), size),
        ...heard(
          theirs,
          informationRecord(
            { messageData: secret, source: text, tags: [secret] },
            { timeGenerated: "2026-01-01T00:00:00Z", user: secret, computer: secret }
          ),
          size
        ),
        ...heard(
          theirs,
          progressRecord({
            activity: text,
            activityId: 1,
            parentActivityId: -1,
            statusDescription: secret,
            percentComplete: 1,
            secondsRemaining: 1,
            completed: false
          }),
          size
        ),
        ...heard(theirs, hostCall({ callId: 1n, method: 12, methodName: "Prompt", parameters: [secret] }), size),
        ...heard(
          theirs,
          {
            type: MessageType.UserEvent,
            data: bag({
              "UserEvent.EventArgs": secret,
              other: text,
              link: { _tag: "Scalar", type: "Uri", text: secret }
            })
          },
          size
        ),
        exchange({ _tag: "Send", streams: [stream(Buffer.from(text), ours)] }, { _tag: "Sent" }),
        { ...exchange({ _tag: "Get" }, { _tag: "Sent" }), outcome: Exit.succeed(`<html>${secret}`) },
        // Never whole.
        ...said(ours, command("Get-CapsThing", { Data: medium, Text: secret }), 100).slice(0, -1),
        ...heard(ours, { type: 0x0004_1099, data: secret }, size)
      ]
      /** Texts that are shown but for it. */
      const known: ReadonlyArray<TappedExchange> = [
        ...said(ours, command("Get-CapsThing", { Name: text, Tags: array([secret]) }), size),
        ...heard(ours, pipelineOutput(JSON.stringify({ text, inner: Buffer.from(text).toString("base64") })), size),
        ...heard(
          ours,
          errorRecord(
            record({ message: `<S>${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</S>`, targetObject: secret })
          ),
          size
        ),
        ...heard(
          ours,
          errorRecord(
            record({
              message: Buffer.from(` ${secret}`, "utf16le").toString("base64"),
              reason: Buffer.from(secret).toString("hex")
            })
          ),
          size
        ),
        ...heard(ours, warningRecord(text), size),
        exchange(
          { _tag: "Get" },
          { _tag: "Fault", fault: { subcode: "w:AccessDenied", text, code: 5, machine: secret } }
        ),
        {
          ...exchange({ _tag: "Get" }, { _tag: "Sent" }),
          outcome: Exit.fail(new Unavailable({ kind: "other", detail: text, sent: true }))
        }
      ]
      const structural = yield* lines(redaction(), [
        ...said(ours, command("Get-CapsThing", {})),
        ...said(theirs, command("Add-Site", {})),
        ...unknown
      ])
      assert.strictEqual(structural.length, unknown.length + 2)
      assert.deepStrictEqual(found(JSON.stringify(structural), secret), [])
      const all = yield* lines(redaction(secret), [...said(ours, command("Get-CapsThing", {})), ...unknown, ...known])
      assert.deepStrictEqual(found(JSON.stringify(all), secret), [])
    }),
    { arbitrary: { runs: 10 } }
  )

  it.effect("shows no key", () =>
    Effect.gen(function* () {
      const modulus = new Uint8Array(256).map((_, at) => at)
      const sealed = new Uint8Array(256).map((_, at) => 255 - at)
      const recorded = yield* lines(redaction(), [
        ...said(ours, publicKey({ modulus, exponent: 65_537 })),
        ...heard(ours, encryptedSessionKey(sealed))
      ])
      const text = JSON.stringify(recorded)
      const bytes = [...text.matchAll(/[A-Za-z0-9+/]{16,}/gu)].map(([run]) =>
        Buffer.from(run, "base64").toString("latin1")
      )
      assert.deepStrictEqual(
        recorded.flatMap(({ messages }) => messages),
        ["PublicKey", "EncryptedSessionKey"]
      )
      assert.isTrue(bytes.some((it) => it.includes("[String of 368 characters]")))
      assert.isFalse(bytes.some((it) => /[A-Za-z0-9+/]{100}/u.test(it)))
    })
  )
})
