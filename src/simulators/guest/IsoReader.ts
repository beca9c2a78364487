/** Reads an ISO 9660 medium as a Linux guest does: Rock Ridge names where they are, plain ones otherwise. Shares nothing with the writer. */

export interface IsoContent {
  readonly label: string
  readonly files: ReadonlyMap<string, Uint8Array>
}

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

/** The name in the NM entries of a record's system use area; undefined without any (SUSP: signature, length, version, data). */
const alternateName = (systemUse: Uint8Array): string | undefined => {
  const parts: Array<Uint8Array> = []
  for (let at = 0; at + 4 <= systemUse.length;) {
    const length = systemUse[at + 2] ?? 0
    if (length < 4) break
    if (ascii(systemUse.subarray(at, at + 2)) === "NM") parts.push(systemUse.subarray(at + 5, at + length))
    at += length
  }
  return parts.length === 0 ? undefined : parts.map((part) => new TextDecoder().decode(part)).join("")
}

/** What lies in the root directory; undefined when the bytes are no ISO 9660 volume. Records that point outside are left out. */
export const read = (medium: Uint8Array): IsoContent | undefined => {
  const size = 2048
  const volume = medium.subarray(16 * size, 17 * size)
  if (volume.length < size || volume[0] !== 1 || ascii(volume.subarray(1, 6)) !== "CD001") return undefined
  const view = new DataView(medium.buffer, medium.byteOffset, medium.byteLength)
  const root = 16 * size + 156
  const rootAt = view.getUint32(root + 2, true) * size
  const rootEnd = rootAt + view.getUint32(root + 10, true)
  const files = new Map<string, Uint8Array>()
  for (let at = rootAt; at < rootEnd && at < medium.length;) {
    const length = medium[at] ?? 0
    if (length === 0) {
      // The rest of a sector: no record crosses its end.
      at = (Math.floor(at / size) + 1) * size
      continue
    }
    const directory = ((medium[at + 25] ?? 0) & 2) !== 0
    const nameLength = medium[at + 32] ?? 0
    const start = view.getUint32(at + 2, true) * size
    const end = start + view.getUint32(at + 10, true)
    const plain = ascii(medium.subarray(at + 33, at + 33 + nameLength))
    const systemUse = medium.subarray(at + 33 + nameLength + ((nameLength + 1) % 2), at + length)
    if (!directory && end <= medium.length) {
      files.set(alternateName(systemUse) ?? plain.replace(/\.?;1$/u, "").toLowerCase(), medium.slice(start, end))
    }
    at += length
  }
  return { label: ascii(volume.subarray(40, 72)).trimEnd(), files }
}
