/** Exec credential plugins: real commands, virtual time, and a real API server that takes their token. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as path from "node:path"
import { Dial } from "../../../layers/Dial.ts"
import { parse, tail } from "../../../layers/kube/ExecCredential.ts"
import * as ExecPlugin from "../../../layers/kube/ExecPlugin.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import type { KubeObject, Resource } from "../../../schemas/kube/Resource.ts"
import { describeReal, freshNamespace, realApi } from "../../harness/ApiServer.ts"
import { request } from "../../harness/ControlPlane.ts"
import { temporary } from "../../harness/Folder.ts"

const v1 = "client.authentication.k8s.io/v1"

const folder = temporary("exec")

/** A plugin of that shell script, in a folder of its own; it counts its runs in the file `runs`. */
const plugin = Effect.fnUntraced(function* (script: string, more: Partial<ExecPlugin.Options["plugin"]> = {}) {
  const dir = yield* folder
  fs.writeFileSync(path.join(dir, "plugin"), `#!/bin/sh\necho x >> ${dir}/runs\n${script}`, { mode: 0o755 })
  const source = ExecPlugin.make({
    origin: path.join(dir, "config"),
    field: "users.u.user.exec",
    cluster: { server: "https://api.example", config: { audience: "caps" } },
    plugin: { apiVersion: v1, command: "./plugin", interactiveMode: "Never", ...more }
  })
  const runs = Effect.sync(() => fs.readFileSync(path.join(dir, "runs"), "utf8").trim().split("\n").length)
  return { dir, source, runs }
})

const answer = (status: object, apiVersion = v1) =>
  `cat <<'END'\n${JSON.stringify({ kind: "ExecCredential", apiVersion, status })}\nEND\n`

describe("an exec plugin", () => {
  it.effect("is run once for all who ask, and again when what it gave expires", () =>
    Effect.gen(function* () {
      const { source, runs } = yield* plugin(answer({ token: "t", expirationTimestamp: "1970-01-01T00:10:00Z" }))
      const all = yield* Effect.forEach(Array.from({ length: 8 }), () => source.current, { concurrency: "unbounded" })
      assert.strictEqual(new Set(all).size, 1)
      assert.strictEqual(yield* runs, 1)
      yield* TestClock.adjust("9 minutes")
      yield* source.current
      assert.strictEqual(yield* runs, 1)
      yield* TestClock.adjust("61 seconds")
      yield* source.current
      assert.strictEqual(yield* runs, 2)
    })
  )

  it.effect("that fails is run once for all who wait, and again for the next", () =>
    Effect.gen(function* () {
      const { source, runs } = yield* plugin("exit 1")
      const asking = Array.from({ length: 8 }, () => Effect.flip(source.current))
      const all = yield* Effect.all(asking, { concurrency: "unbounded" })
      assert.strictEqual(new Set(all).size, 1)
      assert.strictEqual(yield* runs, 1)
      yield* Effect.flip(source.current)
      assert.strictEqual(yield* runs, 2)
    })
  )

  it.effect("is run again when its token is refused, at most every ten seconds", () =>
    Effect.gen(function* () {
      const { source, runs } = yield* plugin(answer({ token: "t" }))
      for (let second = 0; second < 60; second++) {
        yield* source.current
        yield* source.forget
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(yield* runs, 6)
    })
  )

  it.effect("is told of the cluster when it asks, and has nothing to read", () =>
    Effect.gen(function* () {
      const { dir, source } = yield* plugin(
        `cat > $0.stdin; printf %s "$KUBERNETES_EXEC_INFO" > $0.info\n${answer({ token: "t" })}`,
        { provideClusterInfo: true }
      )
      const { token } = yield* source.current
      assert.strictEqual(token && Redacted.value(token), "t")
      assert.strictEqual(fs.readFileSync(path.join(dir, "plugin.stdin"), "utf8"), "")
      assert.deepStrictEqual(JSON.parse(fs.readFileSync(path.join(dir, "plugin.info"), "utf8")), {
        kind: "ExecCredential",
        apiVersion: v1,
        spec: { interactive: false, cluster: { server: "https://api.example", config: { audience: "caps" } } }
      })
    })
  )

  it.effect("says how a command failed, and nothing of its secrets", () =>
    Effect.gen(function* () {
      const secret = "hunter2hunter2"
      const { source } = yield* plugin(`echo "no session for $KEY; password=abc Bearer xyz" >&2; exit 7`, {
        env: [{ name: "KEY", value: secret }],
        args: ["--client-secret", secret],
        installHint: "install it"
      })
      const error = yield* Effect.flip(source.current)
      assert.strictEqual(error.reason, "Failed")
      assert.strictEqual(error.field, "users.u.user.exec")
      assert.match(error.detail, /\/plugin: exit code 7: no session for \*\*\*; password=\*\*\* Bearer \*\*\*$/u)
      const absent = yield* plugin("", { command: "no-such-program-anywhere", installHint: "get it from its maker" })
      const missing = yield* Effect.flip(absent.source.current)
      assert.strictEqual(missing.detail, "no-such-program-anywhere: there is no such program: get it from its maker")
      // More than Linux takes in one variable: a bundle of many authorities.
      const large = yield* plugin("", { env: [{ name: "BUNDLE", value: "A".repeat(200_000) }] })
      assert.match((yield* Effect.flip(large.source.current)).detail, /\/plugin: it could not be started \(E2BIG\)$/u)
      const garbage = yield* Effect.flip((yield* plugin("echo s3cret")).source.current)
      assert.include(garbage.detail, "its output is not an ExecCredential")
      assert.notInclude(garbage.detail, "s3cret")
      const other = yield* Effect.flip((yield* plugin(answer({ token: "t" }, `${v1}beta1`))).source.current)
      assert.include(other.detail, `not of apiVersion ${v1}`)
    })
  )

  it.live("is ended when nobody waits for it any more", () =>
    Effect.gen(function* () {
      const { dir, source } = yield* plugin(`echo $$ > $0.tmp; mv $0.tmp $0.pid; exec sleep 300`)
      const waiting = yield* Effect.forkChild(source.current)
      const file = path.join(dir, "plugin.pid")
      const soon = Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500 })
      yield* Effect.suspend(() => (fs.existsSync(file) ? Effect.void : Effect.fail("not started"))).pipe(soon)
      const pid = Number(fs.readFileSync(file, "utf8"))
      process.kill(pid, 0)
      yield* Fiber.interrupt(waiting)
      const gone = Effect.suspend(() => {
        try {
          process.kill(pid, 0)
          return Effect.fail("still there")
        } catch {
          // No such process.
          return Effect.void
        }
      })
      yield* gone.pipe(soon)
    })
  )

  it.effect("is given up after twenty seconds, which is said", () =>
    Effect.gen(function* () {
      const { source } = yield* plugin("exec sleep 300")
      const waiting = yield* Effect.forkChild(Effect.flip(source.current))
      yield* TestClock.adjust("20 seconds")
      assert.include((yield* Fiber.join(waiting)).detail, "it did not end within 20 seconds")
    })
  )

  it("gives token, certificate, or neither", () => {
    const parsed = (status: object) => parse(JSON.stringify({ kind: "ExecCredential", apiVersion: v1, status }), v1)
    assert.strictEqual(parsed({ token: "t" })._tag, "Success")
    assert.strictEqual(parsed({ clientCertificateData: "c", clientKeyData: "k" })._tag, "Success")
    for (const status of [
      {},
      { clientCertificateData: "c" },
      { token: "t", expirationTimestamp: "soon" },
      { token: 1 }
    ]) {
      assert.strictEqual(parsed(status)._tag, "Failure")
    }
  })

  it.prop(
    "no secret of its environment gets out with its stderr",
    { secret: Schema.String.check(Schema.isMinLength(4)), noise: Schema.String },
    ({ secret, noise }) => {
      const told = tail(`${noise}\u0000${secret}\u0000${noise}`, { env: [{ name: "A", value: secret }] })
      assert.isAtMost(told.length, 401)
      if (!noise.includes(secret) && !"***".includes(secret)) assert.notInclude(told, `\u0000${secret}\u0000`)
    }
  )
})

