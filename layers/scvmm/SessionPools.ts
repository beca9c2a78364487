/** A pool of sessions for each provider and version of its spec and Secret, made when first asked for (design D17). */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as RcMap from "effect/RcMap"
import * as Scope from "effect/Scope"
import * as Guid from "../../schemas/Guid.ts"
import type * as Dial from "../Dial.ts"
import * as Circuit from "./Circuit.ts"
import * as Dialling from "./Dialling.ts"
import * as Module from "./Module.ts"
import * as Orphans from "./Orphans.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"
import * as SessionPool from "./SessionPool.ts"
import type { Kind } from "./Turn.ts"
import type { DialError } from "./Unavailability.ts"

export interface Sessions {
  /** As SessionPool's. */
  readonly borrow: <A, E, R>(
    connection: ProviderConnection,
    kind: Kind,
    f: (session: Dialling.OpenSession) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | DialError, R>
  readonly deleteShell: (
    connection: ProviderConnection,
    shell: { readonly execHost: string; readonly shellId: string }
  ) => Effect.Effect<void, DialError>
  /** As SessionPool's, of the provider's latest version. */
  readonly keepWarm: (providerUid: string, warm: boolean) => Effect.Effect<void>
  readonly counts: (providerUid: string) => Effect.Effect<{ readonly open: number; readonly idle: number }>
  readonly hosts: (providerUid: string) => Effect.Effect<ReadonlyArray<Dialling.HostResult>>
  /** As Circuit's. */
  readonly stopped: Circuit.Circuit["stopped"]
  readonly release: Circuit.Circuit["release"]
}

/** A provider at one version of its spec and Secret: compared by these alone, whatever else the connection holds. */
class Version implements Equal.Equal {
  readonly connection: ProviderConnection
  readonly text: string
  constructor(connection: ProviderConnection) {
    const { uid, specVersion, credentialVersion } = connection
    this.connection = connection
    this.text = JSON.stringify([uid, specVersion, credentialVersion])
  }
  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof Version && that.text === this.text
  }
  [Hash.symbol](): number {
    return Hash.string(this.text)
  }
}

/** When a pool is forgotten that nobody asks for: long after its sessions were released. */
const forgetAfter = ({ connection: { keepAliveSeconds } }: Version): Duration.Duration =>
  Duration.seconds(600 + keepAliveSeconds)

/** A provider, beyond any of its versions. Fields are read and written between two yields only. */
interface Provider {
  /** The version that was last asked for. */
  key: string
  warm: boolean
  /** By version: of older ones sessions may still be open. */
  readonly pools: Map<string, SessionPool.SessionPool>
  /** How the last dial of each exec host ended, of the version `hostsOf`. */
  hosts: Map<string, Dialling.HostResult>
  hostsOf: string
}

export const make = Effect.gen(function* () {
  const home = yield* Effect.context<Dial.Dial>()
  const circuit = yield* Circuit.make
  const moduleText = yield* Effect.orDie(Module.text)
  const operator = { instance: yield* Orphans.Instance, incarnation: yield* Guid.random }
  const cleared = new Set<string>()
  const providers = new Map<string, Provider>()

  const providerOf = (uid: string): Provider => {
    const known = providers.get(uid)
    if (known !== undefined) return known
    const provider: Provider = { key: "", warm: false, pools: new Map(), hosts: new Map(), hostsOf: "" }
    providers.set(uid, provider)
    return provider
  }

  const poolOf = Effect.fnUntraced(function* ({ connection, text: key }: Version) {
    const provider = providerOf(connection.uid)
    const pool = yield* SessionPool.make(connection, {
      circuit,
      moduleText,
      operator,
      cleared,
      report: (result) =>
        Effect.sync(() => {
          if (provider.hostsOf !== key) provider.hosts = new Map()
          provider.hostsOf = key
          provider.hosts.set(result.host, result)
        })
    })
    yield* pool.keepWarm(provider.warm && key === provider.key)
    provider.pools.set(key, pool)
    yield* Effect.addFinalizer(() => Effect.sync(() => provider.pools.delete(key)))
    return pool
  })

  const pools = yield* RcMap.make({
    idleTimeToLive: forgetAfter,
    // On the layer's own services: a caller's span must not become the parent of every later dial.
    lookup: (version: Version) =>
      Effect.updateContext(poolOf(version), (context: Context.Context<Scope.Scope>) =>
        Context.add(home, Scope.Scope, Context.get(context, Scope.Scope))
      )
  })

  /** Only sessions of the version that is asked for are kept warm. */
  const warmth = (provider: Provider): Effect.Effect<void> =>
    Effect.forEach(provider.pools, ([key, pool]) => pool.keepWarm(provider.warm && key === provider.key), {
      discard: true
    })

  const borrow: Sessions["borrow"] = (connection, kind, f) =>
    Effect.acquireUseRelease(
      Scope.make(),
      (scope) =>
        Effect.gen(function* () {
          const version = new Version(connection)
          // Held for as long as the call takes, which may be longer than an unused pool is remembered.
          const pool = yield* RcMap.get(pools, version).pipe(Scope.provide(scope))
          const provider = providerOf(connection.uid)
          if (provider.key !== version.text) {
            provider.key = version.text
            yield* warmth(provider)
          }
          return yield* pool.borrow(kind, f)
        }),
      (scope, exit) => Scope.close(scope, exit)
    )

  const sessions: Sessions = {
    borrow,
    deleteShell: (connection, shell) => Effect.provideContext(Dialling.deleteShell(connection, shell, circuit), home),
    keepWarm: (uid, warm) =>
      Effect.suspend(() => {
        const provider = warm ? providerOf(uid) : providers.get(uid)
        if (provider === undefined) return Effect.void
        provider.warm = warm
        return warmth(provider)
      }),
    counts: (uid) =>
      Effect.sync(() => {
        const all = [...(providers.get(uid)?.pools.values() ?? [])].map((pool) => pool.counts())
        return {
          open: all.reduce((sum, { open }) => sum + open, 0),
          idle: all.reduce((sum, { idle }) => sum + idle, 0)
        }
      }),
    hosts: (uid) => Effect.sync(() => [...(providers.get(uid)?.hosts.values() ?? [])]),
    stopped: circuit.stopped,
    release: circuit.release
  }
  return sessions
})
