/** What the simulated powershell.exe understands of its command line and of its script. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readCallScript } from "../../../../src/simulators/scvmm/CallScript.ts"
import { readPowerShellCommandLine } from "../../../../src/simulators/scvmm/PowerShellCommandLine.ts"

const read = (script: string) =>
  Result.map(readCallScript(script), (statements) =>
    statements.map((commands) =>
      commands.map(({ name, parameters }) => [
        name,
        ...parameters.map(({ name: parameter, value }) => (parameter === undefined ? value : [parameter, value]))
      ])
    )
  )

const succeeds = (script: string) => Result.getOrThrow(read(script))

describe("a script of calls", () => {
  it("holds statements of commands with arguments and parameters", () => {
    assert.deepStrictEqual(succeeds("Get-One -Id 'a b' -Force; Get-Two 3 x\r\n\nGet-Three -On:$true | Out-Null"), [
      [["Get-One", ["-Id", "a b"], ["-Force", true]]],
      [["Get-Two", 3, "x"]],
      [["Get-Three", ["-On", true]], ["Out-Null"]]
    ])
    assert.deepStrictEqual(succeeds(`Get-One -A $null -B $FALSE -C "say ""hi""" -D -7 -E 99999999999 -F 00a`), [
      [["Get-One", ["-A", null], ["-B", false], ["-C", 'say "hi"'], ["-D", -7], ["-E", "99999999999"], ["-F", "00a"]]]
    ])
    assert.deepStrictEqual(succeeds(" \n# nothing\n;;"), [])
  })

  it("may set preferences and have comments", () =>
    assert.deepStrictEqual(
      succeeds("$ProgressPreference = 'SilentlyContinue';Get-One # one\n$global:ErrorActionPreference=Stop\nGet-Two"),
      [[["Get-One"]], [["Get-Two"]]]
    ))

  it("is refused for anything else, which is named", () => {
    for (const [script, what] of [
      ["Get-One | Where-Object { $_.A }", "{ $_.A }"],
      ["$a = 1", "$a = 1"],
      ['Get-One "$env:USER"', '"$env:USER"'],
      ["Get-One (Get-Two)", "(Get-Two)"],
      ["Get-One 'open", "'open"],
      ["Get-One a,b", ",b"],
      ["| Get-One", "|"],
      ["3", "3"]
    ] as const)
      assert.include(Result.getOrThrow(Result.flip(read(script))), `reads no "${what}"`)
  })

  it.effect.prop("gives back any text that stands in single quotes", { text: Schema.String }, ({ text }) =>
    Effect.sync(() =>
      assert.deepStrictEqual(succeeds(`Get-One -Id '${text.replaceAll("'", "''")}'`), [[["Get-One", ["-Id", text]]]])
    )
  )

  it.effect.prop("is read or refused, whatever it is", { text: Schema.String }, ({ text }) =>
    Effect.sync(() => assert.isTrue(Result.isResult(readCallScript(text))))
  )
})

const encoded = (script: string): string => Buffer.from(script, "utf16le").toString("base64")

describe("a command line of powershell.exe", () => {
  it("names its script by -Command or by -EncodedCommand, whole or cut short", () => {
    for (const line of [
      `powershell -encodedcommand ${encoded("Get-One 'ä'")}`,
      `powershell.exe -NoProfile -enc ${encoded("Get-One 'ä'")}`,
      `PowerShell -ExecutionPolicy Bypass -e ${encoded("Get-One 'ä'")}`,
      `C:\\Windows\\system32\\WindowsPowerShell\\v1.0\\powershell.exe -ec ${encoded("Get-One 'ä'")}`
    ])
      assert.deepStrictEqual(readPowerShellCommandLine(line), { script: "Get-One 'ä'", xmlErrors: true })
    for (const line of [
      "powershell Get-One 1",
      "powershell -NoProfile -c Get-One 1",
      'powershell -Command "Get-One 1"',
      'powershell.exe -NoProfile -NonInteractive -NoLogo -ExecutionPolicy Bypass -InputFormat Text -Command "& { Get-One 1 }"',
      '"C:\\Program Files\\powershell.exe" -Command Get-One 1'
    ])
      assert.deepStrictEqual(readPowerShellCommandLine(line), { script: "Get-One 1", xmlErrors: false })
  })

  it("may have none, or be another program's", () => {
    assert.deepStrictEqual(readPowerShellCommandLine("powershell -NoExit"), { script: "", xmlErrors: false })
    assert.deepStrictEqual(readPowerShellCommandLine("powershell -e abc"), { script: "", xmlErrors: true })
    for (const line of ["", "ver", "powershellx -c 1", "cmd /c powershell -c 1"])
      assert.isUndefined(readPowerShellCommandLine(line))
  })
})
