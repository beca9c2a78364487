/** Archives in cpio's "newc" format, as a kernel takes for its initramfs. */

export interface CpioEntry {
  /** Relative to the root, its parents archived before it. */
  readonly path: string
  /** File type and permissions, as in stat(2). */
  readonly mode: number
  readonly content?: Uint8Array
}

const aligned = (length: number): number => (length + 3) & ~3

/** Header, name with NUL, content; name and content are padded to four bytes (initramfs buffer format). */
const member = (entry: CpioEntry, inode: number): Buffer => {
  const name = Buffer.from(`${entry.path}\0`)
  const content = entry.content ?? new Uint8Array(0)
  // inode, mode, uid, gid, links, mtime, size, device and special device (major, minor), name's size, checksum
  const fields = [inode, entry.mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0]
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`
  const start = aligned(header.length + name.length)
  const bytes = Buffer.alloc(start + aligned(content.length))
  bytes.write(header, "latin1")
  bytes.set(name, header.length)
  bytes.set(content, start)
  return bytes
}

export const archive = (entries: ReadonlyArray<CpioEntry>): Buffer =>
  Buffer.concat([...entries, { path: "TRAILER!!!", mode: 0 }].map((entry, i) => member(entry, i + 1)))
