/** A Kerberos realm of MIT's own: KDC, database and keys in a folder of a test's own, on 127.0.0.1. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { temporary } from "./Folder.ts"
import { freePort, spawn } from "./Process.ts"

export const realm = "LAB.EXAMPLE"

/** Debian puts them where only an administrator's PATH leads. */
const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/sbin", "/usr/local/sbin"]
const find = (name: string): string | undefined =>
  folders.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file))

const programs = { kdc: find("krb5kdc"), database: find("kdb5_util"), admin: find("kadmin.local") }

/** Those that are missing, for a person; "" when all are there. */
export const missing = Object.values(programs).includes(undefined) ? "krb5kdc, kdb5_util or kadmin.local" : ""

export interface Kdc {
  readonly folder: string
  /** KRB5_CONFIG and what else the programs of this realm need. */
  readonly env: { readonly KRB5_CONFIG: string; readonly KRB5_KDC_PROFILE: string }
  /** Runs a command of kadmin.local. */
  readonly admin: (command: string) => Effect.Effect<void>
}

const listens = (port: number) =>
  Effect.callback<void, Error>((resume) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.on("error", (error) => resume(Effect.fail(error)))
  })

/** Runs until the scope closes. */
export const make = Effect.gen(function* () {
  const { kdc, database, admin } = programs
  if (kdc === undefined || database === undefined || admin === undefined)
    return yield* Effect.die(new Error(`not installed: ${missing}`))
  const folder = yield* temporary("kdc")
  const at = (name: string): string => path.join(folder, name)
  const port = yield* Effect.orDie(freePort)
  fs.writeFileSync(
    at("krb5.conf"),
    `[libdefaults]
  default_realm = ${realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  ${realm} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${realm}
`
  )
  fs.writeFileSync(
    at("kdc.conf"),
    `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${realm} = {
    database_name = ${at("principal")}
    key_stash_file = ${at("stash")}
    acl_file = ${at("acl")}
  }
`
  )
  const env = { KRB5_CONFIG: at("krb5.conf"), KRB5_KDC_PROFILE: at("kdc.conf") }
  const all = { ...process.env, ...env }
  const run = (program: string, ...args: ReadonlyArray<string>) =>
    Effect.sync(() => void execFileSync(program, args, { env: all, stdio: "pipe" }))
  yield* run(database, "create", "-s", "-r", realm, "-P", "master")
  yield* spawn(kdc, ["-n", "-P", at("pid")], at("kdc.log"), all)
  yield* Effect.orDie(Effect.retry(listens(port), { schedule: Schedule.spaced("20 millis"), times: 250 }))
  return { folder, env, admin: (command) => run(admin, "-q", command) } satisfies Kdc
})
