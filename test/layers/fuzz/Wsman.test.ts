/** Damaged envelopes, faults, log-on tokens and sealed bodies give a value or a typed error, soon, and no more than they hold. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { byCode, type Fault } from "../../../layers/wsman/Fault.ts"
import { decodeAvPairs } from "../../../layers/wsman/NtlmAvPair.ts"
import * as NtlmClient from "../../../layers/wsman/NtlmClient.ts"
import { targetInfoAt } from "../../../layers/wsman/NtlmKeys.ts"
import { decodeAuthenticate, decodeChallenge, decodeNegotiate } from "../../../layers/wsman/NtlmMessage.ts"
import * as NtlmSecurity from "../../../layers/wsman/NtlmSecurity.ts"
import { decodeSealed, encodeSealed, sealedContentType } from "../../../layers/wsman/Sealing.ts"
import { readShellPage } from "../../../layers/wsman/SoapEnumeration.ts"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"
import { writeRequest } from "../../../layers/wsman/SoapRequest.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { type Answer, writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import {
  readCommandStarted,
  readConfig,
  readConnected,
  readCreated,
  readGotShell,
  readReceived,
  readResponse
} from "../../../layers/wsman/SoapResponseReader.ts"
import { parse, type SoapElement, type SoapError } from "../../../layers/wsman/SoapXml.ts"
import * as Spnego from "../../../layers/wsman/Spnego.ts"
import * as NtlmAcceptor from "../../../src/simulators/scvmm/NtlmAcceptor.ts"
import { conversationNames, readConversation } from "../wsman/Conversation.ts"
import { damage } from "./Mutation.ts"
import { survive } from "./Survival.ts"

const utf8 = new TextEncoder()
const text = new TextDecoder()

/** Longer ones hold more of the same. */
const largest = 4000

const recorded = conversationNames.flatMap((name) =>
  readConversation(name).exchanges.flatMap(({ request, response }) => [
    { from: "client", body: request.body },
    { from: "server", body: response?.body ?? "" }
  ])
)
const bodiesOf = (from: string): ReadonlyArray<string> =>
  recorded.filter((one) => one.from === from && one.body !== "" && one.body.length < largest).map(({ body }) => body)

const shell = { shellId: "A-B", name: "n", inputStreams: ["stdin", "pr"], outputStreams: ["stdout"] }
const streams = [{ name: "stdout", commandId: "C", data: Uint8Array.of(1, 2, 3) }]
const operations: ReadonlyArray<Operation> = [
  { _tag: "Create", ...shell, idleTimeoutSeconds: 60, creationXml: Uint8Array.of(1), environment: { a: "b" } },
  { _tag: "Command", commandId: "C", arguments: Uint8Array.of(1) },
  { _tag: "CommandLine", command: "c.exe", arguments: ["-a", "b c"] },
  { _tag: "Send", streams },
  { _tag: "Receive", commandId: "C", streams: ["stdout"] },
  { _tag: "Signal", commandId: "C", code: "powershell/signal/crtl_c" },
  { _tag: "Delete" },
  { _tag: "Get" },
  { _tag: "Disconnect" },
  { _tag: "Reconnect" },
  { _tag: "Connect", connectXml: Uint8Array.of(1) },
  { _tag: "Enumerate", optimize: true, maxElements: 3, filter: { ShellId: "A-B" } },
  { _tag: "Pull", context: "c", maxElements: 3 }
]
const requestHeader = {
  messageId: "uuid:1",
  to: "http://h:5985/wsman",
  resourceUri: "http://schemas.microsoft.com/powershell/Microsoft.PowerShell",
  sessionId: "uuid:2",
  operationTimeoutSeconds: 60,
  maxEnvelopeBytes: 153_600,
  options: { protocolversion: "2.3" },
  selectors: { ShellId: "A-B" }
}
const page = { items: [{ ...shell, state: "Connected" as const, memoryUsedBytes: 1 }], context: "c", end: true }
const faults: ReadonlyArray<Answer> = [...byCode.keys()].map((code) => ({
  _tag: "Fault",
  fault: { code, subcode: "w:InternalError", text: "It did not work." }
}))
const answers: ReadonlyArray<Answer> = [
  { _tag: "Created", shell },
  { _tag: "CommandStarted", commandId: "C" },
  { _tag: "Sent" },
  { _tag: "Received", streams, commandId: "C", state: "Done", exitCode: 0 },
  { _tag: "Shell", shell: { ...shell, processId: 1, idleTimeoutSeconds: 60, runTimeSeconds: 1, inactivitySeconds: 1 } },
  { _tag: "Connected", connected: { ...shell, connectResponseXml: Uint8Array.of(1) } },
  { _tag: "Enumerated", page },
  { _tag: "Pulled", page },
  { _tag: "Config", config: { maxEnvelopeKilobytes: 500, maxTimeoutMillis: 60_000 } },
  ...faults
]
const written = (answer: Answer): string => writeResponse({ messageId: "uuid:1", relatesTo: "uuid:2" }, answer)

