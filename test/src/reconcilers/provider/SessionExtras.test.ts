import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as FeatureGates from "../../../../src/reconcilers/FeatureGates.ts"
import { extrasOf, problemOf } from "../../../../src/reconcilers/provider/SessionExtras.ts"
import { scvmmProvider } from "../Objects.ts"

const specOf = (spec: object) => scvmmProvider({ spec }).spec
const of = (spec: object, gates = FeatureGates.defaults) => problemOf(specOf(spec), gates)
const off = { ...FeatureGates.defaults, ExtraFunctions: false }
const functions = { AddVMSpec: "param()" }
const env = { SITE: "x" }

describe("extraFunctions and env", () => {
  it("are nobody's concern while there are none", () => {
    for (const spec of [{}, { extraFunctions: {}, env: {} }, { transport: { configurationName: "Caps" } }]) {
      assert.isUndefined(of(spec, off))
    }
  })

  it("are taken as the predecessor's manifests have them", () => {
    assert.isUndefined(
      of({
        extraFunctions: { AddVMSpec: "param($spec, $metadata)", "Get-SiteAddress": "1", "Site.Helper_2": "2" },
        env: { SITE_TOKEN: "t", "ProgramFiles(x86)": "C:\\x", EMPTY: "" }
      })
    )
  })

  it.each<[string, object, FeatureGates.FeatureGates, string, RegExp]>([
    ["functions, gated off", { extraFunctions: functions }, off, "FeatureDisabled", /^spec\.extraFunctions: .*gate/u],
    ["variables, gated off", { env }, off, "FeatureDisabled", /^spec\.env: .*--feature-gates=ExtraFunctions=false/u],
    [
      "both, with a session configuration of one's own",
      { extraFunctions: functions, env, transport: { configurationName: "Caps" } },
      FeatureGates.defaults,
      "ExtraFunctionsInvalid",
      /^spec\.extraFunctions and spec\.env: .*"Caps".*configurationName/u
    ],
    ...[
      "New-CapsVirtualMachine",
      "connect-capsserver",
      "Get-CapsSomethingOfTomorrow",
      "CreateVM",
      "getvm",
      "ConnectSCVMM"
    ].map((name): [string, object, FeatureGates.FeatureGates, string, RegExp] => [
      `a function that would replace ${name}`,
      { extraFunctions: { Good: "1", [name]: "2" } },
      FeatureGates.defaults,
      "ExtraFunctionsInvalid",
      new RegExp(`^spec\\.extraFunctions\\.${name} would replace`, "u")
    ]),
    ...["", "a b", "x}", "function:global:x", "1st", "$x", "a;b", "-x"].map(
      (name): [string, object, FeatureGates.FeatureGates, string, RegExp] => [
        `a function of the name ${JSON.stringify(name)}`,
        { extraFunctions: { [name]: "1" } },
        FeatureGates.defaults,
        "ExtraFunctionsInvalid",
        /is no name of a function/u
      ]
    ),
    [
      "one function in two spellings",
      { extraFunctions: { Site: "1", SITE: "2" } },
      FeatureGates.defaults,
      "ExtraFunctionsInvalid",
      /spec\.extraFunctions\.SITE is there in two spellings/u
    ],
    ["a variable without a name", { env: { "": "x" } }, FeatureGates.defaults, "ExtraFunctionsInvalid", /no name/u],
    ["a variable with =", { env: { "A=B": "x" } }, FeatureGates.defaults, "ExtraFunctionsInvalid", /"A=B" is no name/u],
    ["a NUL", { env: { A: "x\0y" } }, FeatureGates.defaults, "ExtraFunctionsInvalid", /spec\.env\.A holds a NUL/u],
    [
      "a value that Windows does not take",
      { env: { A: "x".repeat(32_767) } },
      FeatureGates.defaults,
      "ExtraFunctionsInvalid",
      /spec\.env\.A is longer than 32766/u
    ],
    [
      "one variable in two spellings",
      { env: { Path: "1", PATH: "2" } },
      FeatureGates.defaults,
      "ExtraFunctionsInvalid",
      /PATH/u
    ]
  ])("refuses %s", (_, spec, gates, reason, says) => {
    const problem = of(spec, gates)
    assert.strictEqual(problem?.reason, reason)
    assert.match(problem?.message ?? "", says)
  })

  const account = { userName: "DOM\\svc", password: "S3cret" }
  const plain = (texts: Readonly<Record<string, Redacted.Redacted<string>>>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Redacted.value(text)]))

  it("have the account in their variables, whatever spec.env says of it", () => {
    const spec = specOf({ extraFunctions: functions, env: { ...env, scvmm_password: "other" } })
    const { environment, extraFunctions } = extrasOf(spec, account)
    assert.deepStrictEqual(plain(environment), { SITE: "x", SCVMM_USERNAME: "DOM\\svc", SCVMM_PASSWORD: "S3cret" })
    assert.deepStrictEqual(plain(extraFunctions), functions)
  })

  it("without functions the account is in no variable", () => {
    assert.deepStrictEqual(plain(extrasOf(specOf({ env }), account).environment), env)
    assert.deepStrictEqual(plain(extrasOf(specOf({}), account).environment), {})
  })

  it("are redacted", () => {
    const text = JSON.stringify(
      extrasOf(specOf({ extraFunctions: { A: "token-in-body" }, env: { B: "token" } }), account)
    )
    for (const secret of ["token", "S3cret"]) assert.notInclude(text, secret)
  })
})

describe("--feature-gates", () => {
  it("reads what Kubernetes' own programs read", () => {
    assert.deepStrictEqual(FeatureGates.parse(""), { ExtraFunctions: true })
    assert.deepStrictEqual(FeatureGates.parse("ExtraFunctions=false"), { ExtraFunctions: false })
    assert.deepStrictEqual(FeatureGates.parse(" ExtraFunctions = false ,ExtraFunctions=true,"), {
      ExtraFunctions: true
    })
  })

  it.each(["ExtraFunctions", "extraFunctions=true", "ExtraFunctions=1", "Unknown=true", "toString=true", "=true"])(
    "refuses %s",
    (text) => {
      assert.isUndefined(FeatureGates.parse(text))
    }
  )
})
