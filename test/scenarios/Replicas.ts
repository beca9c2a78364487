/** Two replicas of the operator as processes with accounts of their own, an audited kube-apiserver, SCVMM, and work without end. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Handler } from "../../schemas/http/Exchange.ts"
import { verbs } from "../../layers/scvmm/Catalogue.ts"
import { leaseName } from "../../src/cli/Leadership.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import * as Access from "../../src/simulators/kube/Access.ts"
import * as RemoteApiServer from "../../src/simulators/kube/RemoteApiServer.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import { realistic, scaled } from "../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../src/simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../src/simulators/scvmm/WinRmServer.ts"
import * as ControlPlane from "../harness/ControlPlane.ts"
import { installCrds } from "../harness/Crds.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import * as AuditTrail from "./AuditTrail.ts"
import { serviceAccount } from "./ServiceAccount.ts"
import { create, eventually } from "./Site.ts"
import { temporary } from "../harness/Folder.ts"
import { machineSpec } from "./MachineSpec.ts"

/** Where their role lets them have it. */
const leaseNamespace = "caps-system"
export const lease = `${leaseNamespace}/${leaseName}`
/** Shorter than by default, so that many rounds take no hour. */
export const timing = { lease: 3_000, renew: 2_000, retry: 500 } as const

const namespace = "default"
const provider: Core.Kind = { ...Core.ScvmmMachine, kind: "ScvmmProvider", plural: "scvmmproviders" }
const base64 = (value: string): string => Buffer.from(value).toString("base64")

const flags = [
  "--leader-elect",
  ["--leader-election-namespace", leaseNamespace],
  ["--leader-elect-lease-duration", `${timing.lease}ms`],
  ["--leader-elect-renew-deadline", `${timing.renew}ms`],
  ["--leader-elect-retry-period", `${timing.retry}ms`],
  ["--vm-transition-period", "200ms"]
].flat()

/** What arrived at WinRM. */
export interface Exchange {
  readonly at: number
  /** The sender's own shell; "" when the envelope names none, or deletes one, which may be a predecessor's. */
  readonly shellId: string
  /** Whether it starts a function of ours that changes something. */
  readonly mutates: boolean
}

const shellOf = (envelope: string): string => {
  if (envelope.includes("/transfer/Delete<")) return ""
  const guid = "([0-9A-Fa-f-]{36})"
  const found =
    new RegExp(`Name="ShellId"[^>]*>${guid}<`, "u").exec(envelope) ??
    new RegExp(`ShellId="${guid}"`, "u").exec(envelope)
  return found?.[1]?.toUpperCase() ?? ""
}

const changing = new Set(verbs.filter(({ effect }) => effect === "mutation").map(({ name }) => name))

/** Pipelines travel as base64 of CLIXML, commands first. */
const mutates = (envelope: string): boolean =>
  [...envelope.matchAll(/>([A-Za-z0-9+/=]{40,})</gu)].some(([, block = ""]) => {
    const xml = Buffer.from(block, "base64").toString("latin1")
    return [...xml.matchAll(/<S N="Cmd">([\w-]+)<\/S>/gu)].some(([, command = ""]) => changing.has(command))
  })

/** SCVMM on a socket, whose hosts never run out of shells: every killed leader leaves some. */
const windows = Effect.gen(function* () {
  const scvmm = yield* Scvmm.make({ latency: scaled(realistic, 0.002), seed: "replicas" })
  yield* Effect.forkScoped(scvmm.failed)
  const { accounts, vmmServer } = scvmm.inventory
  const winrm = yield* WinRmServer.make({ host: scvmm.host, users: accounts, quotas: { maxShellsPerUser: 10_000 } })
  const exchanges: Array<Exchange> = []
  const handler: Handler = (request, connection) => {
    const envelope = Buffer.from(request.body).toString("utf8")
    exchanges.push({
      at: performance.timeOrigin + performance.now(),
      shellId: shellOf(envelope),
      mutates: mutates(envelope)
    })
    return winrm.handler(request, connection)
  }
  const authority = yield* CertificateAuthority.make("replicas")
  const tls = yield* authority.issue({ commonName: "localhost", usage: "server" })
  const { port } = yield* Listener.listen({ handler, tls })
  return { scvmm, exchanges, port, ca: authority.ca, vmmHost: vmmServer.name, account: accounts[0] }
})

type Windows = Effect.Success<typeof windows>

const provide = Effect.fnUntraced(function* (access: Access.Access, { account, ca, port, vmmHost }: Windows) {
  yield* create(access, namespace, Core.Secret, {
    metadata: { name: "scvmm" },
    data: {
      username: base64(account?.userName ?? ""),
      password: base64(account?.password ?? ""),
      "ca.crt": base64(ca)
    }
  })
  yield* create(access, namespace, Core.Secret, {
    metadata: { name: "boot" },
    data: { value: base64("#cloud-config\n"), format: base64("cloud-config") }
  })
  yield* create(access, namespace, provider, {
    metadata: { name: "scvmm" },
    spec: {
      scvmmHost: vmmHost,
      scvmmSecret: { name: "scvmm" },
      execHosts: ["127.0.0.1"],
      transport: { scheme: "https", port, authentication: "Basic" }
    }
  })
})

