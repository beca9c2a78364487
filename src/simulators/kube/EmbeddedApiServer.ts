/** A Kubernetes API server in this process: storage, rules, watches, garbage collection, without a socket of its own. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Yaml from "yaml"
import type { Connection, Handler } from "../../../schemas/http/Exchange.ts"
import * as Access from "./Access.ts"
import { unquestioned } from "./Admission.ts"
import * as Audit from "./Audit.ts"
import * as Authentication from "./Authentication.ts"
import * as BuiltinKinds from "./BuiltinKinds.ts"
import * as Controllers from "./Controllers.ts"
import * as CustomResources from "./CustomResources.ts"
import * as DirectAccess from "./DirectAccess.ts"
import * as Failure from "./Failure.ts"
import type * as Kind from "./Kind.ts"
import * as Kinds from "./Kinds.ts"
import { text, type KubeJson } from "./KubeJson.ts"
import * as Rbac from "./Rbac.ts"
import * as Serving from "./Serving.ts"
import type { Snapshot } from "./Snapshot.ts"
import * as Stamp from "./Stamp.ts"
import * as Storage from "./Storage.ts"
import * as User from "./User.ts"
import type { Webhooks } from "./WebhookConnection.ts"
import * as Writes from "./Writes.ts"

export interface Options {
  /** CustomResourceDefinition objects that are established from the start. */
  readonly crds?: ReadonlyArray<KubeJson>
  /** Kinds beyond the built-in ones. */
  readonly kinds?: ReadonlyArray<Kind.Kind>
  /** Bearer tokens; without any, one of user "admin" is made up. */
  readonly tokens?: ReadonlyArray<Authentication.Token>
  /** Common names of client certificates that are let in (the listener verifies the certificates). */
  readonly clientCertificates?: ReadonlyArray<Authentication.ClientCertificate>
  /** Servers of admission webhooks in this process; those it does not know are called over HTTPS at their URL. */
  readonly webhooks?: Webhooks
  /** Continues where another server was; the CRDs of the options are not looked at then. */
  readonly from?: Snapshot
  /** Changes kept per kind for watches and pages. Default 10,000. */
  readonly historyLimit?: number
}

export interface EmbeddedApiServer {
  /** Serves requests that carry credentials. */
  readonly handler: Handler
  /** The administrator's way in, without a socket and without credentials. */
  readonly access: Access.Access
  /** The same for controllers in this process: reads look into the storage, without a request. */
  readonly inside: Access.Access
  /** A kubeconfig for a server listening at that origin (scheme://host:port) with a certificate of that CA (PEM). */
  readonly kubeconfig: (origin: string, ca: string) => string
  readonly audit: Pick<Audit.Audit, "requests" | "writes" | "recent">
  /** Called with every change that is stored, in order, before the write returns; answers how to stop that. */
  readonly follow: (listener: (change: Storage.Change) => void) => () => void
  /** What `from` takes; cheap, as it shares its objects with the server. */
  readonly snapshot: Effect.Effect<Snapshot>
  /** Forgets the history: older watches and pages get 410. */
  readonly compact: Effect.Effect<void>
  /** Never returns; dies when the server's own controllers died. */
  readonly join: Effect.Effect<never>
}

const everywhere = ["default", "kube-system", "kube-public", "kube-node-lease"]
const writeOptions = { dryRun: false, fieldValidation: "Ignore" } as const
const administrator: Connection = { id: 0, secure: true }
const admin = User.make("system:admin", [User.masters])

const populate = (world: Writes.World, crds: ReadonlyArray<KubeJson>, stamp: Stamp.Stamp) => {
  const create = (plural: string, group: string, object: KubeJson) => {
    const kind = world.kinds.find(group, "v1", plural)
    if (kind !== undefined) {
      unquestioned(Writes.create(world, kind, "", { object, duplicates: [] }, writeOptions, stamp))
    }
  }
  for (const name of everywhere) {
    create("namespaces", "", { apiVersion: "v1", kind: "Namespace", metadata: { name } })
  }
  for (const object of Rbac.bootstrap) {
    create(text(object, "kind") === "ClusterRole" ? "clusterroles" : "clusterrolebindings", Rbac.group, object)
  }
  for (const crd of crds) create("customresourcedefinitions", "apiextensions.k8s.io", crd)
  for (const { key, object } of world.storage.list(CustomResources.store, "")) {
    world.storage.put(CustomResources.store, key, CustomResources.established(object, stamp.now))
  }
}

