/** The PowerShell functions, without PowerShell: what they call exists, and they take what the verbs say. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { moduleText, moduleVersion, verbs } from "../../../layers/scvmm/Catalogue.ts"
import * as Module from "../../../layers/scvmm/Module.ts"
import { ErrorId } from "../../../schemas/vmm/Verb.ts"
import * as CmdletTable from "./CmdletTable.ts"
import * as PowerShell from "./PowerShellSource.ts"

const sources = [...Effect.runSync(Module.files)].map(([file, text]) => ({
  file,
  text,
  tokens: PowerShell.tokens(text)
}))
const definitions = new Map(
  sources.flatMap(({ file, tokens }) => {
    const found = PowerShell.definition(tokens)
    return found === undefined ? [] : [[found.name, { ...found, file }] as const]
  })
)

const commonParameters = new Set([
  "ErrorAction",
  "WarningAction",
  "InformationAction",
  "Verbose",
  "Debug",
  "ErrorVariable",
  "WarningVariable",
  "OutVariable",
  "OutBuffer",
  "PipelineVariable"
])

/** Variables that hold what another function returned: file:variable → where the hashtable is written. */
const returned: Readonly<Record<string, { readonly file: string; readonly variable: string }>> = {
  "New-CapsVirtualMachine.ps1:adapterArguments": { file: "Resolve-CapsNetworkDevice.ps1", variable: "arguments" }
}

/** Newer than the table of VMM 2016; the function asks Get-Command before it uses them. */
const probed: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["New-SCVirtualMachine", new Set(["EnableNestedVirtualization"])]
])

const product = <A>(lists: ReadonlyArray<ReadonlyArray<A>>): ReadonlyArray<ReadonlyArray<A>> =>
  lists.reduce<ReadonlyArray<ReadonlyArray<A>>>(
    (heads, list) => heads.flatMap((head) => list.map((item) => [...head, item])),
    [[]]
  )

/** Every combination of parameter names that a call can have: for each splat its least and its most. */
const combinations = (file: string, call: PowerShell.Call): ReadonlyArray<ReadonlyArray<string>> => {
  const named = call.parameters.map(({ name }) => name)
  const splats = call.splats.map((variable) => {
    const origin = returned[`${file}:${variable}`] ?? { file, variable }
    const tokens = sources.find((source) => source.file === origin.file)?.tokens ?? []
    const { alternatives, added } = PowerShell.splat(tokens, origin.variable)
    assert.isAbove(alternatives.length, 0, `${file}:${call.line}: what is in @${variable}?`)
    return alternatives.flatMap((keys) => (added.length === 0 ? [keys] : [keys, [...new Set([...keys, ...added])]]))
  })
  return product(splats).map((keys) => [...named, ...keys.flat()])
}

const allCalls = sources.flatMap(({ file, tokens }) => PowerShell.calls(tokens).map((call) => ({ file, call })))

const has = (names: ReadonlyArray<string>, name: string) =>
  names.some((other) => other.toLowerCase() === name.toLowerCase())

/** What is wrong with calling a cmdlet with these parameters, as PowerShell's binder would see it. */
const misbinding = (cmdlet: CmdletTable.Cmdlet, names: ReadonlyArray<string>): string | undefined => {
  const repeated = names.filter((name, index) => has(names.slice(0, index), name))
  if (repeated.length > 0) return `twice: ${repeated.join(", ")}`
  const given = names.filter((name) => !commonParameters.has(name) && probed.get(cmdlet.name)?.has(name) !== true)
  const all = cmdlet.parameterSets.flatMap((set) => set.parameters.map(({ name }) => name))
  const unknown = given.filter((name) => !all.includes(name))
  if (unknown.length > 0) return `unknown: ${unknown.join(", ")}`
  const open = cmdlet.parameterSets.filter((set) => given.every((name) => set.parameters.some((p) => p.name === name)))
  if (open.length === 0) return `in no set together: ${given.join(", ")}`
  const lacking = (set: (typeof open)[number]) =>
    set.parameters.filter(({ name, mandatory }) => mandatory && !given.includes(name)).map(({ name }) => name)
  const fallback = open.find((set) => set.default === true)
  if (fallback !== undefined) {
    return lacking(fallback).length === 0 || open.filter((set) => lacking(set).length === 0).length === 1
      ? undefined
      : `default set ${fallback.name} lacks ${lacking(fallback).join(", ")}`
  }
  const satisfied = open.filter((set) => lacking(set).length === 0)
  if (satisfied.length === 1) return undefined
  return satisfied.length === 0
    ? `lacks ${open.map((set) => `${set.name}: ${lacking(set).join("+")}`).join("; ")}`
    : `ambiguous: ${satisfied.map((set) => set.name).join(", ")}`
}

