import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import { toJs } from "../../layers/psrp/PsJson.ts"
import { array, hashtable, isObject, textOf } from "../../layers/psrp/PsObject.ts"
import type { PsValue, ScalarType } from "../../layers/psrp/PsValue.ts"
import * as RunspacePool from "../../layers/psrp/RunspacePool.ts"
import { credential, secureString } from "../../layers/psrp/SecureString.ts"
import * as StdioWsman from "../harness/StdioWsman.ts"

/** An interpreter whose environment has psrpcore. */
const python = process.env["PYPSRP_PYTHON"] ?? ""
/** PowerShell 7 itself. */
const pwsh = process.env["PWSH"] ?? ""

/** What psrpcore_server.py knows by heart, for a PowerShell that has to be told. */
const functions = `
function Write-Stream {
  Write-Output 'out'
  $DebugPreference = 'Continue'; Write-Debug 'debug'
  $VerbosePreference = 'Continue'; Write-Verbose 'verbose'
  Write-Warning 'warning'
  Write-Information 'information' -Tags 'tag'
  Write-Progress 'Activity' 'half' -Id 1 -CurrentOperation 'operation' -PercentComplete 50 -SecondsRemaining 9
  Write-Progress 'Activity' 'done' -Id 1 -Completed
  Write-Error -Message 'locked' -Category ResourceBusy -ErrorId 'Locked' -TargetObject 'vm-1' -RecommendedAction 'wait'
}
function Fail([string] $Message) { throw $Message }
function Wait { 'waiting'; Start-Sleep -Seconds 60 }
function Read-Input { process { , $_ } }
function Set-Global($Name, $Value) { Set-Variable -Scope Global -Name $Name -Value $Value }
function Get-Global($Name) { Get-Variable -Scope Global -Name $Name -ValueOnly -ErrorAction Ignore }
function Get-Text([int] $Length) { ('a' + [char]0xE4 + [char]0xD834 + [char]0xDD1E) * $Length }
`

const scalar = (type: ScalarType, text: string): PsValue => ({ _tag: "Scalar", type, text })
const secret = Redacted.make("Pä$$w0rd \u{1f600}")

interface Session {
  readonly wsman: StdioWsman.StdioWsman
  readonly pool: RunspacePool.RunspacePool
}

