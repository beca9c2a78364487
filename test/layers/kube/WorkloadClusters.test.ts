/** Clients of workload clusters: from their Secrets, one dead cluster beside a good one, rotation; embedded and real. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import { WorkloadClusters } from "../../../layers/kube/WorkloadClusters.ts"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import { Namespace, Secret } from "../../../schemas/kube/Core.ts"
import { describeReal, freshNamespace, realApi } from "../../harness/ApiServer.ts"
import { makeAuthority } from "../../harness/Certificates.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { json, list, status } from "./Scripted.ts"

const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
const base64 = (text: string): string => Buffer.from(text).toString("base64")

const kubeconfig = (server: string, user: object, ca = pem): string =>
  JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server, "certificate-authority-data": base64(ca) } }],
    users: [{ name: "u", user }]
  })

/** A management API that has those Secrets, and workload clusters that note the tokens they see. */
const site = Effect.fnUntraced(function* (clusters: Readonly<Record<string, Handler>>) {
  const secrets = new Map<string, string>()
  const read: Array<string> = []
  const management: Handler = (request) => {
    const name = request.target.split("/").at(-1) ?? ""
    read.push(name)
    const value = secrets.get(name)
    const metadata = { name, namespace: "ns", uid: name, resourceVersion: "1" }
    return Effect.succeed(
      value === undefined ? json(404, status(404, "NotFound")) : json(200, { metadata, data: { value: base64(value) } })
    )
  }
  const dial = Dial.layerInProcess(new Map([["https://mgmt.example", management], ...Object.entries(clusters)]))
  const kube = KubeClient.layer(KubeConfig.fixed({ server: "https://mgmt.example" }))
  const { client } = yield* Effect.service(WorkloadClusters).pipe(
    Effect.provide(yield* Layer.build(WorkloadClusters.layer.pipe(Layer.provideMerge(kube), Layer.provide(dial))))
  )
  return { client, secrets, read }
})

const cluster = (name: string) => ({ namespace: "ns", name })
const namespaces = (client: KubeClient["Service"]) => Effect.map(client.list(Namespace), ({ items }) => items.length)

describe("WorkloadClusters", () => {
  it.effect("says why there is no client, and looks again at every call until there is one", () =>
    Effect.gen(function* () {
      const { client, secrets, read } = yield* site({ "https://a.example": () => Effect.succeed(list("1", [])) })
      const error = yield* Effect.flip(client(cluster("a")))
      assert.deepStrictEqual([error.reason, error.path], ["NotFound", "Secret ns/a-kubeconfig"])
      secrets.set("a-kubeconfig", kubeconfig("https://a.example", { exec: { command: "/bin/false" } }))
      assert.strictEqual((yield* Effect.flip(client(cluster("a")))).field, "users.u.user.exec.apiVersion")
      secrets.set("a-kubeconfig", "")
      assert.deepInclude(yield* Effect.flip(client(cluster("a"))), { reason: "Malformed", field: "value" })
      secrets.set("a-kubeconfig", kubeconfig("https://a.example", { token: "t" }))
      assert.strictEqual(yield* namespaces(yield* client(cluster("a"))), 0)
      assert.strictEqual(read.length, 4)
      yield* client(cluster("a"))
      assert.strictEqual(read.length, 4)
    })
  )

  it.effect(
    "a new token in the Secret is used within a minute, or when the old one is refused; a client is shared",
    () =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        let good = "t1"
        const { client, secrets } = yield* site({
          "https://a.example": (request) => {
            const token = request.headers["authorization"]?.replace("Bearer ", "") ?? ""
            seen.push(token)
            return Effect.succeed(token === good ? list("1", []) : json(401, status(401, "Unauthorized")))
          }
        })
        const token = (value: string) => secrets.set("a-kubeconfig", kubeconfig("https://a.example", { token: value }))
        token("t1")
        const one = yield* client(cluster("a"))
        assert.strictEqual(yield* client(cluster("a")), one)
        yield* namespaces(one)
        yield* TestClock.adjust("20 seconds")
        token("t2")
        good = "t2"
        yield* namespaces(one)
        assert.deepStrictEqual(seen, ["t1", "t1", "t2"])
        token("t3")
        yield* TestClock.adjust("1 minute")
        good = "t3"
        yield* namespaces(one)
        assert.deepStrictEqual(seen.slice(3), ["t3"])
        secrets.delete("a-kubeconfig")
        yield* TestClock.adjust("1 minute")
        const orphan = yield* Effect.flip(namespaces(one))
        assert.include(orphan.message, "no credentials: Secret ns/a-kubeconfig: there is no such Secret")
        assert.strictEqual(seen.length, 4)
      })
  )

  it.effect("another server in the Secret gets a client of its own, and the first none of its credentials", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const answering =
        (name: string): Handler =>
        (request) => {
          seen.push(`${name} ${request.headers["authorization"]}`)
          return Effect.succeed(list("1", []))
        }
      const { client, secrets } = yield* site({
        "https://a.example": answering("a"),
        "https://b.example": answering("b")
      })
      secrets.set("x-kubeconfig", kubeconfig("https://a.example", { token: "ta" }))
      const old = yield* client(cluster("x"))
      yield* namespaces(old)
      secrets.set("x-kubeconfig", kubeconfig("https://b.example", { token: "tb" }))
      yield* TestClock.adjust("1 minute")
      yield* Effect.flip(namespaces(old))
      yield* namespaces(yield* client(cluster("x")))
      assert.deepStrictEqual(seen, ["a Bearer ta", "b Bearer tb"])
    })
  )

  it.effect("a dead cluster is given up after ten seconds and delays no other", () =>
    Effect.gen(function* () {
      const { client, secrets } = yield* site({
        "https://dead.example": () => Effect.never,
        "https://good.example": () => Effect.succeed(list("1", []))
      })
      for (const name of ["dead", "good"]) {
        secrets.set(`${name}-kubeconfig`, kubeconfig(`https://${name}.example`, { token: "t" }))
      }
      const ended = yield* inTime(
        Effect.forEach(
          ["dead", "dead", "dead", "good"],
          (name) =>
            Effect.flatMap(client(cluster(name)), namespaces).pipe(
              Effect.exit,
              Effect.andThen(Clock.currentTimeMillis),
              Effect.map((at) => `${name} ${at}`)
            ),
          { concurrency: "unbounded" }
        )
      )
      assert.deepStrictEqual(ended, ["dead 10000", "dead 10000", "dead 10000", "good 0"])
    })
  )

  it.effect("connections that nobody has used for ten minutes are closed, and the Secret is forgotten", () =>
    Effect.gen(function* () {
      let open = 0
      const { client, secrets, read } = yield* site({
        "https://a.example": () =>
          Effect.gen(function* () {
            yield* Effect.acquireRelease(
              Effect.sync(() => (open += 1)),
              () => Effect.sync(() => (open -= 1))
            )
            return yield* Effect.never
          })
      })
      secrets.set("a-kubeconfig", kubeconfig("https://a.example", { token: "t" }))
      const scope = yield* Scope.make()
      const watching = yield* Scope.provide(client(cluster("a")), scope)
      yield* Effect.forkChild(Effect.ignore(watching.raw("/hangs")))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(open, 1)
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(open, 0)
      yield* client(cluster("a"))
      assert.strictEqual(read.length, 2)
    })
  )
})

