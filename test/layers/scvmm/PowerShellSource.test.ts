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
          { name: "ID", hasValue: true },
          { name: "ErrorAction", hasValue: true }
        ],
        splats: []
      },
      {
        command: "New-Thing",
        line: 2,
        parameters: [
          { name: "JobGroup", hasValue: true },
          { name: "Force", hasValue: false },
          { name: "Confirm", hasValue: true }
        ],
        splats: ["common"]
      },
      { command: "Where-Object", line: 2, parameters: [{ name: "FilterScript", hasValue: true }], splats: [] },
      { command: "Test-Thing", line: 2, parameters: [{ name: "Name", hasValue: true }], splats: [] }
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
      param([Parameter(Mandatory)] [AllowEmptyString()] [string] $Name, [hashtable[]] $List = @{ A = 1; B = 2 }, [long] $Last)
    }`
    assert.deepStrictEqual(PowerShell.definition(PowerShell.tokens(text)), {
      name: "Get-Thing",
      parameters: [
        { name: "Name", type: "string", mandatory: true },
        { name: "List", type: "hashtable[]", mandatory: false },
        { name: "Last", type: "long", mandatory: false }
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
