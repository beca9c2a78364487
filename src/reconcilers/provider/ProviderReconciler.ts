/** The control loop of ScvmmProvider: are its hosts reachable, does the log-on work, which versions are there? */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Monotonic from "../../../layers/Monotonic.ts"
import * as Contract from "../../../schemas/capi/Contract.ts"
import type { Finding } from "../../../schemas/kube/Condition.ts"
import { keyOf, type ObjectKey } from "../../../schemas/kube/ObjectMeta.ts"
import { apiVersion } from "../../../schemas/kube/Resource.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import { Events } from "../../../layers/kube/Events.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import { Providers } from "../../../layers/scvmm/Providers.ts"
import type { ScvmmError } from "../../../layers/scvmm/ScvmmError.ts"
import type { ProviderConnection } from "../../../layers/scvmm/ScvmmSession.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Action from "../../runtime/Action.ts"
import * as Controller from "../../runtime/Controller.ts"
import * as Finalizer from "../../runtime/Finalizer.ts"
import { Informers } from "../../runtime/Informers.ts"
import * as Status from "../../runtime/Status.ts"
import * as Triggers from "../../runtime/Triggers.ts"
import type { FeatureGates } from "../FeatureGates.ts"
import { providersOf, referenceText } from "../ProviderReferences.ts"
import { connectionOf } from "./Connection.ts"
import * as ProviderPlan from "./ProviderPlan.ts"
import * as ProviderSecret from "./ProviderSecret.ts"

/** A host may come back; machines of other instances may be gone. */
const retryAfter = Duration.seconds(30)
/** A Secret is not watched (design D21): how long a rotated password goes unnoticed. */
const secretAfter = Duration.minutes(1)
/** How long a check of the hosts stands while spec and Secret stay the same. */
const checkMillis = Duration.toMillis(Duration.minutes(10))

const reasonOf = (error: ScvmmError): string => {
  if (error._tag === "ScvmmHostUnavailable") return error.reason
  return error._tag === "ScvmmAuthenticationFailed" ? "AuthenticationFailed" : "SessionFailed"
}

const remedyOf = (error: ScvmmError): string =>
  error._tag === "ScvmmAuthenticationFailed"
    ? `${error.message}. Correct the Secret; the log-on is not repeated before it changes, so that the account is not locked`
    : error.message

const regarding = (provider: ScvmmProvider) => ({
  apiVersion: apiVersion(ScvmmProvider),
  kind: ScvmmProvider.kind,
  namespace: provider.metadata.namespace ?? "",
  name: provider.metadata.name,
  uid: provider.metadata.uid
})

/** A tenant's provider must not fetch another namespace's password: the field is ignored, and that is said (design D21). */
const warnOfNamespace = Effect.fnUntraced(function* (provider: ScvmmProvider) {
  const named = provider.spec.scvmmSecret?.namespace
  if (named === undefined || named === provider.metadata.namespace) return
  const events = yield* Events
  const message = `spec.scvmmSecret.namespace "${named}" is ignored: the Secret is that of the provider's own namespace`
  yield* events.publish(regarding(provider), { type: "Warning", reason: "SecretNamespaceIgnored", message })
})

/**
 * namespace/name of the ScvmmMachines that name the provider, and of those that cannot be read. Asked of the API and not of the
 * store, which holds this instance's share of them only.
 */
const machinesOf = Effect.fn("ProviderReconciler.machinesOf")(function* (key: ObjectKey) {
  const kube = yield* KubeClient
  const { items, undecodable } = yield* kube.list(ScvmmMachine)
  const using = items.filter((machine) => providersOf(machine).map(referenceText).includes(referenceText(key)))
  return [...using.map(keyOf), ...undecodable.map((it) => it.key)].map(referenceText)
})

/** What is remembered of a provider between two reconciles. */
interface Memory {
  readonly uid: string
  readonly check: ProviderPlan.Check | undefined
}

/**
 * ## Expected flow
 * Finalizer added → Secret read → connection made → a session dialled, or an open one used → Providers told. The Secret is read
 * again every minute, the hosts are looked at again every ten.
 *
 * ## Guarantees
 * - A refused log-on is not repeated before Secret or spec change.
 * - No connection is published before the finalizer is stored, which goes when no ScvmmMachine names the provider.
 * - A deleted provider keeps the connection that it has, even when its Secret is gone or refused: its VMs are to be removed.
 * - Nothing periodic is written to status.
 *
 * ## Errors
 * Those of SCVMM and of the Secret become conditions; those of the API fail the reconcile.
 */