/** The same questions to either server. */
const suite = (open: Effect.Effect<Session, unknown, Scope.Scope>) => {
  const live = <E>(name: string, body: (session: Session) => Effect.Effect<void, E, Scope.Scope>) =>
    it.live(name, () => Effect.flatMap(open, body), 60_000)
  const run = ({ pool }: Session, name: string, parameters: Readonly<Record<string, PsValue>> = {}) =>
    pool.invoke([{ name, parameters }])

  live("gives every value back as it was sent", (session) =>
    Effect.gen(function* () {
      const values: ReadonlyArray<PsValue> = [
        "text _x0041_ <&> 𝄞 \u0000 \ud800",
        "",
        true,
        false,
        -2_147_483_648,
        9_007_199_254_740_993n,
        new Uint8Array([0, 1, 255]),
        scalar("Char", "228"),
        scalar("Byte", "255"),
        scalar("SByte", "-128"),
        scalar("Int16", "-32768"),
        scalar("UInt16", "65535"),
        scalar("UInt32", "4294967295"),
        scalar("UInt64", "18446744073709551615"),
        scalar("Single", "1.5"),
        scalar("Double", "-2.25"),
        scalar("Decimal", "79228162514264337593543950335"),
        scalar("Guid", "11111111-2222-4333-8444-555555555555"),
        scalar("Version", "1.2.3.4")
      ]
      for (const value of values) {
        const result = yield* run(session, "Write-Output", { InputObject: value })
        assert.deepStrictEqual([result.state, result.output], ["Completed", [value]])
      }
    })
  )

  live("tells every stream", (session) =>
    Effect.gen(function* () {
      const result = yield* run(session, "Write-Stream")
      assert.strictEqual(result.state, "Completed")
      assert.deepStrictEqual(result.output, ["out"])
      assert.deepStrictEqual(result.debug, ["debug"])
      assert.deepStrictEqual(result.verbose, ["verbose"])
      assert.deepStrictEqual(result.warnings, ["warning"])
      assert.deepStrictEqual(
        result.information.map(({ messageData, tags }) => [textOf(messageData), tags]),
        [["information", ["tag"]]]
      )
      assert.deepStrictEqual(
        result.progress.map(({ activity, activityId, statusDescription, percentComplete, completed }) => [
          activity,
          activityId,
          statusDescription,
          percentComplete,
          completed
        ]),
        [
          ["Activity", 1, "half", 50, false],
          ["Activity", 1, "done", -1, true]
        ]
      )
      const [error] = result.errors
      assert.strictEqual(result.errors.length, 1)
      assert.deepStrictEqual(
        [error?.message, error?.category, error?.targetObject, error?.recommendedAction],
        ["locked", 19, "vm-1", "wait"]
      )
      assert.match(error?.fullyQualifiedErrorId ?? "", /^Locked,/)
    })
  )

  live("tells what ended a pipeline, and goes on", (session) =>
    Effect.gen(function* () {
      const failed = yield* run(session, "Fail", { Message: "no such template" })
      assert.deepStrictEqual([failed.state, failed.terminatingError?.message], ["Failed", "no such template"])
      assert.deepStrictEqual((yield* run(session, "Write-Output", { InputObject: 1 })).output, [1])
    })
  )

  live("seals secrets there and back", (session) =>
    Effect.gen(function* () {
      const before = session.wsman.packets.length
      const [back = null] = (yield* run(session, "Write-Output", { InputObject: secureString(secret) })).output
      const once = session.wsman.packets.length - before
      const plain = toJs(back)
      assert.isTrue(Redacted.isRedacted(plain) && plain !== secret)
      if (Redacted.isRedacted(plain)) assert.strictEqual(Redacted.value(plain), Redacted.value(secret))
      const account = (yield* run(session, "Write-Output", { InputObject: credential("DOM\\u", secret) })).output[0]
      assert.strictEqual(isObject(account) ? account.adapted.get("UserName") : "", "DOM\\u")
      assert.isBelow(session.wsman.packets.length - before - once, once, "the key is exchanged once")
    })
  )

  live("reads its input, values of every kind and many of them", (session) =>
    Effect.gen(function* () {
      const values: ReadonlyArray<PsValue> = [
        "first",
        null,
        true,
        "x".repeat(100_000),
        ...Array.from({ length: 500 }, (_, index) => index)
      ]
      const result = yield* session.pool.invoke([{ name: "Read-Input", parameters: {} }], {
        input: Stream.fromIterable(values)
      })
      assert.deepStrictEqual([result.state, result.output], ["Completed", values])
      const none = yield* session.pool.invoke([{ name: "Read-Input", parameters: {} }], { input: Stream.empty })
      assert.deepStrictEqual([none.state, none.output], ["Completed", []])
    })
  )

  live("stops when it is interrupted, and goes on", (session) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(run(session, "Wait"))
      // The command runs once its first output is here: two packets of its start, two acknowledgements, its output.
      const before = session.wsman.packets.length
      yield* Effect.yieldNow.pipe(Effect.repeat({ until: () => session.wsman.packets.length >= before + 5 }))
      yield* Fiber.interrupt(fiber)
      assert.includeMembers([...session.wsman.packets], ["> Signal", "< SignalAck"])
      assert.isTrue(Option.isNone(yield* session.pool.broken))
      assert.deepStrictEqual((yield* run(session, "Write-Output", { InputObject: "alive" })).output, ["alive"])
    })
  )

  live("forgets variables when it is reset", (session) =>
    Effect.gen(function* () {
      yield* run(session, "Set-Global", { Name: "left", Value: 7 })
      assert.deepStrictEqual((yield* run(session, "Get-Global", { Name: "left" })).output, [7])
      yield* session.pool.reset
      assert.notDeepEqual((yield* run(session, "Get-Global", { Name: "left" })).output, [7])
    })
  )

  live("takes and gives a megabyte", (session) =>
    Effect.gen(function* () {
      const text = "aä𝄞".repeat(262_144)
      const result = yield* run(session, "Write-Output", { InputObject: text })
      assert.isTrue(result.output[0] === text)
      assert.isTrue((yield* run(session, "Get-Text", { Length: 262_144 })).output[0] === text)
      const bytes = Uint8Array.from({ length: 1 << 20 }, (_, index) => index % 251)
      const [back] = (yield* run(session, "Write-Output", { InputObject: bytes })).output
      assert.isTrue(back instanceof Uint8Array && Buffer.compare(back, bytes) === 0)
    })
  )

  it.live(
    "closes, pipelines first",
    () =>
      Effect.gen(function* () {
        const session = yield* Effect.scoped(Effect.tap(open, (session) => run(session, "Write-Output")))
        assert.deepStrictEqual(session.wsman.packets.filter((packet) => packet.includes("Close")).slice(-4), [
          "> Close",
          "< CloseAck",
          "> Close",
          "< CloseAck"
        ])
        assert.notInclude(session.wsman.complaints(), "Traceback")
      }),
    60_000
  )
}

const session = (binary: string, args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const wsman = yield* StdioWsman.connect(binary, args)
    return { wsman, pool: yield* RunspacePool.open(wsman, { idleTimeoutSeconds: 60, openTimeoutSeconds: 30 }) }
  })

const psrpcore = session(python, [path.join(import.meta.dirname, "psrpcore_server.py")])

if (python === "") {
  process.stderr.write("skipped: our PSRP on psrpcore's server (PYPSRP_PYTHON is not set)\n")
  describe.skip("our PSRP on psrpcore's server (skipped: PYPSRP_PYTHON is not set)", () => suite(psrpcore))
} else
  describe("our PSRP on psrpcore's server", () => {
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

const powerShell = Effect.tap(session(pwsh, ["-NoProfile", "-s"]), ({ pool }) =>
  pool.invoke([{ name: functions, isScript: true, parameters: {} }])
)
if (pwsh === "") {
  process.stderr.write("skipped: our PSRP on PowerShell (PWSH is not set)\n")
  describe.skip("our PSRP on PowerShell (skipped: PWSH is not set)", () => suite(powerShell))
} else describe("our PSRP on PowerShell", () => suite(powerShell))
