/** Our client of PSRP and PowerShell itself, wherever one is at hand. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { array, hashtable } from "../../layers/psrp/PsObject.ts"
import { credential, secureString } from "../../layers/psrp/SecureString.ts"
import { assertSame, functions, scalar, secret, session, suite } from "./PsrpSuite.ts"

/** PowerShell 7 itself. */
const pwsh = process.env["PWSH"] ?? ""

/** Functions whose parameters have types, which PowerShell alone knows. */
const typed = `
function Show-Typed {
  param(
    [string] $Text, [int] $Number, [long] $Large, [double] $Fraction, [bool] $Flag, [switch] $On, [guid] $Id,
    [datetime] $When, [hashtable] $Table, [object[]] $List, [byte[]] $Bytes, [pscredential] $Account, [securestring] $Secret
  )
  $plain = [System.Net.NetworkCredential]::new('', $Secret).Password
  "$Text|$Number|$Large|$Fraction|$Flag|$($On.IsPresent)|$Id|$($When.ToString('o'))|$($Table['k'])"
  "$($List.Count) $($List[0].GetType().Name) $($List[1].GetType().Name)|$($Bytes -join ' ')"
  "$($Account.UserName) $($Account.GetNetworkCredential().Password)|$plain"
}
`

const powerShell = Effect.tap(session(pwsh, ["-NoProfile", "-s"]), ({ wsman, pool }) =>
  Effect.andThen(
    pool.invoke([{ name: functions + typed, isScript: true, parameters: {} }]),
    // What follows counts packets.
    Effect.repeat(Effect.yieldNow, { until: () => wsman.packets.at(-1) === "< CloseAck" })
  )
)

const powerShellAlone = () => {
  it.live(
    "is understood: parameters have the types that were declared",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* powerShell
        assert.match(pool.psVersion ?? "", /^7\./u)
        const result = yield* pool.invoke([
          {
            name: "Show-Typed",
            parameters: {
              Text: "quo'te\" $(x) ; `n ä 𝄞",
              Number: 7,
              Large: 3_000_000_000n,
              Fraction: scalar("Double", "0.5"),
              Flag: true,
              On: true,
              Id: scalar("Guid", "11111111-2222-4333-8444-555555555555"),
              When: scalar("DateTime", "2026-01-02T03:04:05Z"),
              Table: hashtable([["k", "v"]]),
              List: array(["a", 1]),
              Bytes: new Uint8Array([1, 0, 255]),
              Account: credential("DOM\\user", secret),
              Secret: secureString(secret)
            }
          }
        ])
        assert.deepStrictEqual(result.terminatingError?.message, undefined)
        assert.deepStrictEqual(result.output, [
          "quo'te\" $(x) ; `n ä 𝄞|7|3000000000|0.5|True|True|11111111-2222-4333-8444-555555555555|2026-01-02T03:04:05.0000000Z|v",
          "2 String Int32|1 0 255",
          `DOM\\user ${Redacted.value(secret)}|${Redacted.value(secret)}`
        ])
      }),
    60_000
  )

  it.live(
    "tells errors with all their parts",
    () =>
      Effect.gen(function* () {
        const { pool } = yield* powerShell
        const missing = yield* pool.invoke([{ name: "Get-Item", parameters: { Path: "/nonexistent" } }])
        assert.strictEqual(missing.state, "Completed")
        const [error] = missing.errors
        assert.deepStrictEqual(
          [error?.fullyQualifiedErrorId, error?.category, error?.activity, error?.reason, error?.targetName],
          [
            "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
            13,
            "Get-Item",
            "ItemNotFoundException",
            "/nonexistent"
          ]
        )
        for (const [invocation, id] of [
          [{ name: "Get-Nothing", parameters: {} }, "CommandNotFoundException"],
          [{ name: "Get-Text", parameters: { Length: "many" } }, "ParameterArgumentTransformationError,Get-Text"],
          [{ name: "Get-Text", parameters: { Nope: 1 } }, "NamedParameterNotFound,Get-Text"],
          [{ name: "if (", isScript: true, parameters: {} }, undefined]
        ] as const) {
          const failed = yield* pool.invoke([invocation])
          assert.strictEqual(failed.state, "Failed")
          if (id !== undefined) assert.strictEqual(failed.terminatingError?.fullyQualifiedErrorId, id)
        }
        assertSame((yield* pool.invoke([{ name: "Echo-Value", parameters: { Value: "alive" } }])).output, ["alive"])
      }),
    60_000
  )
}

if (pwsh === "") {
  process.stderr.write("skipped: our PSRP on PowerShell (PWSH is not set)\n")
  describe.skip("our PSRP on PowerShell (skipped: PWSH is not set)", () => {
    suite(powerShell)
    powerShellAlone()
  })
} else
  describe("our PSRP on PowerShell", () => {
    suite(powerShell)
    powerShellAlone()
  })
