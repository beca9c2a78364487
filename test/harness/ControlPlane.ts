/** A real control plane as child processes: etcd, kube-apiserver and the two controllers tests cannot do without. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as childProcess from "node:child_process"
import * as crypto from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { Client } from "undici"
import { makeAuthority } from "./Certificates.ts"
import { exited, freePort, spawn } from "./Process.ts"
import { temporary } from "./Folder.ts"

/** An administrator's access; PEM texts. */
export interface Access {
  readonly server: string
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** A kubeconfig file with the same content. */
  readonly kubeconfig: string
  /** The file of the audit log, one JSON object a line; "" unless it was asked for. */
  readonly audit: string
}

/** Of every request that may change something: who and when; of those for Leases everything. Written before the next is served. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  omitManagedFields: true,
  rules: [
    { level: "None", verbs: ["get", "list", "watch"] },
    { level: "RequestResponse", resources: [{ group: "coordination.k8s.io", resources: ["leases"] }] },
    { level: "Metadata" }
  ]
}

const base64 = (text: string): string => Buffer.from(text).toString("base64")

/**
 * Starts the binaries of a folder as setup-envtest lays it out (etcd, kube-apiserver, kube-controller-manager), each
 * on a free port of 127.0.0.1, and waits until the API is ready. `prepare` runs before the controllers start: the
 * garbage collector finds kinds that come later only at its next look, half a minute on. State and logs go with the
 * scope; when the start fails, the error carries the tail of the API server's log.
 */
export const start = (
  assets: string,
  prepare: (access: Access) => Effect.Effect<void, Error>,
  options: { readonly audit?: boolean } = {}
): Effect.Effect<Access, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const dir = yield* temporary("control-plane")
    const write = (name: string, content: string) => {
      const file = path.join(dir, name)
      fs.writeFileSync(file, content, { mode: 0o600 })
      return file
    }
    const [authority, serviceAccount] = yield* Effect.promise(async () => {
      const authority = await makeAuthority("control-plane-ca")
      return [authority, crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })] as const
    })
    const [tls, admin] = yield* Effect.promise(() =>
      Promise.all([
        authority.issue({
          commonName: "kube-apiserver",
          dns: ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
          ip: ["127.0.0.1", "10.96.0.1"],
          usage: "serverAuth"
        }),
        authority.issue({ commonName: "admin", organization: "system:masters", usage: "clientAuth" })
      ])
    )
    const ca = write("ca.crt", authority.cert)
    const signer = write("sa.key", serviceAccount.privateKey.export({ type: "pkcs8", format: "pem" }).toString())
    const verifier = write("sa.pub", serviceAccount.publicKey.export({ type: "spki", format: "pem" }).toString())

    const [etcd, peer, api, manager] = yield* Effect.all([freePort, freePort, freePort, freePort], {
      concurrency: "unbounded"
    })
    const server = `https://127.0.0.1:${api}`
    const kubeconfig = write(
      "kubeconfig",
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "admin",
        clusters: [{ name: "real", cluster: { server, "certificate-authority-data": base64(authority.cert) } }],
        users: [
          {
            name: "admin",
            user: { "client-certificate-data": base64(admin.cert), "client-key-data": base64(admin.key) }
          }
        ],
        contexts: [{ name: "admin", context: { cluster: "real", user: "admin" } }]
      })
    )
    const audit = options.audit === true ? path.join(dir, "audit.log") : ""
    const access: Access = { server, ca: authority.cert, cert: admin.cert, key: admin.key, kubeconfig, audit }
    const auditing =
      audit === ""
        ? []
        : [
            ["--audit-log-path", audit, "--audit-log-mode", "blocking"],
            ["--audit-policy-file", write("audit-policy.yaml", JSON.stringify(auditPolicy))]
          ].flat()

    yield* spawn(
      path.join(assets, "etcd"),
      [
        ["--data-dir", path.join(dir, "etcd")],
        ["--unsafe-no-fsync", "--log-level", "error"],
        ["--listen-client-urls", `http://127.0.0.1:${etcd}`, "--advertise-client-urls", `http://127.0.0.1:${etcd}`],
        ["--listen-peer-urls", `http://127.0.0.1:${peer}`]
      ].flat(),
      path.join(dir, "etcd.log")
    )
    const apiServer = yield* spawn(
      path.join(assets, "kube-apiserver"),
      [
        ["--etcd-servers", `http://127.0.0.1:${etcd}`],
        ["--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", String(api)],
        ["--tls-cert-file", write("tls.crt", tls.cert), "--tls-private-key-file", write("tls.key", tls.key)],
        ["--client-ca-file", ca, "--authorization-mode", "RBAC", "--allow-privileged"],
        ["--service-cluster-ip-range", "10.96.0.0/16", "--service-account-issuer", "https://kubernetes.default.svc"],
        ["--service-account-key-file", verifier, "--service-account-signing-key-file", signer],
        auditing
      ].flat(),
      path.join(dir, "kube-apiserver.log")
    )
    yield* ready(access, apiServer).pipe(
      Effect.mapError((error) => {
        const tail = fs.readFileSync(path.join(dir, "kube-apiserver.log"), "utf8").split("\n").slice(-15).join("\n")
        return new Error(`kube-apiserver did not get ready: ${error.message}\n${tail}`)
      })
    )
    yield* prepare(access)
    yield* spawn(
      path.join(assets, "kube-controller-manager"),
      [
        ["--kubeconfig", kubeconfig, "--bind-address", "127.0.0.1", "--secure-port", String(manager)],
        ["--use-service-account-credentials=false", "--leader-elect=false"],
        ["--service-account-private-key-file", signer, "--root-ca-file", ca],
        ["--controllers", "garbage-collector-controller,namespace-controller,serviceaccount-controller"]
      ].flat(),
      path.join(dir, "kube-controller-manager.log")
    )
    return access
  })

/** One request of an administrator with a JSON body; answers status and text. */
export const request = (access: Access, method: "GET" | "POST", target: string, body?: unknown) =>
  Effect.tryPromise({
    try: async () => {
      const client = new Client(access.server, { connect: { ca: access.ca, cert: access.cert, key: access.key } })
      try {
        const answer = await client.request({
          method,
          path: target,
          headers: { "content-type": "application/json", accept: "application/json" },
          body: body === undefined ? null : JSON.stringify(body)
        })
        return { status: answer.statusCode, text: await answer.body.text() }
      } finally {
        await client.close()
      }
    },
    catch: (cause) => new Error(`${method} ${target}: ${String(cause)}`, { cause })
  })

const ready = (access: Access, apiServer: childProcess.ChildProcess): Effect.Effect<void, Error> =>
  Effect.suspend(() =>
    exited(apiServer) ? Effect.succeed({ status: 0, text: "it exited" }) : request(access, "GET", "/readyz")
  ).pipe(
    Effect.filterOrFail(
      (answer) => answer.status === 200 || answer.status === 0,
      (answer) => new Error(`status ${answer.status}: ${answer.text}`)
    ),
    Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 600 }),
    Effect.flatMap((answer) => (answer.status === 0 ? Effect.fail(new Error(answer.text)) : Effect.void))
  )
