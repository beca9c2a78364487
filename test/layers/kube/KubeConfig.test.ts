/** Kubeconfigs and pod credentials: what is read, in which order, and what is said of bad ones. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Yaml from "yaml"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import type { LoadOptions } from "../../../layers/kube/KubeConfig.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import { parse, serverUrl } from "../../../layers/kube/KubeConfigFile.ts"
import { Namespace } from "../../../schemas/kube/Core.ts"
import { describeReal, realApi } from "../../harness/ApiServer.ts"
import { temporary } from "../../harness/Folder.ts"

/** No issuer is asked here. */
const load = (options?: LoadOptions) => Effect.provide(KubeConfig.load(options), Dial.layerInProcess(new Map()))

const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
const base64 = (text: string): string => Buffer.from(text).toString("base64")

interface Parts {
  readonly cluster?: object
  readonly user?: object
  readonly more?: object
}
const config = ({ cluster, user, more }: Parts = {}) => ({
  apiVersion: "v1",
  kind: "Config",
  preferences: {},
  "current-context": "ctx",
  clusters: [{ name: "c", cluster: { server: "https://api.example:6443/", ...cluster } }],
  users: [{ name: "u", user: { token: "t0ken", ...user } }],
  contexts: [{ name: "ctx", context: { cluster: "c", user: "u", namespace: "team" } }],
  ...more
})

const folder = temporary("kubeconfig")

const write = (dir: string, name: string, content: string | object): string => {
  const file = path.join(dir, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, typeof content === "string" ? content : Yaml.stringify(content))
  return file
}

const within = (env: Record<string, string>) => Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))

/** Loads one kubeconfig of that content from a file. */
const loaded = (content: string | object, options: LoadOptions = {}) =>
  Effect.gen(function* () {
    const dir = yield* folder
    return yield* load({ ...options, path: write(dir, "config", content) })
  })

const refused = (content: string | object) =>
  Effect.map(Effect.flip(loaded(content)), (error) => [error.reason, error.field, error.detail] as const)

