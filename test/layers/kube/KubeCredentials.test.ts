/** Credentials that change under a running client: token files, certificates, and files that are gone for a moment. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as crypto from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import { ConfigMap } from "../../../schemas/kube/Core.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import { makeAuthority } from "../../harness/Certificates.ts"
import { freePort } from "../../harness/Process.ts"
import { inTime, settle } from "../../harness/VirtualTime.ts"
import { configMap, json, status } from "./Scripted.ts"
import { temporary } from "../../harness/Folder.ts"

const get = Effect.flatMap(KubeClient, (kube) => kube.get(ConfigMap, { namespace: "ns", name: "one" }))

/** A client by a kubeconfig with those user fields, beside files of that content. */
const site = Effect.fnUntraced(function* (
  user: object,
  files: Readonly<Record<string, string>>,
  handler: Handler,
  cluster: object = { server: "https://api.example" },
  dial: Layer.Layer<Dial> = Dial.layerInProcess(new Map([["https://api.example", handler]]))
) {
  const dir = yield* temporary("credentials")
  const write = (name: string, content: string) => fs.writeFileSync(path.join(dir, name), content)
  for (const [name, content] of Object.entries(files)) write(name, content)
  write(
    "config",
    JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user }]
    })
  )
  const lines: Array<string> = []
  const log = Logger.layer([Logger.make((options) => void lines.push(String(options.message)))])
  const services = yield* Layer.build(
    Layer.merge(
      Layer.unwrap(Effect.map(KubeConfig.load({ path: path.join(dir, "config") }), (it) => KubeClient.layer(it))).pipe(
        Layer.provide(dial)
      ),
      log
    )
  )
  return { write, remove: (name: string) => fs.rmSync(path.join(dir, name)), lines, services }
})

