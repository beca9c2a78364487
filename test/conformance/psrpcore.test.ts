/** Our client of PSRP and psrpcore's server, which is as strict about its framing as PowerShell. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import { toJs } from "../../layers/psrp/PsJson.ts"
import { array, hashtable } from "../../layers/psrp/PsObject.ts"
import { credential, secureString } from "../../layers/psrp/SecureString.ts"
import { describePython, python } from "../harness/Python.ts"
import * as StdioWsman from "../harness/StdioWsman.ts"
import { scalar, secret, session, suite } from "./PsrpSuite.ts"

const server = [path.join(import.meta.dirname, "psrpcore_server.py")]
const psrpcore = session(python, server)

describePython("our PSRP on psrpcore's server", () => {
  suite(psrpcore)

  it.live(
    "is understood: parameters keep their names, types and values",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* psrpcore
        assert.strictEqual(pool.psVersion, "5.1.14393.1884")
        const { output } = yield* pool.invoke([
          {
            name: "Show",
            parameters: {
              Text: "a\r\nb _x000D_ 𝄞",
              Nothing: null,
              Flag: true,
              Number: 7,
              Large: 3_000_000_000n,
              Fraction: scalar("Double", "0.5"),
              Bytes: new Uint8Array([1, 0, 255]),
              List: array(["a", 1, array([false])]),
              Table: hashtable([["k", "v"]]),
              Secret: secureString(secret),
              Account: credential("DOM\\user", secret)
            }
          }
        ])
        assert.deepStrictEqual(output, [
          "Text: PSString a\r\nb _x000D_ 𝄞",
          "Nothing: NoneType None",
          "Flag: bool True",
          "Number: PSInt 7",
          "Large: PSInt64 3000000000",
          "Fraction: PSDouble 0.5",
          "Bytes: PSByteArray b'\\x01\\x00\\xff'",
          "List: PSList [PSString a, PSInt 1, PSList [bool False]]",
          "Table: PSDict {k=PSString v}",
          `Secret: PSSecureString ${Redacted.value(secret)}`,
          `Account: PSCredential DOM\\user ${Redacted.value(secret)}`
        ])
      }),
    60_000
  )

  it.live(
    "may end before its input does",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* psrpcore
        const result = yield* pool.invoke([{ name: "Write-Output", parameters: { InputObject: 1 } }], {
          input: Stream.range(1, 5).pipe(Stream.rechunk(1))
        })
        assert.deepStrictEqual([result.state, result.output], ["Completed", [1]])
        assert.isTrue(Option.isNone(yield* pool.broken))
      }),
    60_000
  )

  it.live(
    "tells how a server ended that did not mean to, and what it said",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* psrpcore
        const error = yield* Effect.flip(pool.invoke([{ name: "Die", parameters: {} }]))
        assert.isTrue(error._tag === "PsrpTransportFailed" && error.sent)
        assert.match(error.message, /the server ended with 134 out of memory/u)
        assert.isTrue(Option.isSome(yield* pool.broken))
      }),
    60_000
  )

  it.live(
    "understands every primitive",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* psrpcore
        const { output } = yield* pool.invoke([{ name: "Get-Primitive", parameters: {} }])
        assert.deepStrictEqual(output.slice(0, 23), [
          "text _x0041_ 𝄞 \u0000",
          scalar("Char", "228"),
          true,
          scalar("DateTime", "2024-02-29T12:34:56.1234567"),
          scalar("TimeSpan", "P1DT2H3.000004S"),
          scalar("Byte", "255"),
          scalar("SByte", "-128"),
          scalar("UInt16", "65535"),
          scalar("Int16", "-32768"),
          scalar("UInt32", "4294967295"),
          -2_147_483_648,
          scalar("UInt64", "18446744073709551615"),
          -9_223_372_036_854_775_808n,
          scalar("Single", "1.5"),
          scalar("Double", "-2.25"),
          scalar("Decimal", "79228162514264337593543950335"),
          new Uint8Array([0, 255]),
          scalar("Guid", "11111111-2222-4333-8444-555555555555"),
          scalar("Uri", "http://example.test/a?b=c"),
          scalar("Version", "1.2.3.4"),
          scalar("XmlDocument", "<a b='c'>d</a>"),
          scalar("ScriptBlock", "$a -eq 'b'"),
          null
        ])
        assert.deepStrictEqual(output.slice(23).map(toJs), [[1, [2, "three"]], { key: { nested: true } }])
      }),
    60_000
  )

  it.live(
    "opens the secrets that a server makes",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* psrpcore
        yield* pool.invoke([{ name: "Write-Output", parameters: { InputObject: secureString(secret) } }])
        const { output } = yield* pool.invoke([{ name: "Get-Secret", parameters: {} }])
        const [text, account] = output.map(toJs)
        assert.isTrue(Redacted.isRedacted(text) && Redacted.value(text) === "from the server 😀")
        const { userName, password } = account as { userName: string; password: Redacted.Redacted<string> }
        assert.deepStrictEqual([userName, Redacted.value(password)], ["DOM\\u", ""])
      }),
    60_000
  )

  it.live(
    "exchanges the key that a server asks for, since its own secret is the first",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* session(python, server, 1)
        const { output } = yield* pool.invoke([{ name: "Get-Secret", parameters: {} }])
        assert.deepStrictEqual(
          output.map((value) => Redacted.isRedacted(toJs(value))),
          [true, false]
        )
      }),
    60_000
  )

  it.live(
    "refuses its questions, and lets it look at a console in vain",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* psrpcore
        for (const method of ["ReadLine", "PromptForChoice", "Prompt"]) {
          const error = yield* Effect.flip(pool.invoke([{ name: "Ask", parameters: { Method: method } }]))
          assert.strictEqual(error._tag, "PsrpPromptRefused")
          assert.include(error.message, "Confirm Remove the VM?")
        }
        const result = yield* pool.invoke([{ name: "Ask", parameters: { Method: "GetBufferContents" } }])
        assert.deepStrictEqual(result.output, ["GetBufferContents: this session has neither user nor console"])
        assert.strictEqual(result.state, "Completed")
      }),
    60_000
  )
})

it.live("a line that is no packet is told, as it stands", () =>
  Effect.gen(function* () {
    const program = "console.log('__NamedPipeError__:no such module'); setInterval(() => 0, 1000)"
    const wsman = yield* StdioWsman.connect(process.execPath, ["-e", program])
    const error = yield* Effect.flip(
      wsman.create({ shellId: "A", creationXml: new Uint8Array(1), idleTimeoutSeconds: 60 })
    )
    assert.include(error.message, "no packet: __NamedPipeError__:no such module")
  })
)