describeReal("WorkloadClusters on a real API server", (it) => {
  it.effect("reaches one by its client certificate beside one that swallows everything, and runs no plugin", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const { server, ca, cert, key } = yield* realApi
      const namespace = yield* freshNamespace
      const hole = yield* Effect.acquireRelease(
        Effect.promise(
          () =>
            new Promise<net.Server>((resolve) => {
              const made = net.createServer((socket) => socket.on("error", () => undefined))
              made.listen(0, "127.0.0.1", () => resolve(made))
            })
        ),
        (made) => Effect.sync(() => made.close())
      )
      const { port } = hole.address() as net.AddressInfo
      const stranger = yield* Effect.promise(() => makeAuthority("stranger"))
      const user = { "client-certificate-data": base64(cert), "client-key-data": base64(key) }
      const mark = path.join(import.meta.dirname, "was-run")
      const exec = {
        apiVersion: "client.authentication.k8s.io/v1",
        command: "touch",
        args: [mark],
        interactiveMode: "Never"
      }
      for (const [name, value] of [
        ["good", kubeconfig(server, user, ca)],
        ["hole", kubeconfig(`https://127.0.0.1:${port}`, user, ca)],
        ["stranger", kubeconfig(server, user, stranger.cert)],
        ["plugin", kubeconfig(server, { exec }, ca)]
      ] as const) {
        const secret = {
          metadata: { name: `${name}-kubeconfig` },
          type: "cluster.x-k8s.io/secret",
          data: { value: base64(value) }
        }
        yield* kube.create(Secret, namespace, secret)
      }
      const workloads = yield* Layer.build(WorkloadClusters.layer.pipe(Layer.provide(Dial.layerUndici)))
      const { client } = yield* Effect.provide(Effect.service(WorkloadClusters), workloads)
      const ask = (name: string) => Effect.flatMap(client({ namespace, name }), namespaces)
      const silent = yield* Effect.forkChild(Effect.flip(ask("hole")))
      assert.isAbove(yield* ask("good"), 2)
      assert.isUndefined(silent.pollUnsafe())
      assert.include((yield* Effect.flip(ask("stranger"))).message, "its CA is missing")
      const refused = yield* Effect.flip(client({ namespace, name: "plugin" }))
      assert.deepStrictEqual([refused.reason, refused.field], ["NotAllowed", "users.u.user.exec"])
      assert.isFalse(fs.existsSync(mark))
    })
  )
})
