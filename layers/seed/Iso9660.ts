/** An ISO 9660 image with Rock Ridge and Joliet names: one flat directory, every structure where ECMA-119 wants it. */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { bothEndian16, bothEndian32, concat, padTo, recordDate, sector, volumeDate } from "./Iso9660Field.ts"
import * as RockRidge from "./Iso9660RockRidge.ts"

export interface IsoFile {
  /** As the guest shall see it: any characters but "/" and NUL, at most 64 UTF-16 units (Joliet) and 150 bytes. */
  readonly name: string
  readonly content: Uint8Array
}

/** A name that an image cannot hold; `detail` says why. */
export class IsoNameInvalid extends Data.TaggedError("IsoNameInvalid")<{
  readonly file: string
  readonly detail: string
}> {
  override get message(): string {
    return `"${this.file}" cannot be a file of the medium: ${this.detail}`
  }
}

/** Busybox's blkid probes for other file systems up to 68 KiB, and takes a shorter medium for none at all. */
const leastSectors = 36

/** A Rock Ridge name lies in its directory record, which has 255 bytes. */
const longestName = 150

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))

const utf8 = new TextEncoder()

/** UCS-2 big-endian, as Joliet wants it. */
const ucs2 = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length * 2)
  for (let i = 0; i < text.length; i++) {
    bytes[2 * i] = text.charCodeAt(i) >> 8
    bytes[2 * i + 1] = text.charCodeAt(i) & 0xff
  }
  return bytes
}

const filled = (text: string, length: number): Uint8Array => padTo(ascii(text), length, 0x20)
const filledUcs2 = (text: string, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  for (let i = 0; i + 1 < length; i += 2) bytes[i + 1] = 0x20
  bytes.set(ucs2(text).subarray(0, length))
  return bytes
}

/** 8.3 names in d-characters (ECMA-119 §7.5), made unique: what a reader without extensions sees. */
const plainNames = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const taken = new Set<string>()
  return names.map((name) => {
    const [stem = "", extension = ""] = [name.replace(/\.[^.]*$/u, ""), /\.([^.]*)$/u.exec(name)?.[1] ?? ""].map(
      (part) => part.toUpperCase().replaceAll(/[^A-Z0-9_]/gu, "_")
    )
    for (let n = 0; ; n++) {
      const suffix = n === 0 ? "" : String(n)
      const plain = `${stem.slice(0, 8 - suffix.length)}${suffix}.${extension.slice(0, 3)};1`
      if (!taken.has(plain)) {
        taken.add(plain)
        return plain
      }
    }
  })
}

/** A directory record (ECMA-119 §9.1). */
const record = (o: {
  readonly identifier: Uint8Array
  readonly extent: number
  readonly length: number
  readonly directory: boolean
  readonly time: Date
  readonly systemUse?: Uint8Array
}): Uint8Array => {
  const systemUse = o.systemUse ?? new Uint8Array(0)
  const named = 33 + o.identifier.length
  const padding = named % 2
  const length = named + padding + systemUse.length
  return concat([
    Uint8Array.of(length + (length % 2), 0),
    bothEndian32(o.extent),
    bothEndian32(o.length),
    recordDate(o.time),
    Uint8Array.of(o.directory ? 2 : 0, 0, 0),
    bothEndian16(1),
    Uint8Array.of(o.identifier.length),
    o.identifier,
    new Uint8Array(padding),
    systemUse,
    new Uint8Array(length % 2)
  ])
}

/** Records one after the other, none across a sector's end. */
const directory = (records: ReadonlyArray<Uint8Array>): Uint8Array => {
  const parts: Array<Uint8Array> = []
  let used = 0
  for (const entry of records) {
    const left = sector - (used % sector)
    if (entry.length > left) {
      parts.push(new Uint8Array(left))
      used += left
    }
    parts.push(entry)
    used += entry.length
  }
  const whole = concat(parts)
  return padTo(whole, Math.ceil(whole.length / sector) * sector, 0)
}

/** The path table of a lone root (ECMA-119 §9.4). */
const pathTable = (extent: number, littleEndian: boolean): Uint8Array => {
  const bytes = new Uint8Array(10)
  const view = new DataView(bytes.buffer)
  bytes[0] = 1
  view.setUint32(2, extent, littleEndian)
  view.setUint16(6, 1, littleEndian)
  return bytes
}

interface Volume {
  readonly label: string
  readonly joliet: boolean
  readonly sectors: number
  readonly littleEndianTable: number
  readonly bigEndianTable: number
  readonly root: Uint8Array
  readonly time: Date
}

/** A volume descriptor (ECMA-119 §8.4, §8.5; Joliet escape sequence of level 3). */
const descriptor = (v: Volume): Uint8Array => {
  const text = v.joliet ? filledUcs2 : filled
  const locations = new Uint8Array(16)
  const view = new DataView(locations.buffer)
  view.setUint32(0, v.littleEndianTable, true)
  view.setUint32(8, v.bigEndianTable, false)
  const date = volumeDate(v.time)
  const unset = padTo(ascii("0000000000000000"), 17, 0)
  return padTo(
    concat([
      Uint8Array.of(v.joliet ? 2 : 1),
      ascii("CD001"),
      Uint8Array.of(1, 0),
      text("", 32),
      text(v.label, 32),
      new Uint8Array(8),
      bothEndian32(v.sectors),
      padTo(v.joliet ? ascii("%/E") : new Uint8Array(0), 32, 0),
      bothEndian16(1),
      bothEndian16(1),
      bothEndian16(sector),
      bothEndian32(10),
      locations,
      v.root,
      ...[128, 128, 128, 128, 37, 37, 37].map((length) => text("", length)),
      date,
      date,
      unset,
      unset,
      Uint8Array.of(1, 0)
    ]),
    sector,
    0
  )
}

