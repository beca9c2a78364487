/** The control loop of ScvmmProvider: are its hosts reachable, does the log-on work, which versions are there? */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Monotonic from "../../../layers/Monotonic.ts"
import * as Contract from "../../../schemas/capi/Contract.ts"
import type { Finding } from "../../../schemas/kube/Condition.ts"
import { keyOf, type ObjectKey } from "../../../schemas/kube/ObjectMeta.ts"
import * as Patch from "../../../schemas/kube/Patch.ts"
import { apiVersion } from "../../../schemas/kube/Resource.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import { Events } from "../../../layers/kube/Events.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import { Providers } from "../../../layers/scvmm/Providers.ts"
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
import { connectionOf, type Problem } from "./Connection.ts"
import * as ProviderPlan from "./ProviderPlan.ts"
import * as ProviderSecret from "./ProviderSecret.ts"
import { sessionProblem, timeOf } from "./SessionProblem.ts"

/** A host may come back; machines of other instances may be gone. */
const retryAfter = Duration.seconds(30)
/** A Secret is not watched (design D21): how long a rotated password goes unnoticed. */
const secretAfter = Duration.minutes(1)
/** How long a check of the hosts stands while spec and Secret stay the same. */
const checkMillis = Duration.toMillis(Duration.minutes(10))

const regarding = (provider: ScvmmProvider) => ({
  apiVersion: apiVersion(ScvmmProvider),
  kind: ScvmmProvider.kind,
  namespace: provider.metadata.namespace ?? "",
  name: provider.metadata.name,
  uid: provider.metadata.uid
})

/** What is ignored, and what is dangerous and was asked for: each said once, as an Event (design D21). */
const warn = Effect.fnUntraced(function* (provider: ScvmmProvider, connection: ProviderConnection) {
  const events = yield* Events
  const say = (reason: string, message: string) =>
    events.publish(regarding(provider), { type: "Warning", reason, message })
  const named = provider.spec.scvmmSecret?.namespace
  if (named !== undefined && named !== provider.metadata.namespace) {
    const what = `spec.scvmmSecret.namespace "${named}" is ignored`
    yield* say("SecretNamespaceIgnored", `${what}: the Secret is that of the provider's own namespace`)
  }
  const { message, reason, status } = ProviderPlan.verification(connection.insecureSkipVerify)
  if (status === "True") yield* say(reason, message)
})

/** Consumed before it is acted on, so that one annotation is one log-on. */
const retryLogOn = Effect.fn("ProviderReconciler.retryLogOn")(function* (provider: ScvmmProvider, by: string) {
  const kube = yield* KubeClient
  const { uid, resourceVersion } = provider.metadata
  const annotations = { [Contract.retryAuthAnnotation]: null }
  yield* kube.patch(ScvmmProvider, keyOf(provider), Patch.merge({ metadata: { uid, resourceVersion, annotations } }))
  const sessions = yield* ScvmmSession
  const released = yield* sessions.retryLogOn(uid)
  const events = yield* Events
  const order = `the annotation ${Contract.retryAuthAnnotation} (${JSON.stringify(by)})`
  yield* events.publish(regarding(provider), {
    type: "Normal",
    reason: "RetryingLogOn",
    message: released
      ? `one log-on is tried at once, as ${order} asks`
      : `${order} changes nothing: no log-on is held back`
  })
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
 * - A refused log-on is not repeated before Secret or spec change, or an annotation asks.
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
    { reason, message }: Problem,
    also: ReadonlyArray<Finding>,
    seen: Status.Desired["fields"]
  ) {
    const key = keyOf(provider)
    const events = yield* Events
    const { _tag } = yield* providers.get(key)
    if (provider.metadata.deletionTimestamp === undefined || _tag !== "Usable") yield* providers.refuse(key)
    remember(provider, undefined)
    const staleSince = provider.status.staleSince ?? timeOf(yield* Clock.currentTimeMillis)
    yield* Status.write(ScvmmProvider, provider, {
      fields: { ...seen, staleSince },
      findings: [...ProviderPlan.unavailable(reason, message), ...also]
    })
    yield* events.publish(regarding(provider), { type: "Warning", reason, message })
    return Action.requeueAfter(retryAfter)
  })

  const check = Effect.fn("ProviderReconciler.check")(function* (
    provider: ScvmmProvider,
    connection: ProviderConnection,
    others: ReadonlyArray<Finding>
  ) {
    const sessions = yield* ScvmmSession
    const { uid } = connection
    const also = [ProviderPlan.verification(connection.insecureSkipVerify), ...others]
    const now = yield* Monotonic.millis
    const known = memories.get(referenceText(keyOf(provider)))?.check
    const hosts = yield* sessions.hosts(uid)
    const lost = hosts.length > 0 && hosts.every(({ ok }) => !ok)
    if (!lost && ProviderPlan.stands(known, connection, now, checkMillis)) {
      yield* Status.write(ScvmmProvider, provider, {
        fields: ProviderPlan.hostFields(hosts),
        findings: [...ProviderPlan.usable, ...also]
      })
      return Action.requeueAfter(secretAfter)
    }
    const looked = yield* Effect.result(sessions.server(connection))
    const seen = { ...ProviderPlan.hostFields(yield* sessions.hosts(uid)), sessions: yield* sessions.counts(uid) }
    if (looked._tag === "Failure") {
      const problem = sessionProblem(looked.failure, yield* sessions.stoppedLogOns(uid))
      return yield* refuse(provider, problem, also, seen)
    }
    const server = looked.success
    yield* providers.set(keyOf(provider), connection)
    remember(provider, { connection, atMillis: now })
    yield* warn(provider, connection)
    yield* Status.write(ScvmmProvider, provider, {
      fields: {
        ...seen,
        version: { module: server.ModuleVersion, server: server.ProductVersion },
        staleSince: undefined
      },
      findings: [...ProviderPlan.usable, ...also]
    })
    return Action.requeueAfter(secretAfter)
  })

  const judge = Effect.fn("ProviderReconciler.judge")(function* (
    provider: ScvmmProvider,
    also: ReadonlyArray<Finding>
  ) {
    const read = yield* ProviderSecret.read(provider)
    const made = "_tag" in read ? read : connectionOf(provider, read, options.gates)
    if ("_tag" in made) return yield* refuse(provider, made, also, {})
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
        // As of the annotation below, the write comes back as an event, and that reconcile judges.
        yield* Finalizer.add(ScvmmProvider, provider, Contract.providerFinalizer)
        return Action.done
      case "RetryLogOn":
        yield* retryLogOn(provider, step.by)
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
