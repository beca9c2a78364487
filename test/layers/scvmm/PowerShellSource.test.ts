import { assert, describe, it } from "@effect/vitest"
import * as PowerShell from "./PowerShellSource.ts"

const callsOf = (text: string) => PowerShell.calls(PowerShell.tokens(text))

describe("the reader of our functions", () => {
  it("finds commands, named parameters, switches and splats", () => {
    const text = `$x = @(Get-SCVirtualMachine -ID ([guid]$Id) -ErrorAction Stop)
      $null = New-Thing @common -JobGroup $a.B[0] -Force -Confirm:$false | Where-Object -FilterScript { Test-Thing -Name 'a -b' }`
    assert.deepStrictEqual(callsOf(text), [
      {
        command: "Get-SCVirtualMachine",
        line: 1,
        parameters: [
          { name: "ID", hasValue: true, value: "([guid]$Id)" },
          { name: "ErrorAction", hasValue: true, value: "Stop" }
        ],
        splats: []
      },
      {
        command: "New-Thing",
        line: 2,
        parameters: [
          { name: "JobGroup", hasValue: true, value: "$a.B[0]" },
          { name: "Force", hasValue: false, value: "" },
          { name: "Confirm", hasValue: true, value: "$false" }
        ],
        splats: ["common"]
      },
      {
        command: "Where-Object",
        line: 2,
        parameters: [{ name: "FilterScript", hasValue: true, value: "{Test-Thing-Name'a -b'}" }],
        splats: []
      },
      { command: "Test-Thing", line: 2, parameters: [{ name: "Name", hasValue: true, value: "'a -b'" }], splats: [] }
    ])
  })

  it("joins continued lines, skips comments, and is not fooled by strings", () => {
    const text = 'New-Thing -A "x $(f \'"\') Get-Other" `\n  -B 1 # Get-Comment -C\n'
    assert.deepStrictEqual(
      callsOf(text).map(({ command, parameters }) => [command, parameters.map(({ name }) => name)]),
      [["New-Thing", ["A", "B"]]]
    )
  })

  it("refuses positional arguments", () => {
    assert.throws(() => callsOf("Get-Thing $x"), PowerShell.Unreadable)
    assert.throws(() => callsOf("Get-Thing 'x'"), PowerShell.Unreadable)
  })

  it("reads param blocks", () => {
    const text = `function Get-Thing {
      [CmdletBinding()]
      param([Parameter(Mandatory)] [AllowEmptyString()] [string] $Name, [hashtable[]] $List = @{ A = 1; B = 2 }, [long] $Last,
        [string] $Text, [Parameter(Mandatory)] [string] $Full)
    }`
    assert.deepStrictEqual(PowerShell.definition(PowerShell.tokens(text)), {
      name: "Get-Thing",
      parameters: [
        { name: "Name", type: "string", mandatory: true, empty: true },
        { name: "List", type: "hashtable[]", mandatory: false, empty: false },
        { name: "Last", type: "long", mandatory: false, empty: false },
        { name: "Text", type: "string", mandatory: false, empty: true },
        { name: "Full", type: "string", mandatory: true, empty: false }
      ]
    })
  })

  it("knows what a splatted variable can hold", () => {
    const text = `$a = if ($x) { @{ One = (f) } } else { @{ Two = 2
      Three = @{ No = 1 } } }
    $a['Four'] = 4`
    assert.deepStrictEqual(PowerShell.splat(PowerShell.tokens(text), "a"), {
      alternatives: [["One"], ["Two", "Three"]],
      added: ["Four"]
    })
  })
})
