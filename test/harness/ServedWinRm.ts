/** The simulated WinRM listener on a socket, and what a foreign client needs to know of it. */
import * as Effect from "effect/Effect"
import { X509Certificate } from "node:crypto"
import { writeFileSync } from "node:fs"
import * as path from "node:path"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import type { PowerShellHost } from "../../src/simulators/scvmm/PowerShellHost.ts"
import * as WinRmServer from "../../src/simulators/scvmm/WinRmServer.ts"
import { temporary } from "./Folder.ts"

const user = { userName: "capi", password: "p4ss:word" }

type Options = Partial<WinRmServer.Options> & { readonly host: PowerShellHost }

/** "Strict": log-ons must be bound to the certificate. */
export type Over = "https" | "http" | "Strict"

/** `bodies`: of all requests, as Latin-1. */
export const serveWinRm = (over: Over, options: Options) =>
  Effect.gen(function* () {
    const authority = yield* CertificateAuthority.make("simulators")
    const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
    const certificate = new Uint8Array(new X509Certificate(tls.cert).raw)
    const server = yield* WinRmServer.make({ users: [user], ...(over === "Strict" && { certificate }), ...options })
    const bodies: Array<string> = []
    const listener = yield* Listener.listen({
      handler: (request, connection) => {
        bodies.push(new TextDecoder("latin1").decode(request.body))
        return server.handler(request, connection)
      },
      ...(over !== "http" && { tls })
    })
    const folder = yield* temporary("winrm")
    const ca = path.join(folder, "ca.pem")
    writeFileSync(ca, authority.ca)
    const settings = { host: "127.0.0.1", port: listener.port, ...(over !== "http" && { ca }), ...user }
    return { server, settings, bodies }
  })
