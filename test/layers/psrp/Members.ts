/** What a message's body says, member by member: two clients may write the same with other type names, ids and orders. */
import type { PsObject, PsValue } from "../../../layers/psrp/PsValue.ts"

/** Each leaf by its path, as text. Left out: type names, reference ids, the order of a dictionary's entries. */
export const membersOf = (value: PsValue, root: string): ReadonlyMap<string, string> => {
  const members = new Map<string, string>()
  const open = new Set<PsValue>()
  const visit = (current: PsValue, path: string): void => {
    if (current === null || typeof current !== "object" || current instanceof Uint8Array) {
      const text = current instanceof Uint8Array ? Buffer.from(current).toString("base64") : String(current)
      members.set(path, `${current instanceof Uint8Array ? "bytes" : typeof current} ${text}`)
      return
    }
    if (current._tag === "SecureString") throw new Error(`${path}: no secret travels open`)
    if (current._tag === "Scalar") {
      // Two clients seal with two keys: the same plaintext is as long, and no more alike than that.
      const sealed = current.type === "SecureString"
      members.set(path, `${current.type} ${sealed ? `of ${current.text.length} characters` : current.text}`)
      return
    }
    if (open.has(current)) {
      members.set(path, "cycle")
      return
    }
    open.add(current)
    switch (current._tag) {
      case "List":
        members.set(path, `${current.kind} of ${current.items.length}`)
        current.items.forEach((item, index) => visit(item, `${path}[${index}]`))
        break
      case "Dictionary":
        members.set(path, `Dictionary of ${current.entries.length}`)
        for (const [key, item] of current.entries) visit(item, `${path}[${String(key)}]`)
        break
      case "Object":
        object(current, path)
    }
    open.delete(current)
  }
  const object = (current: PsObject, path: string): void => {
    // A PSObject around a value says nothing more than the value.
    if (current.value !== undefined && current.text === undefined && current.adapted.size + current.extended.size === 0)
      return visit(current.value, path)
    members.set(path, current.text === undefined ? "object" : `object ${current.text}`)
    if (current.value !== undefined) visit(current.value, `${path}.value__`)
    for (const [name, item] of [...current.adapted, ...current.extended]) visit(item, `${path}.${name}`)
  }
  visit(value, root)
  return members
}

/** Where two bodies differ: "path: theirs, ours". */
export const memberDifferences = (theirs: PsValue, ours: PsValue, root: string): ReadonlyArray<string> => {
  const expected = membersOf(theirs, root)
  const actual = membersOf(ours, root)
  return [...new Set([...expected.keys(), ...actual.keys()])].flatMap((path) => {
    const [want = "absent", got = "absent"] = [expected.get(path), actual.get(path)]
    return want === got ? [] : [`${path}: ${want}, ours ${got}`]
  })
}
