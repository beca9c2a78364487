import { assert, describe, it } from "@effect/vitest"
import { select } from "../../../../src/simulators/kube/JsonPath.ts"

const machine = {
  spec: { id: "x" },
  status: {
    addresses: [
      { type: "InternalIP", address: "10.0.0.5" },
      { type: "Hostname", address: "h" }
    ]
  }
}

describe("JsonPath", () => {
  it.each([
    [".spec.id", ["x"]],
    // The path of the IP column: kubectl on a real API server prints the first address.
    [".status.addresses[].address", ["10.0.0.5", "h"]],
    [".status.addresses[*].address", ["10.0.0.5", "h"]],
    [".status.addresses[1].address", ["h"]],
    ['.status.addresses[?(@.type=="Hostname")].address', ["h"]],
    [".status.nothing.there", []]
  ])("%s", (path, selected) => {
    assert.deepStrictEqual(select(machine, path), selected)
  })
})
