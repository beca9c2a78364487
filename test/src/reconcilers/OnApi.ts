/** Controllers over an embedded API and an SCVMM that only logs on, in virtual time. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Dial } from "../../../layers/Dial.ts"
import { Events } from "../../../layers/kube/Events.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import type { Stopped } from "../../../layers/scvmm/Circuit.ts"
import type { HostResult } from "../../../layers/scvmm/Dialling.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import { Providers } from "../../../layers/scvmm/Providers.ts"
import { AuthenticationFailed } from "../../../layers/scvmm/ScvmmError.ts"
import { ScvmmSession, type ProviderConnection } from "../../../layers/scvmm/ScvmmSession.ts"
import { IsoBuilder } from "../../../layers/seed/IsoBuilder.ts"
import { crd } from "../../../schemas/Crd.ts"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import { kinds } from "../../../schemas/scvmm/Kinds.ts"
import { Informers, type Selection } from "../../../src/runtime/Informers.ts"
import * as Core from "../../../src/simulators/capi/CoreApi.ts"
import * as EmbeddedApiServer from "../../../src/simulators/kube/EmbeddedApiServer.ts"
import { objects, text, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"

export const ScvmmProvider: Core.Kind = { ...Core.ScvmmMachine, kind: "ScvmmProvider", plural: "scvmmproviders" }
export const namespace = "default"
export const base64 = (value: string): string => Buffer.from(value).toString("base64")

const origin = "https://api.example"
const token = Redacted.make("t")
const encoder = new TextEncoder()

/** reason and message of a condition. */
export const conditionOf = (object: KubeJson | undefined, type: string): string => {
  const found = objects(object, "status", "conditions").find((it) => text(it, "type") === type)
  return found === undefined ? "" : `${text(found, "status")} ${text(found, "reason")}: ${text(found, "message")}`
}

export const make = Effect.gen(function* () {
  const server = yield* EmbeddedApiServer.make({
    crds: kinds.map((kind) => crd(kind)),
    tokens: [{ token, user: "operator" }]
  })
  const { access, audit } = server
  /** Parts of paths that the operator may not touch. */
  const forbidden = new Set<string>()
  const refusal = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "Forbidden", code: 403, message: "no" }
  const handler: Handler = (request, connection) =>
    [...forbidden].some((part) => request.target.includes(part))
      ? Effect.succeed({
          status: 403,
          headers: { "content-type": "application/json" },
          body: encoder.encode(JSON.stringify(refusal))
        })
      : server.handler(request, connection)

  /** The password that SCVMM takes. */
  const account = { password: "first" }
  const logOns: Array<ProviderConnection> = []
  /** How dials of the exec hosts ended. */
  const hosts: Array<HostResult> = []
  let stopped: Stopped | undefined
  const unused = Effect.die(new Error("no call is expected"))
  const sessions = ScvmmSession.of({
    run: () => unused,
    runAll: () => unused,
    use: () => unused,
    server: (connection) =>
      Effect.suspend(() => {
        logOns.push(connection)
        return Redacted.value(connection.password) === account.password
          ? Effect.sync(() => {
              stopped = undefined
              return { Name: "vmm", ProductVersion: "10.22", ModuleVersion: "1", ComputerName: "exec" }
            })
          : Effect.suspend(() => {
              stopped = { since: 0, nextAt: 1_800_000 }
              return Effect.fail(new AuthenticationFailed({ host: "exec", detail: "401" }))
            })
      }),
    deleteShell: () => unused,
    keepWarm: () => Effect.void,
    counts: () => Effect.succeed({ open: 1, idle: 1 }),
    hosts: () => Effect.sync(() => [...hosts]),
    stoppedLogOns: () => Effect.sync(() => stopped),
    retryLogOn: () =>
      Effect.sync(() => {
        const held = stopped !== undefined
        stopped = undefined
        return held
      })
  })
  /** UIDs of providers that the Inventory was told to forget. */
  const forgotten: Array<string> = []
  const inventory = Layer.effect(
    Inventory,
    Effect.map(Inventory, (whole) =>
      Inventory.of({
        ...whole,
        forget: (uid) =>
          Effect.andThen(
            Effect.sync(() => forgotten.push(uid)),
            whole.forget(uid)
          )
      })
    )
  ).pipe(Layer.provide(Inventory.layer({ installation: "installation" })))

  const kube = KubeClient.layer(KubeConfig.fixed({ server: origin, token, namespace })).pipe(
    Layer.provide(Dial.layerInProcess(new Map([[origin, handler]])))
  )
  const layer = (selection?: Selection) =>
    Layer.mergeAll(inventory, Informers.layer(selection), told, Providers.layer, IsoBuilder.layer).pipe(
      Layer.provideMerge(Layer.merge(kube, Layer.succeed(ScvmmSession, sessions)))
    )

  /** "reason: message" of every Event that was published. */
  const events: Array<string> = []
  const told = Layer.succeed(Events, {
    publish: (_, { reason, message }) => Effect.sync(() => void events.push(`${reason}: ${message}`))
  })

  const create = (kind: Core.Kind, name: string, rest: KubeJson) =>
    access.create(kind, namespace, {
      apiVersion: Core.apiVersion(kind),
      kind: kind.kind,
      ...rest,
      metadata: { name, ...(typeof rest["metadata"] === "object" && rest["metadata"]) }
    })
  const ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

  return {
    access,
    audit,
    forbidden,
    account,
    logOns,
    hosts,
    events,
    forgotten,
    layer,
    create,
    find: (kind: Core.Kind, name: string) => access.find(kind, namespace, name),
    /** The Secret of every provider. */
    secret: (password: string) =>
      create(Core.Secret, "vmm", { data: { username: base64("u"), password: base64(password), "ca.crt": base64(ca) } }),
    provider: (name: string, metadata: KubeJson = {}, transport: KubeJson = {}) =>
      create(ScvmmProvider, name, {
        metadata,
        spec: {
          scvmmHost: "vmm.example",
          scvmmSecret: { name: "vmm" },
          transport: { scheme: "https", authentication: "Basic", ...transport }
        }
      }),
    machine: (name: string, spec: KubeJson, metadata: KubeJson = {}) =>
      create(Core.ScvmmMachine, name, { metadata, spec: { cpuCount: 1, hardwareProfile: "gen2", ...spec } })
  }
})

/** Waits in virtual time until `probe` says yes; a failure names what was awaited. */
export const until = <E, R>(what: string, probe: Effect.Effect<boolean, E, R>, seconds = 60) =>
  Effect.gen(function* () {
    for (let turn = 0; turn < seconds * 5; turn++) {
      if (yield* probe) return
      yield* Effect.sleep("200 millis")
    }
    return yield* Effect.die(new Error(`not within ${seconds} s: ${what}`))
  })