const kubeconfigOf = (token: Redacted.Redacted | undefined, origin: string, ca: string): string =>
  Yaml.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "embedded",
    clusters: [
      {
        name: "embedded",
        cluster: { server: origin, "certificate-authority-data": Buffer.from(ca).toString("base64") }
      }
    ],
    users: [{ name: "embedded", user: token === undefined ? {} : { token: Redacted.value(token) } }],
    contexts: [{ name: "embedded", context: { cluster: "embedded", user: "embedded" } }]
  })

/**
 * Starts a server that lives as long as its scope.
 *
 * Guarantees: every write is atomic and gets its own resourceVersion; watches see every write once, in order. While
 * admission webhooks are asked other writes may come between: such a write starts again. Users are held to RBAC unless
 * they are of system:masters, as the users of the options are when nothing else is said. What the controllers do
 * (garbage, namespaces, accounts, CRDs) follows from a fiber of its own, without time passing.
 * Assumptions: the controllers act past admission and past the audit record, which show clients' requests alone.
 * Errors: a CRD of the options that is no valid one is a defect.
 */
export const make = Effect.fn("EmbeddedApiServer.make")(function* (
  options: Options = {}
): Effect.fn.Return<EmbeddedApiServer, never, Scope.Scope> {
  const stamp = yield* Stamp.take
  const world: Writes.World = {
    storage: Storage.make({ firstRevision: 100, historyLimit: options.historyLimit ?? 10_000, from: options.from }),
    kinds: Kinds.make([...BuiltinKinds.all, ...(options.kinds ?? [])])
  }
  for (const kind of world.kinds.all()) world.storage.open(kind.store)
  Controllers.followCrds(world)
  const key = options.from?.key ?? stamp.uid()
  if (options.from === undefined) yield* Effect.orDie(Failure.attempt(() => populate(world, options.crds ?? [], stamp)))

  const audit = Audit.make(10_000)
  const credentials: Authentication.Credentials = {
    tokens: options.tokens ?? [{ token: Redacted.make(`embedded-${stamp.uid()}`), user: "admin" }],
    clientCertificates: options.clientCertificates ?? []
  }

  const server: Serving.Server = { world, credentials, key, webhooks: options.webhooks, audit }

  const changes = yield* Queue.unbounded<Controllers.Seen>()
  // Controllers start with what there is, as all of it were new.
  for (const { store, entries } of world.storage.snapshot().stores) {
    for (const entry of entries) Queue.offerUnsafe(changes, { type: "ADDED", store, ...entry })
  }
  const unfollow = world.storage.follow("", (change) => void Queue.offerUnsafe(changes, change))
  yield* Effect.addFinalizer(() => Effect.sync(unfollow))
  const controllers = yield* Effect.forkScoped(
    Effect.forever(
      Effect.flatMap(Effect.all([Queue.take(changes), Stamp.take]), ([change, stamp]) =>
        Effect.orDie(Failure.attempt(() => Controllers.react(world, change, stamp)))
      )
    )
  )

  const access = Access.make((request) => Serving.serve(server, admin, request), administrator)
  return {
    handler: Serving.handler(server),
    access,
    inside: DirectAccess.make(world, access),
    kubeconfig: (origin, ca) => kubeconfigOf(credentials.tokens[0]?.token, origin, ca),
    audit,
    follow: (listener) => world.storage.follow("", listener),
    snapshot: Effect.sync(() => ({ ...world.storage.snapshot(), key })),
    compact: Effect.sync(() => world.storage.compact()),
    join: Effect.andThen(Fiber.join(controllers), Effect.never)
  }
})
