/** Library shares with their media, and the temporary folders of the exec hosts that media come from. */
import { createHash } from "node:crypto"
import type { Entropy } from "./Entropy.ts"
import { sameText, within } from "./Inventory.ts"
import type { Inventory } from "./Inventory.ts"

export interface Medium {
  readonly id: string
  readonly sharePath: string
  readonly bytes: Uint8Array
}

interface TemporaryFile {
  readonly bytes: Uint8Array
  /** Milliseconds since the epoch. */
  readonly writtenAt: number
}

export const fileName = (path: string): string => path.slice(path.lastIndexOf("\\") + 1)

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/**
 * The folder that a library share of the spec means: a UNC path in or below a writable share as it is, else a path below
 * the first writable share by path. Undefined when there is none.
 */
export const folderOf = (inventory: Inventory, libraryShare: string): string | undefined => {
  const wanted = libraryShare.replace(/\\+$/u, "")
  const writable = inventory.libraryShares
    .filter((share) => share.writable)
    .map((share) => share.path.replace(/\\+$/u, ""))
    .toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
  if (wanted.startsWith("\\\\")) return writable.some((root) => within(wanted, root)) ? wanted : undefined
  const [root] = writable
  const below = wanted.replace(/^\\+/u, "")
  return root === undefined || below === "" ? root : `${root}\\${below}`
}

export class Library {
  private readonly media = new Map<string, Medium>()
  private readonly temporary = new Map<string, Map<string, TemporaryFile>>()

  /** What VMM shows: a file is here only once it was imported. */
  list(): ReadonlyArray<Medium> {
    return [...this.media.values()]
  }

  find(sharePath: string): Medium | undefined {
    return this.media.get(sharePath.toLowerCase())
  }

  /** Overwrites a medium of the same path, which keeps its id. */
  put(sharePath: string, bytes: Uint8Array, entropy: Entropy): Medium {
    const medium = { id: this.find(sharePath)?.id ?? entropy.guid(), sharePath, bytes }
    this.media.set(sharePath.toLowerCase(), medium)
    return medium
  }

  remove(sharePath: string): void {
    this.media.delete(sharePath.toLowerCase())
  }

  private folder(execHost: string): Map<string, TemporaryFile> {
    const folder = this.temporary.get(execHost) ?? new Map<string, TemporaryFile>()
    this.temporary.set(execHost, folder)
    return folder
  }

  temporaryFiles(): ReadonlyArray<{ readonly execHost: string; readonly fileName: string; readonly length: number }> {
    return [...this.temporary].flatMap(([execHost, folder]) =>
      [...folder].map(([name, { bytes }]) => ({ execHost, fileName: name, length: bytes.length }))
    )
  }

  readTemporary(execHost: string, name: string): Uint8Array | undefined {
    for (const [key, { bytes }] of this.folder(execHost)) if (sameText(key, name)) return bytes
    return undefined
  }

  /** Writes a chunk at an offset within the file or at its end, at a time in milliseconds; answers the length. */
  writeTemporary(execHost: string, name: string, offset: number, data: Uint8Array, now: number): number {
    const before = this.readTemporary(execHost, name) ?? new Uint8Array(0)
    const after = new Uint8Array(Math.max(before.length, offset + data.length))
    after.set(before)
    after.set(data, offset)
    this.removeTemporary(execHost, name)
    this.folder(execHost).set(name, { bytes: after, writtenAt: now })
    return after.length
  }

  removeTemporary(execHost: string, name: string): void {
    const folder = this.folder(execHost)
    for (const key of folder.keys()) if (sameText(key, name)) folder.delete(key)
  }

  /** Deletes the files of a folder that were last written to before a time in milliseconds. */
  removeStale(execHost: string, before: number): void {
    const folder = this.folder(execHost)
    for (const [key, { writtenAt }] of folder) if (writtenAt < before) folder.delete(key)
  }
}