describe("KubeConfig", () => {
  it.effect("reads server, inline certificates, namespace", () =>
    Effect.gen(function* () {
      const cluster = { "certificate-authority-data": base64(pem), "tls-server-name": "kubernetes" }
      const user = { token: undefined, "client-certificate-data": base64(pem), "client-key-data": base64(pem) }
      const { server, credentials, namespace } = yield* loaded(config({ cluster, user }))
      const { tls, token } = yield* credentials.current
      assert.strictEqual(server, "https://api.example:6443")
      assert.strictEqual(namespace, "team")
      assert.strictEqual(token, undefined)
      assert.deepStrictEqual(
        [tls.ca, tls.cert, tls.serverName, tls.insecureSkipVerify],
        [pem, pem, "kubernetes", undefined]
      )
      assert.strictEqual(tls.key && Redacted.value(tls.key), pem)
    })
  )

  it.effect("reads files beside the kubeconfig, and all of them again after a minute", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      write(dir, "pki/ca.crt", pem)
      write(dir, "token", "first\n")
      const cluster = { "certificate-authority": "pki/ca.crt" }
      const { credentials } = yield* load({
        path: write(dir, "config", config({ cluster, user: { tokenFile: "token" } }))
      })
      const now = Effect.map(credentials.current, ({ tls, token }) => [tls.ca, token && Redacted.value(token)])
      assert.deepStrictEqual(yield* now, [pem, "first"])
      write(dir, "token", "second")
      write(dir, "pki/ca.crt", `${pem}${pem}`)
      assert.deepStrictEqual(yield* now, [pem, "first"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* now, [`${pem}${pem}`, "second"])
    })
  )

  it.effect("takes another context by name, and JSON, and nulls", () =>
    Effect.gen(function* () {
      const more = {
        contexts: [
          { name: "ctx", context: { cluster: "c", user: "u" } },
          { name: "other", context: { cluster: "d", user: "" } }
        ],
        clusters: [{ name: "d", cluster: { server: "http://127.0.0.1:8080", "insecure-skip-tls-verify": true } }],
        users: null
      }
      const other = yield* loaded(JSON.stringify(config({ more })), { context: "other" })
      assert.deepStrictEqual(
        [other.server, other.namespace, (yield* other.credentials.current).tls],
        ["http://127.0.0.1:8080", "default", { insecureSkipVerify: true }]
      )
    })
  )

  it.effect("explicit path, then KUBECONFIG, then the pod, then the home folder", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const file = (name: string) => write(dir, name, config({ cluster: { server: `https://${name.split("/")[0]}` } }))
      const [explicit, listed] = [file("explicit"), file("listed")]
      file("home/.kube/config")
      const serviceAccount = path.join(dir, "sa")
      write(dir, "sa/ca.crt", pem)
      write(dir, "sa/token", "pod-token")
      write(dir, "sa/namespace", "capi-system\n")
      const home = { HOME: path.join(dir, "home") }
      const pod = { ...home, KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" }
      const server = (env: Record<string, string>, options: LoadOptions = {}) =>
        Effect.map(load({ serviceAccount, ...options }), (it) => it.server).pipe(within(env))
      assert.strictEqual(yield* server({ ...pod, KUBECONFIG: listed }, { path: explicit }), "https://explicit")
      assert.strictEqual(yield* server({ ...pod, KUBECONFIG: listed }), "https://listed")
      assert.strictEqual(yield* server(pod), "https://[fd00::1]:6443")
      assert.strictEqual(yield* server(home), "https://home")
      const inPod = yield* load({ serviceAccount }).pipe(within(pod))
      assert.strictEqual(inPod.namespace, "capi-system")
      assert.strictEqual((yield* inPod.credentials.current).tls.ca, pem)
      write(dir, "sa/token", "next-token")
      write(dir, "sa/ca.crt", `${pem}${pem}`)
      yield* TestClock.adjust("1 minute")
      const rotated = yield* inPod.credentials.current
      assert.strictEqual(rotated.tls.ca, `${pem}${pem}`)
      assert.strictEqual(rotated.token && Redacted.value(rotated.token), "next-token")
      const nothing = yield* Effect.flip(server({ HOME: dir }))
      assert.include(nothing.message, "no access to a cluster")
      const broken = yield* Effect.flip(server(pod, { serviceAccount: dir }))
      assert.strictEqual(broken.message, `${path.join(dir, "ca.crt")}: no such file`)
    })
  )

  it.effect("merges the files of KUBECONFIG, the first mention of a name winning", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const one = write(dir, "a/one", {
        "current-context": "ctx",
        clusters: config({ cluster: { server: "https://one" } }).clusters
      })
      write(dir, "b/token", "beside-two")
      const two = write(dir, "b/two", config({ cluster: { server: "https://two" }, user: { tokenFile: "token" } }))
      const merged = yield* load().pipe(within({ KUBECONFIG: [one, two].join(path.delimiter) }))
      assert.strictEqual(merged.server, "https://one")
      const { token } = yield* merged.credentials.current
      assert.strictEqual(token && Redacted.value(token), "beside-two")
    })
  )

  it.effect.each([
    ["auth-provider.name", { "auth-provider": { name: "gcp" } }],
    ["username", { username: "admin", password: "x" }],
    ["as", { as: "root" }]
  ] as const)("says that %s is not supported", ([field, user]) =>
    Effect.gen(function* () {
      const [reason, where, detail] = yield* refused(config({ user }))
      assert.deepStrictEqual([reason, where], ["Unsupported", `users.u.user.${field}`])
      assert.include(detail, "is not supported: use a client certificate, a token, a tokenFile or an exec plugin")
    })
  )

  it.effect.each([
    ["exec.command", { apiVersion: "client.authentication.k8s.io/v1" }],
    ["exec.apiVersion", { command: "aws", apiVersion: "client.authentication.k8s.io/v1alpha1" }],
    ["exec.interactiveMode", { command: "aws", apiVersion: "client.authentication.k8s.io/v1" }],
    [
      "exec.interactiveMode",
      { command: "aws", apiVersion: "client.authentication.k8s.io/v1beta1", interactiveMode: "Always" }
    ]
  ] as const)("refuses a plugin for its %s", ([field, exec]) =>
    Effect.gen(function* () {
      const [reason, where] = yield* refused(config({ user: { token: undefined, exec } }))
      assert.deepStrictEqual([reason, where], ["Malformed", `users.u.user.${field}`])
    })
  )

  it.effect("names the field that is wrong", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [string | object, string]> = [
        [config({ more: { "current-context": "" } }), "current-context"],
        [config({ more: { "current-context": "nope" } }), "contexts"],
        [config({ more: { clusters: [] } }), "contexts.ctx.context.cluster"],
        [config({ more: { users: [] } }), "contexts.ctx.context.user"],
        [config({ cluster: { server: "api.example:6443" } }), "clusters.c.cluster.server"],
        [config({ cluster: { server: 1 } }), "clusters.0.cluster.server"],
        [config({ cluster: { "certificate-authority-data": "%%" } }), "clusters.c.cluster.certificate-authority-data"],
        [config({ user: { "client-certificate-data": base64(pem) } }), "users.u.user.client-key"],
        [config({ user: { "client-key-data": base64("k") } }), "users.u.user.client-key-data"],
        ["a: b: c", "line 1, column 4"],
        ["- 1", ""]
      ]
      for (const [content, field] of cases) {
        const [reason, where] = yield* refused(content)
        assert.deepStrictEqual([reason, where], ["Malformed", field])
      }
    })
  )

  it.effect("says which file cannot be read", () =>
    Effect.gen(function* () {
      const absent = yield* Effect.flip(load({ path: "/nonexistent/kubeconfig" }))
      assert.strictEqual(absent.message, "/nonexistent/kubeconfig: no such file")
      const [reason, field, detail] = yield* refused(
        config({ cluster: { "certificate-authority": "/nonexistent/ca" } })
      )
      assert.deepStrictEqual(
        [reason, field, detail],
        ["Unreadable", "clusters.c.cluster.certificate-authority", "/nonexistent/ca: no such file"]
      )
    })
  )

  it.prop(
    "tells nothing of a broken file's content",
    { secret: Schema.String, noise: Schema.String },
    ({ secret, noise }) => {
      const token = `s3cret${secret}`
      for (const source of [
        `users: [{name: u, user: {token: ${token}${noise}`,
        JSON.stringify({ users: [{ name: 1, user: token }] })
      ]) {
        const result = parse("file", source)
        if (Result.isFailure(result)) assert.notInclude(result.failure.message, "s3cret")
      }
    }
  )

  it.prop("takes any http or https URL as a server, and nothing else", { text: Schema.String }, ({ text }) => {
    const url = serverUrl(text)
    if (url !== undefined) assert.match(url, /^https?:\/\/.*[^/]$/u)
    assert.strictEqual(
      serverUrl(`https://host:1234/${encodeURIComponent(text.isWellFormed() ? text : "")}/`)?.endsWith("/"),
      false
    )
  })
})

describeReal("KubeConfig on a real API server", (it) => {
  it.effect("opens the door with a kubeconfig file", () =>
    Effect.gen(function* () {
      const { kubeconfig } = yield* realApi
      const found = yield* load({ path: kubeconfig })
      const listing = yield* Effect.flatMap(KubeClient, (kube) => kube.list(Namespace)).pipe(
        Effect.provide(KubeClient.layer(found).pipe(Layer.provide(Dial.layerUndici)))
      )
      assert.include(
        listing.items.map((item) => item.metadata.name),
        "kube-system"
      )
    })
  )
})