/** Of an effect that does not wait; what is no failure of its own is thrown. */
const outcome = <A>(effect: Effect.Effect<A, SoapError>): A | undefined =>
  Effect.runSync(Effect.catchTag(effect, "SoapError", () => Effect.succeed(undefined)))

/** Everything that a client makes of an answer's body. */
const interpret = (body: SoapElement): ReadonlyArray<unknown> => [
  Result.getOrUndefined(readCreated(body)),
  Result.getOrUndefined(readCommandStarted(body)),
  Result.getOrUndefined(readReceived(body)),
  Result.getOrUndefined(readGotShell(body)),
  Result.getOrUndefined(readShellPage(body)),
  Result.getOrUndefined(readConnected(body)),
  Result.getOrUndefined(readConfig(body))
]

const classifications = new Set<Fault["classification"]>([
  ...byCode.values(),
  "operationTimeout",
  "invalidSelectors",
  "unknown"
])

const timeout = 120_000

describe("damaged WS-Management", () => {
  it("Soap: requests", { timeout }, () =>
    survive({
      inputs: [
        ...bodiesOf("client"),
        ...operations.map((operation) => writeRequest({ header: requestHeader, operation }))
      ].map((body) => utf8.encode(body)),
      growth: 2,
      read: (input) => outcome(readRequest(text.decode(input)))
    })
  )

  it("Soap: answers", { timeout }, () =>
    survive({
      inputs: [...bodiesOf("server"), ...answers.map(written)].map((body) => utf8.encode(body)),
      // The body, and beside it what is read from it.
      growth: 4,
      read: (input) => {
        const answer = outcome(readResponse(text.decode(input)))
        return answer === undefined ? undefined : [answer, interpret(answer.body)]
      }
    })
  )

  it("Fault", { timeout }, () =>
    survive({
      inputs: [...bodiesOf("server").filter((body) => body.includes("Fault>")), ...faults.map(written)].map((body) =>
        utf8.encode(body)
      ),
      growth: 2,
      read: (input) => {
        const fault = outcome(readResponse(text.decode(input)))?.fault
        if (fault === undefined) return undefined
        assert.isTrue(classifications.has(fault.classification), String(fault.classification))
        assert.isTrue(fault.code === undefined || (Number.isInteger(fault.code) && fault.code >= 0))
        return fault
      }
    })
  )

  const account = { userName: "DOM\\user", password: "secret" }
  const asked = {
    ...account,
    targetName: "host/h",
    channelBinding: utf8.encode("tls-server-end-point:x"),
    epochMillis: 0,
    clientChallenge: new Uint8Array(8),
    sessionKey: new Uint8Array(16)
  }
  const challenged = Result.getOrThrow(
    NtlmAcceptor.challenge(NtlmClient.negotiate, {
      computerName: "COMPUTER",
      serverChallenge: new Uint8Array(8),
      epochMillis: 0,
      grants: NtlmAcceptor.usualGrants
    })
  )
  const authenticate = Result.getOrThrow(NtlmClient.authenticate(challenged.challenge, asked)).token

  it("Ntlm", { timeout }, () =>
    survive({
      inputs: [NtlmClient.negotiate, challenged.challenge, authenticate],
      // Six parts of a message may name the same bytes.
      growth: 16,
      read: (input) => {
        const negotiate = decodeNegotiate(input)
        if (Result.isSuccess(negotiate)) return [negotiate.success]
        const challenge = decodeChallenge(input)
        if (Result.isSuccess(challenge))
          return [challenge.success, Result.getOrUndefined(NtlmClient.authenticate(input, asked))?.token]
        const message = decodeAuthenticate(input)
        if (Result.isFailure(message)) return undefined
        NtlmAcceptor.accept(challenged, input, [account])
        const pairs = decodeAvPairs(message.success.ntResponse.subarray(16 + targetInfoAt))
        return [message.success, Result.getOrUndefined(pairs)]
      }
    })
  )

  it("Sealing", { timeout }, () => {
    const sessionKey = new Uint8Array(16).fill(7)
    const bodies = [...bodiesOf("server")].map((body) =>
      encodeSealed(NtlmSecurity.make(sessionKey, "server").seal(utf8.encode(body)))
    )
    survive({
      inputs: bodies,
      growth: 1,
      read: (input, pick) => {
        const type = utf8.encode(sealedContentType)
        const contentType = pick(8) === 0 ? text.decode(damage(type, type, pick)) : sealedContentType
        const body = decodeSealed(contentType, input)
        if (Result.isFailure(body)) return undefined
        const plain = NtlmSecurity.make(sessionKey, "client").unseal(body.success)
        // What was changed is never taken for what was sealed.
        if (Result.isSuccess(plain))
          assert.isTrue(bodies.some((whole) => Buffer.from(whole).includes(Buffer.from(body.success.data))))
        return body.success
      }
    })
  })

  it("Spnego", { timeout }, () =>
    survive({
      inputs: [
        Spnego.encodeInit([Spnego.Mechanism.kerberos, Spnego.Mechanism.ntlm], NtlmClient.negotiate),
        Spnego.encodeInit([Spnego.Mechanism.ntlm], undefined),
        Spnego.encodeResp({ state: 1, mechanism: Spnego.Mechanism.ntlm, token: challenged.challenge }),
        Spnego.encodeResp({ token: authenticate, checksum: new Uint8Array(16) })
      ],
      growth: 4,
      read: (input) => {
        Spnego.isWrapped(input)
        return Result.getOrUndefined(Spnego.decode(input))
      }
    })
  )
})