export const make = Effect.fnUntraced(function* (options: {
  readonly concurrency: number
  readonly gates: FeatureGates
}) {
  const informers = yield* Informers
  const store = yield* informers.store(ScvmmProvider)
  const providers = yield* Providers
  const inventory = yield* Inventory
  const memories = new Map<string, Memory>()

  const remember = (provider: ScvmmProvider, check: Memory["check"]): void => {
    memories.set(referenceText(keyOf(provider)), { uid: provider.metadata.uid, check })
  }

  /** Nobody asks SCVMM any more in the name of a provider that is gone, nor in that of its namesake before it. */
  const forget = Effect.fnUntraced(function* (key: ObjectKey, uid: string | undefined) {
    const known = memories.get(referenceText(key))
    if (uid !== undefined && (known === undefined || known.uid === uid)) return
    memories.delete(referenceText(key))
    yield* providers.remove(key)
    if (known !== undefined) yield* inventory.forget(known.uid)
  })

  const refuse = Effect.fnUntraced(function* (
    provider: ScvmmProvider,
    { reason, message }: { readonly reason: string; readonly message: string },
    also: ReadonlyArray<Finding>,
    fields: Status.Desired["fields"]
  ) {
    const key = keyOf(provider)
    const events = yield* Events
    const { _tag } = yield* providers.get(key)
    if (provider.metadata.deletionTimestamp === undefined || _tag !== "Usable") yield* providers.refuse(key)
    remember(provider, undefined)
    yield* Status.write(ScvmmProvider, provider, {
      ...(fields !== undefined && { fields }),
      findings: [...ProviderPlan.unavailable(reason, message), ...also]
    })
    yield* events.publish(regarding(provider), { type: "Warning", reason, message })
    return Action.requeueAfter(retryAfter)
  })

  const check = Effect.fn("ProviderReconciler.check")(function* (
    provider: ScvmmProvider,
    connection: ProviderConnection,
    also: ReadonlyArray<Finding>
  ) {
    const sessions = yield* ScvmmSession
    const now = yield* Monotonic.millis
    const findings = [...ProviderPlan.usable(connection), ...also]
    const known = memories.get(referenceText(keyOf(provider)))?.check
    if (ProviderPlan.stands(known, connection, now, checkMillis)) {
      yield* Status.write(ScvmmProvider, provider, { findings })
      return Action.requeueAfter(secretAfter)
    }
    const hosts = Effect.map(sessions.hosts(connection.uid), (list) => ({
      execHosts: list.map(({ host, ok, message }) => ({
        host,
        status: ok ? "OK" : "Failed",
        ...(message !== undefined && { message })
      }))
    }))
    const looked = yield* Effect.result(sessions.server(connection))
    if (looked._tag === "Failure") {
      const problem = { reason: reasonOf(looked.failure), message: remedyOf(looked.failure) }
      return yield* refuse(provider, problem, also, yield* hosts)
    }
    const server = looked.success
    yield* providers.set(keyOf(provider), connection)
    remember(provider, { connection, atMillis: now })
    yield* warnOfNamespace(provider)
    yield* Status.write(ScvmmProvider, provider, {
      fields: { ...(yield* hosts), version: { module: server.ModuleVersion, server: server.ProductVersion } },
      findings
    })
    return Action.requeueAfter(secretAfter)
  })

  const judge = Effect.fn("ProviderReconciler.judge")(function* (
    provider: ScvmmProvider,
    also: ReadonlyArray<Finding>
  ) {
    const read = yield* ProviderSecret.read(provider)
    const made = "_tag" in read ? read : connectionOf(provider, read, options.gates)
    if ("_tag" in made) return yield* refuse(provider, made, also, undefined)
    return yield* check(provider, made, also)
  })

  const reconcile = Effect.fn("ProviderReconciler.reconcile")(function* (key: ObjectKey) {
    const provider = store.get(key)
    yield* forget(key, provider?.metadata.uid)
    if (provider === undefined) return Action.done
    const deleting = provider.metadata.deletionTimestamp !== undefined
    const step = ProviderPlan.plan({ provider, machines: deleting ? yield* machinesOf(key) : [] })
    switch (step._tag) {
      case "Ignore":
        return Action.done
      case "Paused":
        // One that was paused before the operator started is not dialled; its machines wait, and say for what.
        if ((yield* providers.get(key))._tag === "Unjudged") yield* providers.refuse(key)
        yield* Status.write(ScvmmProvider, provider, { findings: [ProviderPlan.paused(step.message)] })
        return Action.done
      case "AddFinalizer":
        // The write comes back as an event, and that reconcile judges.
        yield* Finalizer.add(ScvmmProvider, provider, Contract.providerFinalizer)
        return Action.done
      case "Judge":
        return yield* judge(provider, [ProviderPlan.notPaused, ProviderPlan.notDeleting])
      case "AwaitMachines":
        yield* judge(provider, [ProviderPlan.notPaused, ...ProviderPlan.waiting(step.names)])
        return Action.requeueAfter(retryAfter)
      case "Release":
        yield* Finalizer.remove(ScvmmProvider, provider, Contract.providerFinalizer)
        return Action.done
    }
  })

  return Controller.make({
    name: "scvmmprovider",
    resource: ScvmmProvider,
    concurrency: options.concurrency,
    reconcile,
    triggers: [
      Triggers.self(ScvmmProvider),
      // Machines hold a deleted provider back; otherwise it does not mind them.
      Triggers.mapped(ScvmmMachine, (machine) =>
        providersOf(machine).filter((key) => store.get(key)?.metadata.deletionTimestamp !== undefined)
      )
    ]
  })
})