const isOurs = (command: string) => /-Caps[A-Z]/.test(command)
const isVmm = (command: string) => /-SC[A-Z]|^Import-SC|^Read-SC/.test(command)

describe("functions/*.ps1", () => {
  it("is one function a file, under the name of the file, with an approved verb and the prefix Caps", () => {
    const approved =
      /^(?:Add|Assert|Connect|ConvertTo|Expand|Find|Get|Import|Mount|New|Remove|Resolve|Select|Start|Stop|Test|Write)-Caps[A-Z]\w+$/
    for (const { file, text, tokens } of sources) {
      assert.match(text, /^# \S.*\n/, file)
      assert.strictEqual(tokens.filter((token) => token.text === "function").length, 1, file)
      assert.strictEqual(`${PowerShell.definition(tokens)?.name}.ps1`, file)
      assert.match(file.slice(0, -4), approved)
      assert.include(text, "[CmdletBinding()]", file)
      for (const { name, type } of PowerShell.definition(tokens)?.parameters ?? []) {
        assert.notStrictEqual(type, "", `${file}: $${name} has no type`)
      }
    }
  })

  it("closes what it opens", () => {
    const closing: Readonly<Record<string, string>> = { "(": ")", "@(": ")", "$(": ")", "{": "}", "@{": "}", "[": "]" }
    for (const { file, tokens } of sources) {
      const open: Array<string> = []
      for (const token of tokens) {
        if (token.kind === "open") open.push(closing[token.text] ?? "")
        else if (token.kind === "close") assert.strictEqual(token.text, open.pop(), `${file}:${token.line}`)
      }
      assert.deepStrictEqual(open, [], file)
    }
  })

  it("every verb sets strict mode and preferences for itself, and nothing is set outside of functions", () => {
    for (const { name } of verbs) {
      const text = sources.find(({ file }) => file === `${name}.ps1`)?.text ?? ""
      assert.include(
        text,
        "  Set-StrictMode -Version 'Latest'\n  $ErrorActionPreference = 'Stop'\n  $ProgressPreference = 'SilentlyContinue'\n",
        name
      )
    }
    for (const { file, text } of sources) assert.match(text, /^(?:#.*\n)+function [\w-]+ \{\n[\s\S]*\n\}\n$/, file)
  })

  it("the module's text is every function without its comments", () => {
    const text = moduleText(new Map(sources.map((source) => [source.file, source.text])))
    assert.notMatch(text, /^\s*#/m)
    assert.deepStrictEqual(
      [...text.matchAll(/^function ([\w-]+) \{$/gm)].map(([, name]) => name),
      [...definitions.keys()].toSorted()
    )
    assert.deepStrictEqual(
      PowerShell.tokens(text)
        .filter(({ kind }) => kind !== "end")
        .map((token) => token.text),
      sources
        .toSorted((a, b) => (a.file < b.file ? -1 : 1))
        .flatMap(({ tokens }) => tokens.filter(({ kind }) => kind !== "end").map((token) => token.text))
    )
  })

  it("says its version", () => {
    const connect = sources.find(({ file }) => file === "Connect-CapsServer.ps1")?.text ?? ""
    assert.include(connect, `ModuleVersion = '${moduleVersion}'`)
  })

  it("holds nothing that runs text", () => {
    for (const { file, text } of sources) {
      assert.notMatch(text, /Invoke-Expression|\biex\b|\[scriptblock\]|AddScript|Add-Type/i, file)
    }
  })

  it("every verb has its function, with the parameters and types of its schema and no others", () => {
    for (const verb of verbs) {
      const found = definitions.get(verb.name)
      assert.isDefined(found, verb.name)
      // Every verb's parameters are a Struct; the interface of Verb only promises a codec.
      const { fields } = verb.parameters as unknown as Schema.Struct<Schema.Struct.Fields>
      const expected = Object.entries(fields).map(([name, field]) => ({
        name,
        types: typesOf(field),
        mandatory: field.ast.context?.isOptional !== true,
        empty: field.ast._tag === "String" && Schema.is(field as Schema.Codec<unknown, unknown>)("")
      }))
      assert.deepStrictEqual(
        found?.parameters.map(({ name }) => name).toSorted(),
        expected.map(({ name }) => name).toSorted(),
        verb.name
      )
      for (const { name, types, mandatory, empty } of expected) {
        const parameter = found?.parameters.find((other) => other.name === name)
        assert.include(types, parameter?.type, `${verb.name} -${name}`)
        assert.strictEqual(parameter?.mandatory, mandatory, `${verb.name} -${name}: mandatory`)
        // Exactly what the schema lets through arrives.
        if (mandatory) assert.strictEqual(parameter?.empty, empty, `${verb.name} -${name}: [AllowEmptyString()]`)
      }
    }
  })

  it("every verb hands its failures on as terminating errors of its own", () => {
    for (const { name } of verbs) {
      const source = sources.find(({ file }) => file === `${name}.ps1`)
      assert.match(source?.text ?? "", /\} catch \{[\s\S]*\$PSCmdlet\.ThrowTerminatingError\(\$(?:_|failure)\)/, name)
    }
  })

  it("throws no error id that the schema does not name, and every one that it names", () => {
    const thrown = new Set(
      sources.flatMap(({ text }) => [...text.matchAll(/-ErrorId '(\w+)'/g)].map(([, id]) => id ?? ""))
    )
    assert.deepStrictEqual([...thrown].toSorted(), Object.values<string>(ErrorId).toSorted())
  })

  it("calls its own functions with parameters that they have, and all that are mandatory", () => {
    for (const { file, call } of allCalls.filter(({ call }) => isOurs(call.command))) {
      const parameters = definitions.get(call.command)?.parameters
      assert.isDefined(parameters, `${file}:${call.line}: ${call.command}`)
      const names = call.parameters.map(({ name }) => name)
      const unknown = names.filter((name) => parameters?.every((parameter) => parameter.name !== name))
      const missing = parameters?.filter(({ name, mandatory }) => mandatory && !names.includes(name)) ?? []
      assert.deepStrictEqual(
        { unknown, missing },
        { unknown: [], missing: [] },
        `${file}:${call.line}: ${call.command}`
      )
    }
  })

  it("gives no text that may be empty to a mandatory string that may not", () => {
    const wrong = allCalls
      .filter(({ call }) => isOurs(call.command))
      .flatMap(({ file, call }) => {
        const refusing = definitions
          .get(call.command)
          ?.parameters.filter(({ type, mandatory, empty }) => type === "string" && mandatory && !empty)
        const text = sources.find((source) => source.file === file)?.text ?? ""
        const own = definitions.get(file.slice(0, -4))?.parameters ?? []
        const mayBeEmpty = (value: string) =>
          value === "''" ||
          (own.some(({ name, empty }) => empty && value === `$${name}`) && !text.includes(`if (${value} -ne '')`)) ||
          // An entry of a hashtable, which nobody has looked at.
          /^\$\w+\['\w+'\]$/.test(value)
        return call.parameters
          .filter(({ name, value }) => refusing?.some((parameter) => parameter.name === name) && mayBeEmpty(value))
          .map(({ name, value }) => `${file}:${call.line}: ${call.command} -${name} ${value}`)
      })
    assert.deepStrictEqual(wrong, [])
  })

  it("tells of every step on a VM that failed whether the VM is still there", () => {
    const steps = /^(?:Start|Stop|Remove)-SCVirtualMachine$|^Expand-SCVirtualDiskDrive$|^Set-SCVirtualDVDDrive$/
    const files = new Set(allCalls.filter(({ call }) => steps.test(call.command)).map(({ file }) => file))
    assert.strictEqual(files.size, 5)
    for (const file of files) {
      const text = sources.find((source) => source.file === file)?.text ?? ""
      assert.match(text, /\} catch \{\n[^}]*\$failure = Select-CapsFailure -Id \$Id -ErrorRecord \$_\n/, file)
    }
  })

  it("never removes a VM by -Force, and never asks", () => {
    for (const { file, call } of allCalls) {
      const names = call.parameters.map(({ name }) => name)
      if (call.command === "Remove-SCVirtualMachine") assert.notInclude(names, "Force", file)
      if (call.command.startsWith("Remove-SC")) assert.include(names, "Confirm", `${file}:${call.line}`)
    }
  })

  it("grows disks as a job, up to what was asked for in bytes, and never otherwise", () => {
    const grown = allCalls.filter(({ call }) => call.command === "Expand-SCVirtualDiskDrive")
    assert.deepStrictEqual(
      grown.map(({ file, call }) => [file, ...call.parameters.map(({ name }) => name)]),
      [["Expand-CapsVirtualDisk.ps1", "VirtualDiskDrive", "VirtualHardDiskSizeGB", "RunAsynchronously"]]
    )
    const text = sources.find(({ file }) => file === "Expand-CapsVirtualDisk.ps1")?.text ?? ""
    assert.match(
      text,
      /-lt \$SizeMB \* 1MB\) \{\n\s+\$size = \[int\]\[System\.Math\]::Ceiling\(\[double\]\$SizeMB \/ 1024\)/
    )
  })

  const textOf = (name: string) => sources.find(({ file }) => file === name)?.text ?? ""

  it("has a medium on disk for the time of its import alone, in a folder of its own", () => {
    const text = textOf("Import-CapsMedium.ps1")
    const writes = sources.filter((source) => /System\.IO\.File\]::(?:Write|Open|Create|Append)/.test(source.text))
    assert.deepStrictEqual(
      writes.map(({ file }) => file),
      ["Import-CapsMedium.ps1"]
    )
    assert.match(text, /\$folder = \[System\.IO\.Path\]::Combine\(\(Get-CapsMediumFolder\), \[guid\]::NewGuid\(\)/)
    assert.match(
      text,
      /\n {4}try \{\n[^}]*::WriteAllBytes\(\$path[^}]*Import-SCLibraryPhysicalResource[^}]*\} finally \{\n[^}]*Remove-CapsMediumFolder -Path \$folder\n {4}\}/
    )
  })

  it("clears its own temporary folder of what is older than an hour, with each session", () => {
    assert.deepStrictEqual(
      allCalls.filter(({ call }) => call.command === "Remove-CapsStaleMedium").map(({ file }) => file),
      ["Connect-CapsServer.ps1"]
    )
    assert.match(
      textOf("Remove-CapsStaleMedium.ps1"),
      /AddHours\(-1\)[\s\S]*GetLastWriteTimeUtc\(\$path\) -lt \$limit\) \{ Remove-CapsMediumFolder -Path \$path \}/
    )
  })

  it("looks for VM networks on the logical networks of the bounded clusters alone", () => {
    const commandsOf = (name: string) => allCalls.filter(({ call }) => call.command === name)
    const parametersOf = (name: string) => commandsOf(name).map(({ call }) => call.parameters.map(({ name }) => name))
    assert.isNotEmpty(commandsOf("Get-SCVMNetwork"))
    for (const names of parametersOf("Get-SCVMNetwork")) assert.include(names, "LogicalNetwork")
    assert.deepStrictEqual(parametersOf("Get-SCVMHostCluster"), [["VMHostGroup"]])
    assert.deepStrictEqual(parametersOf("Get-SCVirtualNetwork"), [["VMHostCluster"]])
  })

  it("has no variable of the name of an automatic one", () => {
    const automatic =
      /^\$(?:args|error|event|foreach|home|host|input|matches|myinvocation|pid|profile|sender|switch|this)$/i
    for (const { file, tokens } of sources) {
      for (const token of tokens) assert.notMatch(token.text, automatic, `${file}:${token.line}`)
    }
  })

  const vmm = CmdletTable.vmm()
  if (vmm === undefined) process.stderr.write("skipped: cmdlet table of VMM (SCVMM_CMDLETS names no file)\n")
  it.skipIf(vmm === undefined)("calls VMM's cmdlets as their parameter sets allow (SCVMM_CMDLETS)", () => {
    const seen = allCalls.filter(({ call }) => isVmm(call.command))
    assert.isAbove(seen.length, 35)
    const wrong = seen.flatMap(({ file, call }) => {
      const cmdlet = vmm?.get(call.command)
      if (cmdlet === undefined) return [`${file}:${call.line}: no cmdlet ${call.command}`]
      const switches = new Set(
        cmdlet.parameterSets.flatMap((set) => set.parameters.filter((p) => p.isSwitch === true).map((p) => p.name))
      )
      const values = call.parameters.flatMap(({ name, hasValue }) =>
        hasValue === (switches.has(name) && name !== "Confirm")
          ? [`${file}:${call.line}: ${call.command} -${name} ${hasValue ? "with a value" : "without a value"}`]
          : []
      )
      return [
        ...values,
        ...combinations(file, call).flatMap((names) => {
          const fault = misbinding(cmdlet, names)
          return fault === undefined ? [] : [`${file}:${call.line}: ${call.command}: ${fault}`]
        })
      ]
    })
    assert.deepStrictEqual(wrong, [])
  })

  it("asks VMM before it uses what newer versions brought", () => {
    for (const [, names] of probed) {
      for (const name of names) {
        for (const { file, text } of sources.filter(({ text }) => text.includes(`['${name}'] =`))) {
          assert.include(text, `.Parameters.ContainsKey('${name}')`, file)
        }
      }
    }
  })

  const core = CmdletTable.core()
  if (core === undefined) process.stderr.write("skipped: commands of PowerShell 5.1 (PS51_COMMANDS names no file)\n")
  it.skipIf(core === undefined)("calls nothing else but commands of Windows PowerShell 5.1 (PS51_COMMANDS)", () => {
    const wrong = allCalls
      .filter(({ call }) => !isVmm(call.command) && !isOurs(call.command))
      .flatMap(({ file, call }) => {
        const known = core?.get(call.command)
        if (known === undefined) return [`${file}:${call.line}: no command ${call.command}`]
        return combinations(file, call)
          .flat()
          .filter((name) => !known.has(name) && !commonParameters.has(name))
          .map((name) => `${file}:${call.line}: ${call.command} has no -${name}`)
      })
    assert.deepStrictEqual(wrong, [])
  })
})

/** The types that a field of a schema may have in a param() block. */
const typesOf = (field: Schema.Constraint): ReadonlyArray<string> => {
  const { ast } = field
  switch (ast._tag) {
    case "String":
    case "Union":
      return ["string"]
    case "Number":
      return ["int", "long"]
    case "Boolean":
      return ["bool"]
    case "Declaration":
      return ast.annotations?.["identifier"] === "PSCredential" ? ["pscredential"] : ["byte[]"]
    case "Objects":
      return ["hashtable"]
    case "Arrays":
      return ast.rest[0]?._tag === "Objects" ? ["hashtable[]"] : ["string[]"]
    default:
      return []
  }
}
