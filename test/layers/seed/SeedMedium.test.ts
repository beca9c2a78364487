import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { parse } from "yaml"
import { IsoBuilder } from "../../../layers/seed/IsoBuilder.ts"
import * as Iso9660 from "../../../layers/seed/Iso9660.ts"
import * as NoCloud from "../../../layers/seed/NoCloud.ts"
import * as CloudConfig from "../../../src/simulators/guest/CloudConfig.ts"
import * as IsoReader from "../../../src/simulators/guest/IsoReader.ts"
import { describeProgram } from "../../harness/Program.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const seed: NoCloud.Seed = {
  vmId: "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0",
  hostname: "node01.example.org",
  metadata: { rack: "yes", zone: "0123" },
  userData: bytes(
    '## template: jinja\n#cloud-config\nwrite_files:\n- path: /etc/id\n  content: "{{ ds.meta_data.instance_id }}"\n'
  ),
  network: [
    {
      deviceName: "eth0",
      addresses: ["10.0.0.5/24", "fd00::5/64"],
      gateway4: "10.0.0.1",
      gateway6: "fd00::1",
      nameservers: ["10.0.0.2"],
      searchDomains: ["example.org"],
      dhcp4: false,
      dhcp6: false,
      routes: [{ to: "192.168.0.0/16", via: "10.0.0.254", metric: 50 }],
      mtu: 9000
    },
    {
      deviceName: "eth1",
      addresses: [],
      nameservers: [],
      searchDomains: [],
      dhcp4: true,
      dhcp6: false,
      routes: [],
      macAddress: "00-15-5D-01-02-03"
    }
  ]
}

const build = (files: ReadonlyArray<Iso9660.IsoFile>): Uint8Array =>
  Result.getOrThrow(Iso9660.build({ label: NoCloud.label, files, time: new Date("2026-01-02T03:04:05Z") }))

const inFolder = <A>(files: Readonly<Record<string, Uint8Array>>, use: (folder: string) => A): A => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "seed-"))
  try {
    for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), content)
    return use(folder)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

describe("Iso9660", () => {
  it.prop(
    "a reader that shares nothing with the writer finds every file",
    {
      files: Schema.Record(
        Schema.String.check(
          Schema.isPattern(/^[a-zA-Z0-9._-]{1,30}$/u),
          Schema.makeFilter((name) => !/^\.{1,2}$/u.test(name))
        ),
        Schema.Uint8Array
      )
    },
    ({ files }) => {
      const list = Object.entries(files).map(([name, content]) => ({ name, content }))
      const medium = IsoReader.read(build(list))
      assert.strictEqual(medium?.label, "cidata")
      assert.deepStrictEqual(new Map(medium?.files), new Map(Object.entries(files)))
    }
  )

  it("refuses names that a medium cannot hold", () => {
    for (const name of ["", "..", "a/b", "x".repeat(65), "名".repeat(64)]) {
      const result = Iso9660.build({ label: "cidata", files: [{ name, content: bytes("") }], time: new Date(0) })
      assert.isTrue(Result.isFailure(result), name)
    }
  })

  it("more files than a directory sector holds are all there", () => {
    const files = Array.from({ length: 200 }, (_, i) => ({
      name: `a-rather-long-file-name-${i}`,
      content: bytes(String(i))
    }))
    assert.strictEqual(IsoReader.read(build(files))?.files.size, 200)
  })
})

describe("NoCloud", () => {
  it.effect("the guest reads back identity, files and network", () =>
    Effect.gen(function* () {
      const medium = yield* IsoBuilder.use((builder) => builder.build(seed))
      const content = IsoReader.read(medium)
      assert.isDefined(content)
      const instance = content === undefined ? undefined : CloudConfig.apply(content)
      assert.strictEqual(instance?.instanceId, seed.vmId)
      assert.strictEqual(instance?.hostname, seed.hostname)
      assert.strictEqual(instance?.files.get("/etc/id"), seed.vmId)
      assert.deepStrictEqual(instance?.interfaces, [
        { name: "eth0", addresses: ["10.0.0.5/24", "fd00::5/64"], dhcp4: false },
        { name: "eth1", addresses: [], dhcp4: true }
      ])
    }).pipe(Effect.provide(IsoBuilder.layer))
  )

  it("meta-data values stay text, sorted, and the spec's metadata wins", () => {
    const text = new TextDecoder().decode(
      NoCloud.metaData({ ...seed, metadata: { ...seed.metadata, hostname: "other" } })
    )
    assert.deepStrictEqual(
      text.split("\n").map((line) => line.split(":")[0]),
      ["hostname", "instance-id", "local-hostname", "rack", "zone", ""]
    )
    assert.deepStrictEqual(parse(text, { version: "1.1" }), {
      hostname: "other",
      "instance-id": seed.vmId,
      "local-hostname": seed.hostname,
      rack: "yes",
      zone: "0123"
    })
  })

  it("without network there is no network-config", () => {
    const { network: _, ...rest } = seed
    assert.deepStrictEqual(
      NoCloud.files(rest).map((file) => file.name),
      ["meta-data", "user-data"]
    )
  })
})

