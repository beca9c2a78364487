import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { MachineRow } from "../../../../src/cli/demo/Snapshot.ts"
import type { State } from "../../../../src/cli/demo/View.ts"
import * as View from "../../../../src/cli/demo/View.ts"

const row = (name: string, more: Partial<MachineRow> = {}): MachineRow => ({
  name,
  phase: "Pending",
  vm: undefined,
  address: undefined,
  job: undefined,
  ...more
})

const state = (more: Partial<State> & { readonly machines?: ReadonlyArray<MachineRow> } = {}): State => ({
  elapsed: 12_340,
  steps: [{ title: "bring up", startedAt: 0, endedAt: undefined }],
  calls: 7,
  exchanges: 30,
  ...more,
  snapshot: {
    cluster: true,
    machines: more.machines ?? [],
    virtualMachines: 0,
    complaints: []
  }
})

const wide = { columns: 200, rows: 60 }

describe("picture", () => {
  it("shows steps with their time, machines as a table, and the traffic", () => {
    const machines = [
      row("demo-a", { phase: "Running", vm: "Running", address: "10.1.2.3" }),
      row("demo-b", {
        phase: "Provisioning",
        vm: "UnderCreation",
        job: { name: "Create virtual machine", progress: 42 }
      })
    ]
    const steps = [
      { title: "bring up", startedAt: 0, endedAt: 9000 },
      { title: "scale", startedAt: 9000, endedAt: undefined }
    ]
    assert.deepStrictEqual(View.picture(state({ machines, steps }), wide), [
      "Cluster API on a simulated SCVMM                               12.3 s",
      "",
      "✔ bring up                                                      9.0 s",
      "▸ scale                                                         3.3 s",
      "",
      "MACHINE                   PHASE         VM             ADDRESS          JOB",
      "demo-a                    Running       Running        10.1.2.3",
      "demo-b                    Provisioning  UnderCreation                    42 % ████░░░░░░ Create virtual machine",
      "",
      "SCVMM: 7 calls in 30 HTTP exchanges"
    ])
  })

  it.prop(
    "fits into the terminal, counts what does not, and keeps the row of the cursor",
    {
      count: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
      columns: Schema.Int.check(Schema.isBetween({ minimum: 21, maximum: 200 })),
      rows: Schema.Int.check(Schema.isBetween({ minimum: 12, maximum: 100 })),
      name: Schema.String
    },
    ({ count, columns, rows, name }) => {
      const machines = Array.from({ length: count }, (_, i) => row(`demo-${i}${name}`))
      const lines = View.picture(state({ machines }), { columns, rows })
      assert.isBelow(lines.length, rows)
      for (const line of lines) assert.isBelow(line.length, columns)
      const shown = lines.filter((line) => line.startsWith("demo-")).length
      const rest = Number(/^… and (\d+) more/u.exec(lines.find((line) => line.startsWith("…")) ?? "")?.[1] ?? 0)
      if (columns > 40 && !/[\n\r]/u.test(name)) assert.strictEqual(shown + rest, count)
    }
  )
})

describe("changes", () => {
  it("tells when a step begins and ends, in the order of time", () => {
    const before = state({ elapsed: 100 })
    assert.deepStrictEqual(View.changes(undefined, before), ["   0.0 s  ▸ bring up"])
    const steps = [
      { title: "bring up", startedAt: 0, endedAt: 9000 },
      { title: "scale", startedAt: 9001, endedAt: undefined }
    ]
    const after = state({ elapsed: 9100, steps, machines: [row("demo-a")] })
    assert.deepStrictEqual(View.changes(before, after), [
      "   9.0 s  ✔ bring up: 9.0 s",
      "   9.0 s  ▸ scale",
      "   9.1 s    demo-a                    Pending       no VM"
    ])
  })

  it("tells what became of a machine, and that it went", () => {
    const before = state({ machines: [row("demo-a"), row("demo-b")] })
    const machines = [row("demo-a", { phase: "Provisioned", vm: "Running", address: "10.1.2.3" })]
    assert.deepStrictEqual(View.changes(before, state({ machines })), [
      "  12.3 s    demo-a                    Provisioned   VM Running  10.1.2.3",
      "  12.3 s    demo-b                    gone"
    ])
  })

  it.prop(
    "progress of a job and the passing of time make no line",
    { from: Schema.Int, to: Schema.Int, elapsed: Schema.Int },
    ({ from, to, elapsed }) => {
      const at = (progress: number) =>
        state({ machines: [row("demo-a", { vm: "UnderCreation", job: { name: "Create virtual machine", progress } })] })
      assert.deepStrictEqual(View.changes(at(from), { ...at(to), elapsed, calls: 99, exchanges: 400 }), [])
    }
  )
})
