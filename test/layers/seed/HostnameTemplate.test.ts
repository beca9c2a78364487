import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as HostnameTemplate from "../../../layers/seed/HostnameTemplate.ts"

const data = {
  metadata: { name: "m", labels: { "a.b/c": "x" } },
  spec: { vmName: "node01.pool", networking: { domain: "example.org" }, cpuCount: 4, tags: ["a", "b"] }
}

const render = (template: string): string =>
  Result.match(HostnameTemplate.render(template, data), {
    onSuccess: (text) => text,
    onFailure: (error) => `! ${error.detail}`
  })

describe("HostnameTemplate", () => {
  it.each([
    // The CRD's default.
    [String.raw`{{ regexReplaceAll "\\..*$" .spec.vmName "" }}.{{ .spec.networking.domain }}`, "node01.example.org"],
    ["plain", "plain"],
    ["{{ .spec.vmName | upper | trunc 6 }}", "NODE01"],
    ['{{ trimSuffix ".pool" .spec.vmName }}-{{ .spec.cpuCount }}', "node01-4"],
    ['a {{- /* gone */ -}} b{{ printf "%s-%d" (lower "X") 3 }}', "abx-3"],
    ['{{ index .metadata.labels "a.b/c" }}', "x"],
    ['{{ default "none" .spec.missing }}', "none"],
    // Go: a missing field prints so, also below a missing parent.
    ["{{ .spec.nothing.at.all }}", "<no value>"],
    ["{{ .spec.tags }}", "[a b]"],
    ['{{ regexReplaceAll `(?i)^NODE(\\d+).*` .spec.vmName "n${1}" }}', "n01"]
  ])("%s", (template, text) => {
    assert.strictEqual(render(template), text)
  })

  it.each([
    ['{{ env "SCVMM_PASSWORD" }}', "refused"],
    ["{{ lower .spec.missing }}", "missing"],
    ["{{ nosuch .spec.vmName }}", "not supported"],
    ["{{ if .spec.vmName }}x{{ end }}", "not supported"],
    ["{{ .spec.vmName", "not closed"],
    ["{{ (lower .spec.vmName }}", "not closed"],
    ["{{ }}", "empty"],
    ["{{ .spec.vmName | }}", "pipe"]
  ])("%s is refused with a reason", (template, reason) => {
    const text = render(template)
    assert.isTrue(text.startsWith("! ") && text.includes(reason), text)
  })

  it.prop(
    "text without actions is itself",
    { text: Schema.String.check(Schema.makeFilter((s) => !s.includes("{{"))) },
    ({ text }) => {
      assert.strictEqual(render(text), text)
    }
  )
})