const image = (): Uint8Array => build(NoCloud.files(seed))

describeProgram("isoinfo", () => {
  it("sees the label, Joliet and Rock Ridge, and the same bytes", () => {
    inFolder({ "seed.iso": image() }, (folder) => {
      const run = (...args: ReadonlyArray<string>) =>
        execFileSync("isoinfo", ["-i", path.join(folder, "seed.iso"), ...args])
      const facts = run("-d").toString()
      assert.match(facts, /Volume id: cidata/u)
      assert.match(facts, /Joliet with UCS level 3 found/u)
      assert.match(facts, /Rock Ridge signatures version 1 found/u)
      for (const file of NoCloud.files(seed)) {
        assert.deepStrictEqual(new Uint8Array(run("-R", "-x", `/${file.name}`)), file.content)
        assert.deepStrictEqual(new Uint8Array(run("-J", "-x", `/${file.name};1`)), file.content)
      }
    })
  })
})

describeProgram("xorriso", () => {
  it("extracts the same bytes", () => {
    inFolder({ "seed.iso": image() }, (folder) => {
      execFileSync(
        "xorriso",
        ["-osirrox", "on", "-indev", path.join(folder, "seed.iso"), "-extract", "/", path.join(folder, "out")],
        {
          stdio: "pipe"
        }
      )
      for (const file of NoCloud.files(seed)) {
        assert.deepStrictEqual(new Uint8Array(fs.readFileSync(path.join(folder, "out", file.name))), file.content)
      }
    })
  })
})

describeProgram("cloud-init", () => {
  it("renders the user-data with the instance's id", () => {
    inFolder(
      {
        "user-data": seed.userData,
        "instance.json": bytes(JSON.stringify({ ds: { meta_data: { instance_id: seed.vmId } } }))
      },
      (folder) => {
        const out = execFileSync(
          "cloud-init",
          ["devel", "render", "-i", path.join(folder, "instance.json"), path.join(folder, "user-data")],
          {
            stdio: ["ignore", "pipe", "pipe"]
          }
        )
        assert.match(out.toString(), new RegExp(`content: "${seed.vmId}"`, "u"))
      }
    )
  })

  it("converts the network-config for netplan without a loss", () => {
    inFolder({ "network-config": NoCloud.networkConfig(seed.network ?? []) }, (folder) => {
      execFileSync(
        "cloud-init",
        [
          "devel",
          "net-convert",
          "-p",
          path.join(folder, "network-config"),
          "-k",
          "yaml",
          "-d",
          folder,
          "-D",
          "debian",
          "-O",
          "netplan"
        ],
        { stdio: "pipe" }
      )
      const netplan: unknown = parse(fs.readFileSync(path.join(folder, "etc/netplan/50-cloud-init.yaml"), "utf8"))
      assert.deepStrictEqual(netplan, {
        network: {
          version: 2,
          ethernets: {
            eth0: {
              addresses: ["10.0.0.5/24", "fd00::5/64"],
              dhcp4: false,
              dhcp6: false,
              mtu: 9000,
              nameservers: { addresses: ["10.0.0.2"], search: ["example.org"] },
              routes: [
                { to: "0.0.0.0/0", via: "10.0.0.1" },
                { to: "::/0", via: "fd00::1" },
                { to: "192.168.0.0/16", via: "10.0.0.254", metric: 50 }
              ]
            },
            eth1: { dhcp4: true, dhcp6: false, match: { macaddress: "00:15:5d:01:02:03" }, "set-name": "eth1" }
          }
        }
      })
    })
  })

  it("converts it for ifupdown, where every address and route is checked", () => {
    inFolder({ "network-config": NoCloud.networkConfig(seed.network ?? []) }, (folder) => {
      execFileSync(
        "cloud-init",
        [
          "devel",
          "net-convert",
          "-p",
          path.join(folder, "network-config"),
          "-k",
          "yaml",
          "-d",
          folder,
          "-D",
          "debian",
          "-O",
          "eni",
          "-m",
          "eth1,00:15:5d:01:02:03"
        ],
        { stdio: "pipe" }
      )
      const interfaces = fs.readFileSync(path.join(folder, "etc/network/interfaces.d/50-cloud-init"), "utf8")
      assert.match(interfaces, /iface eth0 inet static\s+address 10\.0\.0\.5\/24/u)
      assert.match(interfaces, /via 10\.0\.0\.1|gw 10\.0\.0\.1|gateway 10\.0\.0\.1/u)
      assert.match(interfaces, /iface eth1 inet dhcp/u)
    })
  })
})
