/** Holds every import against the dependency table of docs/architecture.md, and every file against the house rules that a machine can read. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"

const root = path.resolve(import.meta.dirname, "..")

const sources = (folder: string): ReadonlyArray<string> =>
  fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.posix.join(folder, file.split(path.sep).join("/")))
    .toSorted()

const files = ["schemas", "layers", "src", "test"].flatMap(sources)
const text = (file: string): string => fs.readFileSync(path.join(root, file), "utf8")

interface Row {
  readonly rooms: ReadonlyArray<string>
  readonly allowed: ReadonlyArray<string>
}

const rows = (): ReadonlyArray<Row> => {
  const document = text("docs/architecture.md").split("<!-- dependency table")[1] ?? ""
  const patterns = (cell: string | undefined) =>
    [...(cell ?? "").matchAll(/`([^`]+)`/gu)].map((match) => match[1] ?? "")
  return document
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|"))
    .map((cells) => ({ rooms: patterns(cells[1]), allowed: patterns(cells[2]) }))
}

const matches = (pattern: string, name: string): boolean => pattern === "*" || path.posix.matchesGlob(name, pattern)

/** What a file imports: repository paths for relative specifiers, package names otherwise. */
const imports = (file: string): ReadonlyArray<string> =>
  [
    ...text(file).matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^"'`;]*?\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/gu
    )
  ]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? "")
    .map((specifier) => {
      if (specifier.startsWith(".")) return path.posix.join(path.posix.dirname(file), specifier)
      if (specifier.startsWith("node:")) return specifier
      return specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/")
    })

describe("architecture", () => {
  it("finds the table and the sources", () => {
    assert.isAbove(rows().length, 10)
    assert.isAbove(files.length, 20)
  })

  it("every import is allowed by the dependency table", () => {
    const table = rows()
    const wrong = files.flatMap((file) => {
      const row = table.find((candidate) => candidate.rooms.some((room) => matches(room, file)))
      if (row === undefined) return [`${file} is in no room of the table`]
      return imports(file)
        .filter((name) => !row.allowed.some((pattern) => matches(pattern, name)))
        .map((name) => `${file} may not import ${name}`)
    })
    assert.deepStrictEqual(wrong, [])
  })

  it("effect is imported by module, never by its barrel", () => {
    const barrel = files.filter((file) =>
      /from "(?:effect|@effect\/platform-node|@effect\/opentelemetry)"/u.test(text(file))
    )
    assert.deepStrictEqual(barrel, [])
  })

  it("no file is a drawer, and none is over 400 lines", () => {
    const product = files.filter((file) => !file.startsWith("test/"))
    const drawers = files.filter((file) => /(?:^|\/)(?:utils?|helpers?|common|misc|index)(?:\/|\.ts$)/iu.test(file))
    const long = product.filter((file) => text(file).split("\n").length > 400)
    assert.deepStrictEqual({ drawers, long }, { drawers: [], long: [] })
  })

  it("every product file says in its first line what it holds", () => {
    const silent = files.filter((file) => !file.startsWith("test/") && !/^\/\*\*(?: \S.*|\n \* \S.*)/u.test(text(file)))
    assert.deepStrictEqual(silent, [])
  })

  it("layers are provided and effects are run in src/cli and src/main.ts alone", () => {
    const runs = files.filter(
      (file) =>
        !/^(?:test|src\/cli|src\/main\.ts)/u.test(file) &&
        /\bEffect\.run(?:Promise|Sync|Fork|Callback)\w*\(/u.test(text(file))
    )
    assert.deepStrictEqual(runs, [])
  })

  it("time, randomness and output come from services", () => {
    const naked = files.filter(
      (file) =>
        !file.startsWith("test/") &&
        /\b(?:Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\(|console\.|randomUUID\()/u.test(
          text(file)
        )
    )
    assert.deepStrictEqual(naked, [])
  })
})
