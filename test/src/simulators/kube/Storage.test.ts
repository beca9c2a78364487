import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { KubeJson } from "../../../../src/simulators/kube/KubeJson.ts"
import * as Storage from "../../../../src/simulators/kube/Storage.ts"

const Write = Schema.Struct({
  key: Schema.Literals(["x/a", "x/b", "x/c", "y/a"]),
  remove: Schema.Boolean,
  value: Schema.Int,
  owner: Schema.Literals(["", "u1", "u2"])
})
type Write = typeof Write.Type

const objectOf = (write: Write): KubeJson => ({
  metadata: { uid: write.key, ...(write.owner !== "" && { ownerReferences: [{ uid: write.owner }] }) },
  value: write.value + 0
})

const perform = (storage: Storage.Storage, write: Write) => {
  if (write.remove) storage.remove("s", write.key)
  else storage.put("s", write.key, objectOf(write))
}

const snapshot = (storage: Storage.Storage) => ({ revision: storage.revision(), entries: storage.list("s", "") })

describe("storage", () => {
  it.prop("knows every older state that its history reaches", { writes: Schema.Array(Write) }, ({ writes }) => {
    const storage = Storage.make({ firstRevision: 10, historyLimit: 1000 })
    storage.open("s")
    const states = [snapshot(storage)]
    for (const write of writes) {
      perform(storage, write)
      states.push(snapshot(storage))
    }
    for (const { revision, entries } of states) {
      assert.deepStrictEqual(storage.listAt("s", "", revision), entries)
      assert.deepStrictEqual(
        storage.listAt("s", "x/", revision),
        entries.filter(({ key }) => key.startsWith("x/"))
      )
    }
  })

  it.prop(
    "tells whoever follows how to keep up",
    { before: Schema.Array(Write), after: Schema.Array(Write) },
    (given) => {
      const storage = Storage.make({ firstRevision: 10, historyLimit: 1000 })
      for (const write of given.before) perform(storage, write)
      const mirror = new Map(storage.list("s", "").map(({ key, object }) => [key, object]))
      const from = storage.revision()
      const heard: Array<Storage.Change> = []
      storage.follow("s", (change) => void heard.push(change))
      for (const write of given.after) perform(storage, write)
      assert.deepStrictEqual(storage.since("s", from), heard)
      for (const change of heard) {
        assert.strictEqual(change.type === "ADDED", !mirror.has(change.key))
        if (change.type === "DELETED") mirror.delete(change.key)
        else mirror.set(change.key, change.object)
      }
      assert.deepStrictEqual(
        [...mirror].map(([key, object]) => ({ key, object })).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
        storage.list("s", "")
      )
    }
  )

  it.prop("indexes owners and uids", { writes: Schema.Array(Write) }, ({ writes }) => {
    const storage = Storage.make({ firstRevision: 10, historyLimit: 5 })
    const owners = new Map<string, string>()
    for (const write of writes) {
      perform(storage, write)
      if (write.remove) owners.delete(write.key)
      else owners.set(write.key, write.owner)
    }
    for (const owner of ["u1", "u2"]) {
      assert.deepStrictEqual(
        storage
          .dependents(owner)
          .map(({ key }) => key)
          .toSorted(),
        [...owners]
          .filter(([, held]) => held === owner)
          .map(([key]) => key)
          .toSorted()
      )
    }
    for (const key of ["x/a", "x/b"]) assert.strictEqual(storage.locate(key)?.key, owners.has(key) ? key : undefined)
  })

  it("forgets the oldest history first, and says so", () => {
    const storage = Storage.make({ firstRevision: 10, historyLimit: 4 })
    storage.open("s")
    for (let value = 0; value < 6; value++) perform(storage, { key: "x/a", remove: false, value, owner: "" })
    assert.isUndefined(storage.since("s", 10))
    assert.isDefined(storage.since("s", storage.oldest("s")))
    storage.compact()
    assert.isUndefined(storage.listAt("s", "", 15))
    assert.deepStrictEqual(storage.since("s", storage.revision()), [])
  })
})