it("names that every JavaScript object has are neither prefixes nor subcodes", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    assert.strictEqual(outcome(readResponse(`<${name}:Envelope/>`)), undefined)
    assert.strictEqual(Effect.runSync(Effect.flip(parse(`<${name}:a/>`))).reason, "undeclared prefix")
    const text = written({ _tag: "Fault", fault: { subcode: `w:${name}`, text: "" } })
    assert.strictEqual(outcome(readResponse(text))?.fault?.classification, "unknown")
  }
})

describe("what is large, but no larger than a listener may send, is read in time that grows with it", () => {
  const size = 400_000
  const repeated = (piece: (index: number) => string): string => {
    let all = ""
    for (let index = 0; all.length < size; index++) all += piece(index)
    return all
  }
  const hostile: ReadonlyArray<readonly [name: string, xml: () => string]> = [
    ["namespace declarations", () => `<a ${repeated((index) => `xmlns:p${index}="u" `)}/>`],
    [
      "declarations below declarations",
      () => `<a ${repeated((index) => `xmlns:p${index}="u" `)}>${repeated(() => '<b xmlns:q="u"/>')}</a>`
    ],
    ["attributes", () => `<a ${repeated((index) => `p${index}="u" `)}/>`],
    ["children", () => `<a>${repeated(() => "<b/>")}</a>`],
    ["levels", () => repeated(() => "<a>")],
    ["references", () => `<a>${repeated(() => "&amp;")}</a>`],
    ["sections", () => `<a>${repeated(() => "<![CDATA[x]]>")}</a>`],
    ["comments", () => `<a>${repeated(() => "<!-- -->")}</a>`],
    ["a name", () => `<${repeated(() => "a:")}/>`],
    ["a tag without end", () => `<a b="${repeated(() => "x")}`],
    ["blanks", () => `<a>${repeated(() => " ")}`]
  ]
  it.each(hostile)("%s", (_, xml) => {
    const document = xml()
    const envelope = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>${document}</s:Body></s:Envelope>`
    const startedAt = process.cpuUsage()
    for (const one of [document, envelope]) {
      outcome(readRequest(one))
      outcome(readResponse(one))
    }
    assert.isBelow(process.cpuUsage(startedAt).user / 1000, 5000)
  })
})