const terminator = padTo(concat([Uint8Array.of(255), ascii("CD001"), Uint8Array.of(1)]), sector, 0)

const invalid = (files: ReadonlyArray<IsoFile>): IsoNameInvalid | undefined => {
  const seen = new Set<string>()
  for (const { name } of files) {
    const detail =
      name === "" || name === "." || name === ".."
        ? "it is empty or a directory"
        : /[/\0]/u.test(name)
          ? 'it holds "/" or NUL'
          : name.length > 64 || utf8.encode(name).length > longestName
            ? `it is longer than 64 characters or ${longestName} bytes`
            : seen.has(name)
              ? "it is there twice"
              : undefined
    if (detail !== undefined) return new IsoNameInvalid({ file: name, detail })
    seen.add(name)
  }
  return undefined
}

/**
 * The image of `files` in one root directory: 2048-byte sectors, label in both volume descriptors, Rock Ridge for the true
 * names and modes, Joliet beside it. The same input gives the same bytes. `time` is what every entry is dated.
 */
export const build = (o: {
  readonly label: string
  readonly files: ReadonlyArray<IsoFile>
  readonly time: Date
}): Result.Result<Uint8Array, IsoNameInvalid> => {
  const wrong = invalid(o.files)
  if (wrong !== undefined) return Result.fail(wrong)
  const plain = plainNames(o.files.map((file) => file.name))
  // Sorted by identifier in each hierarchy (ECMA-119 §9.3).
  const byPlain = o.files
    .map((file, i) => ({ file, identifier: plain[i] ?? "" }))
    .toSorted((a, b) => (a.identifier < b.identifier ? -1 : 1))
  const byName = o.files.toSorted((a, b) => (a.name < b.name ? -1 : 1))

  const layout = (
    extents: ReadonlyMap<IsoFile, number>,
    roots: { plain: number; joliet: number; continuation: number }
  ) => {
    const dots = (extent: number, length: number, first: Uint8Array, second: Uint8Array) => [
      record({ identifier: Uint8Array.of(0), extent, length, directory: true, time: o.time, systemUse: first }),
      record({ identifier: Uint8Array.of(1), extent, length, directory: true, time: o.time, systemUse: second })
    ]
    const entry = (file: IsoFile, identifier: Uint8Array, systemUse?: Uint8Array) =>
      record({
        identifier,
        extent: extents.get(file) ?? 0,
        length: file.content.length,
        directory: false,
        time: o.time,
        ...(systemUse !== undefined && { systemUse })
      })
    const primary = (length: number) =>
      directory([
        ...dots(roots.plain, length, RockRidge.rootDot(roots.continuation, o.time), RockRidge.rootDotDot(o.time)),
        ...byPlain.map(({ file, identifier }) => entry(file, ascii(identifier), RockRidge.regular(file.name, o.time)))
      ])
    const joliet = (length: number) =>
      directory([
        ...dots(roots.joliet, length, new Uint8Array(0), new Uint8Array(0)),
        ...byName.map((file) => entry(file, ucs2(`${file.name};1`)))
      ])
    return { primary: primary(primary(0).length), joliet: joliet(joliet(0).length) }
  }

  const draft = layout(new Map(), { plain: 0, joliet: 0, continuation: 0 })
  const tables = 19
  const roots = { plain: tables + 4, joliet: 0, continuation: 0 }
  roots.joliet = roots.plain + draft.primary.length / sector
  roots.continuation = roots.joliet + draft.joliet.length / sector
  let next = roots.continuation + 1
  const extents = new Map<IsoFile, number>()
  for (const file of o.files) {
    // An empty file has no extent; a sector inside the volume keeps strict readers content.
    extents.set(file, file.content.length === 0 ? roots.continuation : next)
    next += Math.ceil(file.content.length / sector)
  }
  const sectors = Math.max(next, roots.continuation + 2, leastSectors)
  const { primary, joliet } = layout(extents, roots)
  const root = (extent: number, length: number) =>
    record({ identifier: Uint8Array.of(0), extent, length, directory: true, time: o.time })
  const volume = (isJoliet: boolean) =>
    descriptor({
      label: o.label,
      joliet: isJoliet,
      sectors,
      littleEndianTable: tables + (isJoliet ? 2 : 0),
      bigEndianTable: tables + (isJoliet ? 3 : 1),
      root: isJoliet ? root(roots.joliet, joliet.length) : root(roots.plain, primary.length),
      time: o.time
    })
  const image = new Uint8Array(sectors * sector)
  const put = (at: number, bytes: Uint8Array) => image.set(bytes, at * sector)
  put(16, volume(false))
  put(17, volume(true))
  put(18, terminator)
  put(tables, pathTable(roots.plain, true))
  put(tables + 1, pathTable(roots.plain, false))
  put(tables + 2, pathTable(roots.joliet, true))
  put(tables + 3, pathTable(roots.joliet, false))
  put(roots.plain, primary)
  put(roots.joliet, joliet)
  put(roots.continuation, RockRidge.extensionReference)
  for (const file of o.files) put(extents.get(file) ?? 0, file.content)
  return Result.succeed(image)
}
