/**
 * A Debian kernel under software emulation: it runs one shell script over CD-ROMs and powers itself off. Needs
 * qemu-system-x86_64, and a folder into which Debian's packages of a kernel and of busybox-static were unpacked.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Cpio from "./Cpio.ts"
import { exited, spawn } from "./Process.ts"
import { temporary } from "./Folder.ts"

/** It did not boot, or its script did not come to its end; `console` is what the kernel said. */
export class GuestFailed extends Data.TaggedError("GuestFailed")<{
  readonly reason: string
  readonly console: string
}> {
  override get message(): string {
    return `${this.reason}\n${this.console}`
  }
}

/** The first of the candidates that exists under `root`: newer Debians keep everything below usr. */
const under = (root: string, candidates: ReadonlyArray<string>): string => {
  const found = candidates.map((candidate) => path.join(root, candidate)).find((file) => fs.existsSync(file))
  if (found === undefined) throw new Error(`${root} has none of ${candidates.join(", ")}`)
  return found
}

/** Module names take "-" for "_". */
const moduleName = (file: string): string =>
  path
    .basename(file)
    .replace(/\.ko(\.xz)?$/u, "")
    .replaceAll("-", "_")

const moduleContent = (file: string): Buffer =>
  file.endsWith(".xz") ? execFileSync("xz", ["-dc", file], { maxBuffer: 64 * 1024 * 1024 }) : fs.readFileSync(file)

/** The modules named and all that they depend on, each after what it needs. One without a file is built into the kernel. */
const modules = (folder: string, names: ReadonlyArray<string>): ReadonlyMap<string, Buffer> => {
  const files = new Map(
    fs
      .readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => /\.ko(\.xz)?$/u.test(file))
      .map((file) => [moduleName(file), path.join(folder, file)])
  )
  const loaded = new Map<string, Buffer>()
  const load = (name: string): void => {
    const file = files.get(name)
    if (file === undefined || loaded.has(name)) return
    const content = moduleContent(file)
    // The section .modinfo: "key=value" texts, each ended by NUL.
    const depends = /\0depends=([^\0]*)\0/u.exec(content.toString("latin1"))?.[1] ?? ""
    for (const needed of depends.split(",").filter((needed) => needed !== "")) load(needed.replaceAll("-", "_"))
    loaded.set(name, content)
  }
  names.forEach(load)
  return loaded
}

const init = (order: Iterable<string>, script: string): string => `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in ${[...order].join(" ")}; do insmod "/modules/$module.ko"; done
(
set -e
${script}
echo '# end'
) >/dev/ttyS1
sync
poweroff -f
`

const initramfs = (root: string, kernel: string, script: string): Buffer => {
  const loaded = modules(under(root, [`lib/modules/${kernel}`, `usr/lib/modules/${kernel}`]), [
    "ata_piix",
    "sr_mod",
    "isofs",
    "loop"
  ])
  const folder = (name: string): Cpio.CpioEntry => ({ path: name, mode: 0o040755 })
  const program = (name: string, content: Uint8Array): Cpio.CpioEntry => ({ path: name, mode: 0o100755, content })
  return Cpio.archive([
    ...["bin", "dev", "mnt", "modules", "proc", "sys"].map(folder),
    program("bin/busybox", fs.readFileSync(under(root, ["bin/busybox", "usr/bin/busybox"]))),
    program("init", Buffer.from(init(loaded.keys(), script))),
    ...[...loaded].map(([name, content]) => program(`modules/${name}.ko`, content))
  ])
}

/** No display, no network, and an end instead of a reboot. */
const machine = "-machine pc -accel tcg -m 256 -nodefaults -nic none -display none -no-reboot".split(" ")

const readIfThere = (file: string): string => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "")

/**
 * What `script` (busybox sh, ended by its first failure) printed, in lines; its CD-ROMs are /dev/sr0 and up, as many as
 * `media`, at most four (two IDE channels).
 */
export const run = Effect.fnUntraced(function* (o: {
  readonly root: string
  readonly media: ReadonlyArray<Uint8Array>
  readonly script: string
  readonly within: Duration.Input
}) {
  const folder = yield* temporary("linux-guest")
  const inFolder = (name: string) => path.join(folder, name)
  const boot = path.join(o.root, "boot")
  const image = fs.readdirSync(boot).find((file) => file.startsWith("vmlinuz-"))
  if (image === undefined) return yield* new GuestFailed({ reason: `no kernel in ${boot}`, console: "" })
  fs.writeFileSync(inFolder("initramfs"), initramfs(o.root, image.slice("vmlinuz-".length), o.script))
  o.media.forEach((medium, i) => fs.writeFileSync(inFolder(`${i}.iso`), medium))
  const failed = (reason: string) => new GuestFailed({ reason, console: readIfThere(inFolder("console")) })
  const emulator = yield* spawn(
    "qemu-system-x86_64",
    [
      ...machine,
      "-kernel",
      path.join(boot, image),
      "-initrd",
      inFolder("initramfs"),
      "-append",
      "console=ttyS0 loglevel=4 panic=-1 mitigations=off",
      "-serial",
      `file:${inFolder("console")}`,
      "-serial",
      `file:${inFolder("report")}`,
      ...o.media.flatMap((_, i) => [
        "-drive",
        `file=${inFolder(`${i}.iso`)},format=raw,readonly=on,media=cdrom,if=ide,index=${i}`
      ])
    ],
    inFolder("emulator.log")
  )
  yield* Effect.callback<void>((resume) => {
    const end = () => resume(Effect.void)
    if (exited(emulator)) return end()
    emulator.once("exit", end)
    emulator.once("error", end)
    return undefined
  }).pipe(
    Effect.timeoutOrElse({
      duration: o.within,
      orElse: () => failed(`still running after ${Duration.format(Duration.fromInputUnsafe(o.within))}`)
    })
  )
  const lines = readIfThere(inFolder("report")).replaceAll("\r", "").split("\n")
  const end = lines.indexOf("# end")
  if (end === -1) {
    return yield* failed(`the script did not end: ${lines.join("\n")}${readIfThere(inFolder("emulator.log"))}`)
  }
  return lines.slice(0, end)
})
