/** The media as a Linux kernel mounts them: as CD-ROM and as loop device, by Rock Ridge, by Joliet and by neither. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { IsoBuilder } from "../../../layers/seed/IsoBuilder.ts"
import * as Iso9660 from "../../../layers/seed/Iso9660.ts"
import * as NoCloud from "../../../layers/seed/NoCloud.ts"
import * as LinuxGuest from "../../harness/LinuxGuest.ts"
import { describeProgram } from "../../harness/Program.ts"

const root = process.env["KERNEL_DEB_ROOT"] ?? ""
if (root === "") process.stderr.write("skipped: media mounted by a Linux kernel (KERNEL_DEB_ROOT is not set)\n")
const described =
  root === ""
    ? (name: string, suite: () => void) => describe.skip(`${name} (skipped: KERNEL_DEB_ROOT is not set)`, suite)
    : describe

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 131 + (i >> 8)) & 0xff)
const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex")
const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1)

const seed: NoCloud.Seed = {
  vmId: "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0",
  hostname: "node01.example.org",
  metadata: { rack: "yes" },
  // Longer than a sector, not a multiple of it.
  userData: bytes(`#cloud-config\nwrite_files:\n- path: /etc/motd\n  content: "${"kubeadm ".repeat(1000)}"\n`),
  network: [
    {
      deviceName: "eth0",
      addresses: ["10.0.0.5/24"],
      gateway4: "10.0.0.1",
      nameservers: ["10.0.0.2"],
      searchDomains: ["example.org"],
      dhcp4: false,
      dhcp6: false,
      routes: []
    }
  ]
}

/** What a seed does not have: sizes around a sector's, names that 8.3 would fold, and more of them than one directory sector holds. */
const manifold: ReadonlyArray<Iso9660.IsoFile> = [
  ...[0, 1, 2047, 2048, 2049, 300_000].map((size) => ({ name: `size-${size}`, content: pattern(size) })),
  ...["UPPER.TXT", "upper.txt", "two words.tar.gz", ".hidden", "Übergröße – 名前.yaml", "n".repeat(64)].map((name) => ({
    name,
    content: bytes(name)
  })),
  ...Array.from({ length: 100 }, (_, i) => ({ name: `a-rather-long-file-name-${i}`, content: bytes(String(i)) }))
]

interface MountedFile {
  readonly name: string
  readonly mode: string
  readonly owner: string
  readonly size: number
  readonly modified: number
  readonly sha256: string
}

interface Mounted {
  /** Device, mount point, type and options, as /proc/mounts has them. */
  readonly mount: string
  readonly folder: string
  readonly files: ReadonlyArray<MountedFile>
}

/**
 * `show TITLE DEVICE OPTIONS` mounts, prints what is there and unmounts; `find_label LABEL` waits until a drive has
 * it, as busybox's findfs sees it: one that is shorter than 68 KiB would not be found.
 */
const shell = `
show() {
  mount -t iso9660 -o "ro$3" "$2" /mnt
  echo "# $1"
  grep ' /mnt ' /proc/mounts
  cd /mnt
  stat -c %a .
  find . -type f -exec stat -c 'file %a %u:%g %s %Y %n' {} +
  find . -type f -exec sha256sum {} +
  cd /
  umount /mnt
}
find_label() {
  for try in $(seq 100); do
    findfs "LABEL=$1" 2>/dev/null && return
    sleep 0.1
  done
  echo "no medium labelled $1" >&2
  return 1
}
`

/** The mounts of `label`'s medium that are looked at, titled "label/view". Joliet's names are looked up in any case unless strictly. */
const views = (label: string): string => `
device=$(find_label ${label})
show ${label}/rock-ridge "$device" ""
show ${label}/joliet "$device" ,norock,check=strict
show ${label}/plain "$device" ,norock,nojoliet
cat "$device" >/image.iso
show ${label}/loop /image.iso ,loop
`

