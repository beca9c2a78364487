/** A whole run of the operator with planted secrets and failures of every kind: nothing that it says, stores or shows holds one. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as fs from "node:fs"
import * as path from "node:path"
import * as WireRecorder from "../../layers/scvmm/WireRecorder.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { at, objects, text, type KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import type { Disturbance } from "../../src/simulators/scvmm/Disturbance.ts"
import * as WinRmServer from "../../src/simulators/scvmm/WinRmServer.ts"
import type { SimulatedFunction } from "../../src/simulators/scvmm/SimulatedFunction.ts"
import { functionError } from "../../src/simulators/scvmm/VmmError.ts"
import { hearExit, Heard, logging, tracer } from "../harness/Heard.ts"
import { machineSpec } from "./MachineSpec.ts"
import { create, eventually, operator, site } from "./Site.ts"

const namespace = "default"
const provider: Core.Kind = { ...Core.ScvmmMachine, kind: "ScvmmProvider", plural: "scvmmproviders" }
const events = { group: "events.k8s.io", version: "v1", plural: "events" }
const base64 = (value: string): string => Buffer.from(value).toString("base64")

/** The good password is the simulated account's; the others are found nowhere else. */
const planted = {
  wrongPassword: "planted-wrong-p\"ss'wört",
  bootstrap: "planted-bootstrap-7f31",
  environment: "planted-environment-<11c0>&",
  functionBody: "planted-function-body-5d2e",
  brokenBody: "planted-broken-body-90ab",
  clientKey: "cGxhbnRlZC1jbGllbnQta2V5LTI0ZDk",
  proxyPassword: "planted-proxy-6e07"
}

/** A function whose failure shows all that it knows, as PowerShell's own errors may. */
const blabbing = (name: string, password: string): SimulatedFunction => ({
  name,
  invoke: ({ environment }, given) =>
    Effect.fail(
      functionError(
        // Of the one its target is told, of the other its text.
        JSON.stringify(given).includes("pointed") ? "ReferenceNotFound" : "Blabbed",
        name,
        `Cannot process argument '${password}' beside ${[...environment.values()].join(" ")}: ${JSON.stringify(given)}`,
        { Field: "hardwareProfile", Value: password, Candidates: [...environment.values()] }
      )
    )
})

/** Answers something else than it promises, and what nobody should see. */
const babbling = (name: string, password: string): SimulatedFunction => ({
  name,
  invoke: ({ environment }) =>
    Effect.succeed([JSON.stringify({ Id: { password }, Status: [...environment.values()] }), password])
})

const conditions = (object: KubeJson | undefined) => objects(object, "status", "conditions")