const username = Schema.Struct({
  status: Schema.Struct({ userInfo: Schema.Struct({ username: Schema.String }) })
})
const SelfSubjectReview: Resource<KubeObject & typeof username.Type> = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
  namespaced: false,
  // A review has no name.
  schema: username as never
}

describeReal("an exec plugin on a real API server", (it) => {
  it.effect("opens the door with its token, and with its certificate", () =>
    Effect.gen(function* () {
      const access = yield* realApi
      const { server, ca, cert, key } = access
      const namespace = yield* freshNamespace
      const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
      yield* request(access, "POST", accounts, { metadata: { name: "sa" } })
      const { text } = yield* request(access, "POST", `${accounts}/sa/token`, { spec: {} })
      const { token } = JSON.parse(text).status
      for (const [status, who] of [
        [{ token }, `system:serviceaccount:${namespace}:sa`],
        [{ clientCertificateData: cert, clientKeyData: key }, "admin"]
      ] as const) {
        const { dir } = yield* plugin(answer(status))
        const exec = { apiVersion: v1, command: "./plugin", interactiveMode: "Never", args: null, env: null }
        const cluster = { server, "certificate-authority-data": Buffer.from(ca).toString("base64") }
        const file = path.join(dir, "config")
        fs.writeFileSync(
          file,
          JSON.stringify({
            "current-context": "c",
            contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
            clusters: [{ name: "c", cluster }],
            users: [{ name: "u", user: { exec } }]
          })
        )
        const config = yield* KubeConfig.load({ path: file }).pipe(Effect.provide(Dial.layerUndici))
        const review = yield* Effect.flatMap(KubeClient, (kube) => kube.create(SelfSubjectReview, "", {})).pipe(
          Effect.provide(KubeClient.layer(config).pipe(Layer.provide(Dial.layerUndici)))
        )
        assert.strictEqual(review.status.userInfo.username, who)
      }
    })
  )
})