const parse = (lines: ReadonlyArray<string>): ReadonlyMap<string, Mounted> => {
  const sections = lines
    .join("\n")
    .split(/^# /mu)
    .slice(1)
    .map((section) => section.split("\n"))
  return new Map(
    sections.map(([title = "", mount = "", folder = "", ...rest]) => {
      const sums = new Map(
        rest.flatMap((line) => {
          const [, sum, name] = /^([0-9a-f]{64}) {2}\.\/(.*)$/u.exec(line) ?? []
          return sum === undefined || name === undefined ? [] : [[name, sum]]
        })
      )
      const files = rest.flatMap((line): ReadonlyArray<MountedFile> => {
        const [, mode, owner, size, modified, name] = /^file (\d+) (\d+:\d+) (\d+) (\d+) \.\/(.*)$/u.exec(line) ?? []
        if (mode === undefined || owner === undefined || name === undefined) return []
        return [{ name, mode, owner, size: Number(size), modified: Number(modified), sha256: sums.get(name) ?? "" }]
      })
      return [title, { mount, folder, files: files.toSorted(byName) }]
    })
  )
}

const time = new Date("2026-01-02T03:04:05Z")

const expected = (files: ReadonlyArray<Iso9660.IsoFile>, mode: string, modified: number): ReadonlyArray<MountedFile> =>
  files
    .map(({ name, content }) => ({
      name,
      mode,
      owner: "0:0",
      size: content.length,
      modified,
      sha256: sha256(content)
    }))
    .toSorted(byName)

/** Holds one medium's four mounts against the files that were written. */
const check = (
  mounts: ReadonlyMap<string, Mounted>,
  label: string,
  files: ReadonlyArray<Iso9660.IsoFile>,
  modified: number
): void => {
  const view = (name: string): Mounted => mounts.get(`${label}/${name}`) ?? { mount: "none", folder: "", files: [] }
  for (const name of ["rock-ridge", "loop"]) {
    // 0400 comes from Rock Ridge's PX: it is what keeps the join token from other users of the guest.
    assert.deepStrictEqual(view(name).files, expected(files, "400", modified), `${label}/${name}`)
    assert.strictEqual(view(name).folder, "555", `${label}/${name}`)
  }
  assert.match(view("rock-ridge").mount, /^\/dev\/sr\d \/mnt iso9660 ro/u)
  assert.match(view("loop").mount, /^\/dev\/loop\d+ \/mnt iso9660 ro/u)
  // Joliet knows no modes: everybody may read (and, to Linux, execute).
  assert.deepStrictEqual(view("joliet").files, expected(files, "555", modified), `${label}/joliet`)
  // Without either the names are folded to 8.3, and nothing is lost.
  assert.deepStrictEqual(
    view("plain")
      .files.map((file) => file.sha256)
      .toSorted(),
    files.map((file) => sha256(file.content)).toSorted(),
    `${label}/plain`
  )
}

describeProgram("blkid", () => {
  it("reads type and label, by which cloud-init's NoCloud finds its medium", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "seed-"))
    try {
      const file = path.join(folder, "seed.iso")
      fs.writeFileSync(
        file,
        Result.getOrThrow(Iso9660.build({ label: NoCloud.label, files: NoCloud.files(seed), time }))
      )
      const facts = execFileSync("blkid", ["-p", "-o", "export", file]).toString().split("\n")
      assert.include(facts, "LABEL=cidata")
      assert.include(facts, "TYPE=iso9660")
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })
})

described("a Linux kernel", () => {
  describeProgram("qemu-system-x86_64", () => {
    it.live(
      "finds the media by label and mounts names, modes, sizes and bytes as they were written",
      () =>
        Effect.gen(function* () {
          const medium = yield* IsoBuilder.use((builder) => builder.build(seed))
          const wide = Result.getOrThrow(Iso9660.build({ label: "manifold", files: manifold, time }))
          const lines = yield* LinuxGuest.run({
            root,
            media: [wide, medium],
            script: `${shell}${views(NoCloud.label)}${views("manifold")}`,
            within: "100 seconds"
          })
          const mounts = parse(lines)
          const dated = mounts.get("cidata/rock-ridge")?.files[0]?.modified ?? 0
          check(mounts, NoCloud.label, NoCloud.files(seed), dated)
          check(mounts, "manifold", manifold, time.getTime() / 1000)
        }).pipe(Effect.scoped, Effect.provide(IsoBuilder.layer)),
      120_000
    )
  })
})
