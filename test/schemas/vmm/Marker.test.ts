import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Marker from "../../../schemas/vmm/Marker.ts"

const Name = Schema.String.check(Schema.isPattern(/^[a-z0-9]([-a-z0-9.]{0,40}[a-z0-9])?$/u))
const Uid = Schema.String.check(Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u))
const Any = Schema.Struct({ installation: Uid, namespace: Name, name: Name, uid: Uid })
const Lines = Schema.Array(Schema.String)

describe("Marker", () => {
  it.prop("is read back as it was written", { marker: Any }, ({ marker }) => {
    assert.deepStrictEqual(Marker.parse(Marker.render(marker)), marker)
  })

  it.prop(
    "is found among the lines of any description, whatever ends them",
    { marker: Any, before: Lines, after: Lines, crlf: Schema.Boolean },
    ({ marker, before, after, crlf }) => {
      const foreign = before.filter((line) => Marker.parse(line) === undefined)
      const description = [...foreign, `  ${Marker.render(marker)}\t`, ...after].join(crlf ? "\r\n" : "\n")
      assert.deepStrictEqual(Marker.parse(description), marker)
    }
  )

  it.prop("a description without one has none", { lines: Lines }, ({ lines }) => {
    assert.isUndefined(Marker.parse(lines.map((line) => `x${line}`).join("\n")))
  })

  it.prop("holds the text that is searched for", { marker: Any, other: Uid }, ({ marker, other }) => {
    assert.include(Marker.render(marker), Marker.ofInstallation(marker.installation))
    if (other !== marker.installation) assert.notInclude(Marker.render(marker), Marker.ofInstallation(other))
  })

  it("refuses what is almost one", () => {
    for (const line of [
      "",
      "capscvmm/1",
      "capscvmm/2 installation=i machine=a/b uid=u",
      "capscvmm/1 installation=i machine=b uid=u",
      "capscvmm/1 installation=i machine=a/b uid=",
      "capscvmm/1 installation=i machine=a/b uid=u and more",
      "see capscvmm/1 installation=i machine=a/b uid=u"
    ]) {
      assert.isUndefined(Marker.parse(line), line)
    }
  })
})
