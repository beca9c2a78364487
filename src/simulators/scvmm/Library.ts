/** Library shares with their media, and the temporary folders of the exec hosts that media come from. */
import type { Entropy } from "./Entropy.ts"
import { within } from "./Inventory.ts"
import type { Inventory } from "./Inventory.ts"

export interface Medium {
  readonly id: string
  readonly sharePath: string
  readonly bytes: Uint8Array
}

/** What an import has on its exec host's disk, in a folder of its own. */
export interface TemporaryFile {
  readonly execHost: string
  readonly fileName: string
  /** Milliseconds since the epoch. */
  readonly writtenAt: number
}

export const fileName = (path: string): string => path.slice(path.lastIndexOf("\\") + 1)

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
  private readonly temporary = new Set<TemporaryFile>()

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

  temporaryFiles(): ReadonlyArray<TemporaryFile> {
    return [...this.temporary]
  }

  addTemporary(file: TemporaryFile): void {
    this.temporary.add(file)
  }

  removeTemporary(file: TemporaryFile): void {
    this.temporary.delete(file)
  }

  /** Deletes those of an exec host that were written before a time in milliseconds. */
  removeStale(execHost: string, before: number): void {
    for (const file of this.temporary) {
      if (file.execHost === execHost && file.writtenAt < before) this.temporary.delete(file)
    }
  }
}