describe("no secret", () => {
  it.live(
    "is in what the operator logs, traces, throws, stores, counts or sends in the clear",
    () =>
      Effect.gen(function* () {
        const heard = new Heard()
        // The one of the simulated account.
        const password = "simulated-password"
        const it = yield* site({
          seed: "secrets",
          functions: [blabbing("New-CapsVirtualMachine", password), babbling("Get-CapsVirtualMachine", password)],
          onWinRm: ({ body }) => {
            const sent = new TextDecoder().decode(body)
            heard.add("wire", sent)
            for (const [, fragments = ""] of sent.matchAll(/>([A-Za-z0-9+/]{40,}=*)</gu)) {
              // UTF-16 shows as its letters with a zero after each.
              heard.add("wire", Buffer.from(fragments, "base64").toString().replaceAll("\0", ""))
            }
          }
        })
        const { access } = it.world
        const { target } = it
        const recording = path.join(it.folder, "wire.jsonl")
        assert.strictEqual(target.password, password)
        const secrets = { password, ...planted }

        const secretOf = (name: string, data: Readonly<Record<string, string>>) =>
          create(access, namespace, Core.Secret, {
            metadata: { name },
            data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)]))
          })
        const providerOf = (name: string, secret: string, spec: KubeJson) =>
          create(access, namespace, provider, {
            metadata: { name },
            spec: {
              scvmmHost: target.vmmHost,
              scvmmSecret: { name: secret },
              execHosts: ["127.0.0.1"],
              keepAliveSeconds: 1,
              transport: { scheme: "https", port: target.port, authentication: "Basic" },
              ...spec
            }
          })
        const good = { username: target.userName, password, "ca.crt": target.ca }
        yield* secretOf("good", good)
        yield* secretOf("wrong", { ...good, password: planted.wrongPassword })
        yield* secretOf("pem", { ...good, "ca.crt": planted.wrongPassword })
        const pem = (kind: string, body: string) => `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----\n`
        yield* secretOf("certificate", {
          ...good,
          "tls.crt": target.ca,
          "tls.key": pem("PRIVATE KEY", planted.clientKey)
        })
        yield* secretOf("boot", { value: `#cloud-config\nwrite_files: [{ content: ${planted.bootstrap} }]\n` })
        const extras = {
          extraFunctions: { Helper: `'${planted.functionBody}'` },
          env: { SITE_TOKEN: planted.environment }
        }
        yield* providerOf("scvmm", "good", extras)
        yield* providerOf("wrong", "wrong", {})
        yield* providerOf("sealed", "wrong", { transport: { scheme: "http", port: target.port } })
        yield* providerOf("pem", "pem", {})
        yield* providerOf("broken", "good", { extraFunctions: { Broken: `{ '${planted.brokenBody}'` } })
        yield* providerOf("vmm", "good", { ...extras, scvmmHost: "other-vmm.example.test" })
        const https = { scheme: "https", port: target.port }
        yield* providerOf("certificate", "certificate", { transport: { ...https, authentication: "Certificate" } })
        yield* providerOf("proxied", "good", { execHosts: ["exec1.example"], transport: { port: 5985 } })
        yield* create(access, namespace, Core.ScvmmMachine, {
          metadata: { name: "blabbed" },
          spec: { ...machineSpec(namespace), bootstrap: { dataSecretName: "boot" } }
        })
        yield* create(access, namespace, Core.ScvmmMachine, {
          metadata: { name: "pointed" },
          spec: machineSpec(namespace)
        })
        yield* create(access, namespace, Core.ScvmmMachine, {
          metadata: { name: "babbled" },
          spec: { ...machineSpec(namespace), id: "11111111-1111-4111-8111-111111111111" }
        })
        // Peers that repeat what they were told, and one that hangs up.
        const said = `Denied: ${password} ${planted.environment}`
        const peers: ReadonlyArray<readonly [name: string, reason: string, Disturbance]> = [
          ["locked", "AuthenticationFailed", { _tag: "Fault", code: 1909, subcode: "AccessDenied", text: said }],
          ["quota", "QuotaExceeded", { _tag: "Fault", code: 2150859173, subcode: "QuotaLimit", text: said }],
          ["strange", "SessionFailed", { _tag: "Fault", code: 4711, subcode: "InternalError", text: said }],
          [
            "proxy",
            "NotWinRM",
            { _tag: "Answer", status: 502, contentType: "text/html", body: said, carriedOut: true }
          ],
          ["lost", "ConnectionFailed", { _tag: "Cut", place: "within" }]
        ]
        for (const [name, , disturbance] of peers) {
          const peer = yield* WinRmServer.make({
            host: it.world.scvmm.host,
            users: [{ userName: target.userName, password }]
          })
          peer.disturb([{ on: ["Create"], disturbance }])
          const { port } = yield* Listener.listen({ handler: peer.handler })
          yield* providerOf(name, "good", { ...extras, transport: { port } })
        }

        const proxied = {
          ...process.env,
          HTTP_PROXY: `http://operator:${planted.proxyPassword}@127.0.0.1:1`,
          NO_PROXY: "127.0.0.1,localhost"
        }
        yield* Effect.forkScoped(
          operator(it.kubeconfig).pipe(
            Effect.onExit((exit) => Effect.sync(() => hearExit(heard, exit))),
            Effect.provide(WireRecorder.layer(recording)),
            Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: proxied }))),
            Effect.provide(logging(heard)),
            Effect.withTracer(tracer(heard))
          )
        )
        const reasonOf = (kind: Core.Kind, name: string, type: string) =>
          Effect.map(access.find(kind, namespace, name), (object) =>
            text(
              conditions(object).find((condition) => text(condition, "type") === type),
              "reason"
            )
          )
        for (const [name, reason] of [
          ["wrong", "AuthenticationFailed"],
          ["pem", "TransportInvalid"],
          ["broken", "ExtraFunctionInvalid"],
          ["vmm", "ConnectServerFailed"],
          ["sealed", "ConnectionFailed"],
          ["certificate", "CredentialsInvalid"],
          ["proxied", "ConnectionFailed"],
          ...peers.map(([name, reason]) => [name, reason] as const)
        ]) {
          yield* eventually(
            `${name} is ${reason}`,
            Effect.map(reasonOf(provider, name, "ScvmmAvailable"), (seen) => (seen === reason ? true : undefined)),
            30
          )
        }
        for (const [name, told] of [
          ["blabbed", "Cannot process argument"],
          ["pointed", "spec.hardwareProfile"],
          ["babbled", "answered something else"]
        ] as const) {
          yield* eventually(
            `${name}: ${told}`,
            Effect.map(access.find(Core.ScvmmMachine, namespace, name), (object) =>
              conditions(object).some((condition) => text(condition, "message").includes(told)) ? true : undefined
            ),
            30
          )
        }

        const kinds = [Core.ScvmmMachine, Core.ScvmmCluster, provider]
        for (const kind of kinds) {
          for (const object of (yield* access.list(kind, namespace)).items) {
            heard.add("status", JSON.stringify({ metadata: at(object, "metadata"), status: at(object, "status") }))
          }
        }
        for (const event of (yield* access.list(events, namespace)).items) heard.add("Event", JSON.stringify(event))

        const diagnostics = heard.diagnostics()
        const metrics = yield* Effect.promise(() => fetch(`http://${diagnostics}/metrics`).then((it) => it.text()))
        for (const line of metrics.split("\n")) heard.add("metrics", line)
        for (const line of fs.readFileSync(recording, "utf8").split("\n")) heard.add("recording", line)

        for (const where of ["log", "span", "error", "status", "Event", "wire", "metrics", "recording"]) {
          assert.isAbove(heard.count(where), 3, where)
        }
        // That the peers' words were heard at all.
        assert.isTrue(heard.includes("Denied: "), "the faults were not told")
        assert.isTrue(heard.includes("proxy 127.0.0.1:1"), "the proxy was not told")
        assert.deepStrictEqual(heard.leaks(secrets), [])
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    90_000
  )
})