/** Machines come and go for ever: whoever leads has to write, to Kubernetes and to SCVMM. */
const work = Effect.fnUntraced(function* (access: Access.Access) {
  const most = 6
  for (let number = 0; ; number++) {
    yield* create(access, namespace, Core.ScvmmMachine, {
      metadata: { name: `m${number}` },
      spec: { ...machineSpec(namespace), bootstrap: { dataSecretName: "boot" } }
    })
    if (number >= most) yield* access.delete(Core.ScvmmMachine, namespace, `m${number - most}`)
    yield* Effect.sleep("300 millis")
  }
})

export interface Replica {
  readonly user: string
  readonly kubeconfig: string
  /** Every process of it so far. */
  readonly lives: Array<OperatorProcess.OperatorProcess>
  /** The one that runs. */
  current: OperatorProcess.OperatorProcess | undefined
}

export interface Signalled {
  readonly at: number
  readonly leader: Replica
  readonly life: OperatorProcess.OperatorProcess
}

/** Everything ends with the scope. */
export const make = Effect.fnUntraced(function* (assets: string) {
  const folder = yield* temporary("replicas")
  const api = yield* ControlPlane.start(assets, (it) => installCrds(it, process.env["CAPI_MANIFESTS"]), { audit: true })
  const access = Access.make(yield* RemoteApiServer.remote(fs.readFileSync(api.kubeconfig, "utf8")))
  const site = yield* windows
  yield* provide(access, site)
  const audit = AuditTrail.follow(api.audit)
  const replica = Effect.fnUntraced(function* (name: string) {
    const kubeconfig = yield* serviceAccount(access, api.kubeconfig, name)
    return {
      user: `system:serviceaccount:caps-system:${name}`,
      kubeconfig,
      lives: [],
      current: undefined
    } satisfies Replica as Replica
  })
  const pair = [yield* replica("one"), yield* replica("two")] as const

  /** One process after another, as a Deployment keeps a replica. */
  const supervise = (it: Replica) =>
    Effect.gen(function* () {
      const log = path.join(folder, `${it.user.split(":").at(-1) ?? ""}-${it.lives.length}.log`)
      const life = yield* OperatorProcess.start({ kubeconfig: it.kubeconfig, log, flags, env: { LOG_LEVEL: "info" } })
      it.lives.push(life)
      it.current = life
      yield* life.ended
      it.current = undefined
    }).pipe(Effect.scoped, Effect.forever)

  const said = (it: Replica, message: string) =>
    Effect.map(it.current?.lines ?? Effect.succeed([]), (all) =>
      all.some((line) => String(line["message"]).includes(message))
    )

  /** Who leads and has worked, and who stands by. */
  const standing = eventually(
    "one leads and works, the other stands by",
    Effect.gen(function* () {
      for (const [leader, standby] of [pair, [pair[1], pair[0]] as const]) {
        if (!(yield* said(leader, "leader lease acquired")) || !(yield* said(standby, "standing by"))) continue
        const from = AuditTrail.termsOf(audit.look(), lease).at(-1)?.from ?? Infinity
        const wrote = works(audit.look()).some((write) => write.user === leader.user && write.received > from)
        if (wrote && site.exchanges.some((it) => it.mutates && it.at > from)) return { leader, standby }
      }
      return undefined
    })
  )

  /** What the replicas wrote, but for their lease and their Events. */
  const works = (writes: ReadonlyArray<AuditTrail.Write>) =>
    writes.filter(
      ({ resource, user }) =>
        pair.some((it) => it.user === user) &&
        resource !== "leases.coordination.k8s.io" &&
        !resource.startsWith("events")
    )

  /** Milliseconds from `since` until a process that came to lead after it wrote. */
  const takenOver = (since: number) =>
    eventually(
      "the work goes on",
      Effect.sync(() => {
        const writes = audit.look()
        const from = AuditTrail.termsOf(writes, lease).find((term) => term.from > since)?.from ?? Infinity
        const first = works(writes).find((write) => write.received > from)
        return first === undefined ? undefined : first.received - since
      })
    )

  /** To whoever leads and works; one that ended by itself before it was sent is not counted. */
  const signalLeader = (name: NodeJS.Signals): Effect.Effect<Signalled> =>
    Effect.gen(function* () {
      const { leader } = yield* standing
      const { current: life } = leader
      const at = yield* Clock.currentTimeMillis
      if (life === undefined) return yield* signalLeader(name)
      process.kill(life.pid, name)
      return { at, leader, life }
    })

  yield* Effect.forEach(pair, (it) => Effect.forkScoped(supervise(it)))
  return { pair, work: work(access), signalLeader, takenOver, works, audit, site }
})