describe("credentials in files", () => {
  it.effect("a token that is refused is read again, and the request sent once more", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      let good = "one"
      const { services, write } = yield* site({ tokenFile: "token" }, { token: "one\n" }, (request) => {
        seen.push(`${request.method} ${request.headers["authorization"]}`)
        const taken = request.headers["authorization"] === `Bearer ${good}`
        return Effect.succeed(taken ? json(200, configMap("one", "1")) : json(401, status(401, "Unauthorized")))
      })
      yield* Effect.gen(function* () {
        yield* get
        yield* TestClock.adjust("15 seconds")
        write("token", "two\n")
        good = "two"
        const kube = yield* KubeClient
        yield* kube.create(ConfigMap, "ns", { metadata: { name: "one" } })
        assert.deepStrictEqual(seen, ["GET Bearer one", "POST Bearer one", "POST Bearer two"])
        // One that is refused with what the file says is not sent again, nor is the file read for every request.
        good = "three"
        const error = yield* Effect.flip(get)
        assert.strictEqual(error._tag === "KubeForbidden" && error.status, 401)
        assert.strictEqual(seen.length, 4)
        write("token", "three\n")
        yield* Effect.flip(get)
        yield* TestClock.adjust("10 seconds")
        yield* get
        assert.strictEqual(seen.at(-1), "GET Bearer three")
      }).pipe(Effect.provide(services))
    })
  )

  it.effect("a file that is gone for a while leaves what it said in use, told once", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const { services, write, remove, lines } = yield* site({ tokenFile: "token" }, { token: "one" }, (request) => {
        seen.push(request.headers["authorization"] ?? "")
        return Effect.succeed(json(200, configMap("one", "1")))
      })
      yield* Effect.gen(function* () {
        remove("token")
        for (let minute = 0; minute < 5; minute++) {
          yield* TestClock.adjust("1 minute")
          yield* get
        }
        assert.deepStrictEqual(new Set(seen), new Set(["Bearer one"]))
        assert.deepStrictEqual(lines, ["credentials could not be renewed, the old ones stay in use"])
        write("token", "two")
        yield* TestClock.adjust("1 minute")
        yield* get
        assert.strictEqual(seen.at(-1), "Bearer two")
      }).pipe(Effect.provide(services))
    })
  )

  it.effect("a clock that is set back keeps no token in use until it has caught up", () =>
    Effect.gen(function* () {
      let good = "one"
      const { services, write } = yield* site({ tokenFile: "token" }, { token: "one" }, (request) =>
        Effect.succeed(
          request.headers["authorization"] === `Bearer ${good}`
            ? json(200, configMap("one", "1"))
            : json(401, status(401, "Unauthorized"))
        )
      )
      const clock = yield* Clock.Clock
      const ahead = yield* clock.currentTimeMillis
      const back = { ...clock, currentTimeMillis: Effect.succeed(ahead - 7_200_000) }
      write("token", "two")
      good = "two"
      yield* Effect.provideService(get, Clock.Clock, back).pipe(Effect.provide(services))
    })
  )

  it.effect("a new certificate is shown by new connections; what is open on the old ones goes on", () =>
    Effect.gen(function* () {
      const { a, b } = yield* Effect.promise(async () => {
        const authority = await makeAuthority("ca")
        const issue = (commonName: string) => authority.issue({ commonName, usage: "clientAuth" })
        return { a: await issue("a"), b: await issue("b") }
      })
      const seen: Array<string> = []
      const { services, write } = yield* site(
        { "client-certificate": "tls.crt", "client-key": "tls.key" },
        { "tls.crt": a.cert, "tls.key": a.key },
        (request, { clientCertificate }) => {
          const shown = clientCertificate && new crypto.X509Certificate(clientCertificate).subject
          seen.push(`${request.target.includes("watch") ? "watch" : "get"} ${shown}`)
          return Effect.succeed(
            request.target.includes("watch")
              ? { status: 200, headers: {}, body: Stream.never }
              : json(200, configMap("one", "1"))
          )
        }
      )
      yield* Effect.gen(function* () {
        const kube = yield* KubeClient
        const watch = yield* Effect.forkChild(Stream.runDrain(kube.watch(ConfigMap, { resourceVersion: "1" })))
        yield* settle
        yield* get
        write("tls.crt", b.cert)
        write("tls.key", b.key)
        yield* TestClock.adjust("1 minute")
        yield* get
        assert.deepStrictEqual(seen, ["watch CN=a", "get CN=a", "get CN=b"])
        yield* TestClock.adjust("3 minutes")
        yield* settle
        assert.isUndefined(watch.pollUnsafe())
        yield* Fiber.interrupt(watch)
      }).pipe(Effect.provide(services))
    })
  )

  it.effect("a server whose certificate comes from a new authority is trusted as soon as the file says so", () =>
    Effect.gen(function* () {
      const [old, young] = yield* Effect.promise(() => Promise.all([makeAuthority("old"), makeAuthority("young")]))
      const issue = (authority: typeof old) =>
        Effect.promise(() => authority.issue({ commonName: "api", ip: ["127.0.0.1"], usage: "serverAuth" }))
      const handler: Handler = () => Effect.succeed(json(200, configMap("one", "1")))
      const port = yield* freePort
      const serve = (tls: { readonly cert: string; readonly key: string }) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          yield* Scope.provide(Listener.listen({ handler, tls, port }), scope)
          return Scope.close(scope, Exit.void)
        })
      const stop = yield* serve(yield* issue(old))
      const { services, write } = yield* site(
        {},
        { "ca.crt": old.cert },
        handler,
        { server: `https://127.0.0.1:${port}`, "certificate-authority": "ca.crt" },
        Dial.layerUndici
      )
      yield* Effect.gen(function* () {
        yield* get
        yield* stop
        const end = yield* serve(yield* issue(young))
        write("ca.crt", young.cert)
        // Less than the minute after which files are read again anyway.
        yield* TestClock.adjust("15 seconds")
        const error = yield* Effect.flip(get)
        assert.include(error.message, "its CA is missing")
        yield* get
        yield* end
      }).pipe(Effect.provide(services))
    })
  )

  it.effect("that take long to get are not cut off by the time limit of a request", () =>
    Effect.gen(function* () {
      const slow = { tls: {}, token: undefined }
      const config: KubeConfig.KubeConfig = {
        server: "https://api.example",
        namespace: "default",
        credentials: { current: Effect.delay(Effect.succeed(slow), "15 seconds"), forget: Effect.void }
      }
      const handler: Handler = () => Effect.succeed(json(200, configMap("one", "1")))
      const client = KubeClient.layer(config, { timeout: "5 seconds" }).pipe(
        Layer.provide(Dial.layerInProcess(new Map([["https://api.example", handler]])))
      )
      yield* inTime(get).pipe(Effect.provide(client))
    })
  )
})
