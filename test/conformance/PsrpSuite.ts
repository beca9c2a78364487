/** What our client of PSRP asks of any server behind the framing of `pwsh -s`. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { toJs } from "../../layers/psrp/PsJson.ts"
import { isObject, textOf } from "../../layers/psrp/PsObject.ts"
import type { PsValue, ScalarType } from "../../layers/psrp/PsValue.ts"
import * as RunspacePool from "../../layers/psrp/RunspacePool.ts"
import { credential, secureString } from "../../layers/psrp/SecureString.ts"
import { signals } from "../../layers/wsman/SoapNames.ts"
import * as StdioWsman from "../harness/StdioWsman.ts"
import { memberDifferences } from "../layers/psrp/Members.ts"

/** What psrpcore_server.py knows by heart, for a PowerShell that has to be told. */
export const functions = `
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
function Echo-Value($Value) { , $Value }
function Get-Line([int] $Count, [int] $Length) { foreach ($number in 1..$Count) { 'x' * $Length } }
function Get-Text([int] $Length) { ('a' + [char]0xE4 + [char]0xD834 + [char]0xDD1E) * $Length }
`

export const scalar = (type: ScalarType, text: string): PsValue => ({ _tag: "Scalar", type, text })
export const secret = Redacted.make("Pä$$w0rd \u{1f600}")

export interface Session {
  readonly wsman: StdioWsman.StdioWsman
  readonly pool: RunspacePool.RunspacePool
}

/** Type names aside, and whether a PSObject stands around a value. */
export const assertSame = (actual: ReadonlyArray<PsValue>, expected: ReadonlyArray<PsValue>): void => {
  assert.strictEqual(actual.length, expected.length)
  expected.forEach((value, index) => assert.deepStrictEqual(memberDifferences(value, actual[index] ?? null, "$"), []))
}

/** The same questions to either server. */
export const suite = (open: Effect.Effect<Session, unknown, Scope.Scope>) => {
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
        const result = yield* run(session, "Echo-Value", { Value: value })
        assert.strictEqual(result.state, "Completed")
        assertSame(result.output, [value])
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
      assertSame((yield* run(session, "Echo-Value", { Value: 1 })).output, [1])
    })
  )

  live("seals secrets there and back", (session) =>
    Effect.gen(function* () {
      const before = session.wsman.packets.length
      const [back = null] = (yield* run(session, "Echo-Value", { Value: secureString(secret) })).output
      const once = session.wsman.packets.length - before
      const plain = toJs(back)
      assert.isTrue(Redacted.isRedacted(plain) && plain !== secret)
      if (Redacted.isRedacted(plain)) assert.strictEqual(Redacted.value(plain), Redacted.value(secret))
      const account = (yield* run(session, "Echo-Value", { Value: credential("DOM\\u", secret) })).output[0]
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
      assert.strictEqual(result.state, "Completed")
      assertSame(result.output, values)
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
      assert.deepStrictEqual((yield* run(session, "Echo-Value", { Value: "alive" })).output, ["alive"])
    })
  )

  live("forgets variables when it is reset", (session) =>
    Effect.gen(function* () {
      yield* run(session, "Set-Global", { Name: "left", Value: 7 })
      assertSame((yield* run(session, "Get-Global", { Name: "left" })).output, [7])
      yield* session.pool.reset
      assert.notDeepEqual((yield* run(session, "Get-Global", { Name: "left" })).output, [7])
    })
  )

  live("takes and gives a megabyte", (session) =>
    Effect.gen(function* () {
      const text = "aä𝄞".repeat(262_144)
      const result = yield* run(session, "Echo-Value", { Value: text })
      assert.isTrue(result.output[0] === text)
      assert.isTrue((yield* run(session, "Get-Text", { Length: 262_144 })).output[0] === text)
      const bytes = Uint8Array.from({ length: 1 << 20 }, (_, index) => index % 251)
      const [back] = (yield* run(session, "Echo-Value", { Value: bytes })).output
      assert.isTrue(back instanceof Uint8Array && Buffer.compare(back, bytes) === 0)
    })
  )

  live("gives five megabytes, in pieces and in one", (session) =>
    Effect.gen(function* () {
      const pieces = yield* run(session, "Get-Line", { Count: 512, Length: 10_240 })
      assert.strictEqual(pieces.output.length, 512)
      assert.isTrue(pieces.output.every((piece) => piece === "x".repeat(10_240)))
      const [whole] = (yield* run(session, "Get-Line", { Count: 1, Length: 5_242_880 })).output
      assert.isTrue(whole === "x".repeat(5_242_880))
    })
  )

  live("says Done of a pipeline that was terminated, though its state never comes", ({ wsman, pool }) =>
    Effect.gen(function* () {
      const before = wsman.packets.length
      const call = yield* Effect.forkChild(Effect.flip(pool.invoke([{ name: "Wait", parameters: {} }])))
      yield* Effect.yieldNow.pipe(Effect.repeat({ until: () => wsman.packets.length >= before + 5 }))
      yield* wsman.signal("", wsman.begun.at(-1) ?? "", signals.terminate)
      const error = yield* Fiber.join(call)
      assert.include(error.message, "the command ended without a pipeline state")
    })
  )

  live("closes what still runs before the pool, which would wait for it", ({ wsman, pool }) =>
    Effect.gen(function* () {
      const before = wsman.packets.length
      yield* Effect.forkChild(Effect.exit(pool.invoke([{ name: "Wait", parameters: {} }])))
      yield* Effect.yieldNow.pipe(Effect.repeat({ until: () => wsman.packets.length >= before + 5 }))
      yield* wsman.delete("")
      assert.deepStrictEqual(
        wsman.packets.slice(before).filter((packet) => packet.includes("Close")),
        ["> Close", "< CloseAck", "> Close", "< CloseAck"]
      )
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
        // As PowerShell leaves: its code, and at most a line about it.
        assert.strictEqual(session.wsman.packets.at(-1), "< exit 160")
        assert.isAtMost(session.wsman.complaints().trim().split("\n").length, 1)
      }),
    60_000
  )
}

/** A pool of our client in a child process that speaks the framing of `pwsh -s`. */
export const session = (binary: string, args: ReadonlyArray<string>, operationTimeoutSeconds?: number) =>
  Effect.gen(function* () {
    const wsman = yield* StdioWsman.connect(binary, args, operationTimeoutSeconds)
    return { wsman, pool: yield* RunspacePool.open(wsman, { idleTimeoutSeconds: 60, openTimeoutSeconds: 30 }) }
  })
