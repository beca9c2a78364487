/** What requests are sent with, remembered until it may have changed: files and plugins behind it are asked again. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Semaphore from "effect/Semaphore"
import type { Tls } from "../Dial.ts"
import type { KubeConfigError } from "./KubeConfigError.ts"

export interface Credentials {
  readonly tls: Tls
  /** The bearer token, if that is how we log on. */
  readonly token: Redacted.Redacted | undefined
}

const revealed = (secret: Redacted.Redacted | undefined): string | undefined => secret && Redacted.value(secret)

export const sameTls = (a: Tls, b: Tls): boolean =>
  a.ca === b.ca &&
  a.cert === b.cert &&
  a.serverName === b.serverName &&
  a.insecureSkipVerify === b.insecureSkipVerify &&
  a.thumbprint === b.thumbprint &&
  revealed(a.key) === revealed(b.key)

/** Read again, a file makes a new value of the same content. */
export const same = (a: Credentials, b: Credentials): boolean =>
  revealed(a.token) === revealed(b.token) && sameTls(a.tls, b.tls)

export interface Remembered<A> {
  readonly current: Effect.Effect<A, KubeConfigError>
  /** After the server refused them (401): the next `current` looks again, if the last look is not too recent. */
  readonly forget: Effect.Effect<void>
}

export type CredentialSource = Remembered<Credentials>

/** Never changes. */
export const constant = <A>(value: A): Remembered<A> => ({ current: Effect.succeed(value), forget: Effect.void })

/** A server that refuses whatever a plugin makes does not have it run in a loop. */
const shortestLife = 10_000

/**
 * `read` answers a value and until when it is good (milliseconds since the epoch).
 *
 * **Guarantees**: one `read` at a time, whoever asks meanwhile waits for it and has what it came to, an error too. When a value is renewed and that fails, the
 * old one stays in use while it is good, `read` is tried again after ten seconds, and one line is logged: a file is
 * replaced in two steps by some. Without a value the error is the caller's.
 */
export const remember = <A>(
  what: string,
  read: Effect.Effect<{ readonly value: A; readonly renewAt: number; readonly badAt: number }, KubeConfigError>
): Remembered<A> => {
  const one = Semaphore.makeUnsafe(1)
  let known: { readonly value: A; renewAt: number; readonly badAt: number; since: number } | undefined
  let told = false
  let failures = 0
  let failure: KubeConfigError | undefined

  /** A clock that is before the last look was set back since: nobody knows how old the value is. */
  const good = (now: number) => (known !== undefined && known.since <= now && now < known.renewAt ? known : undefined)

  const renewed = Effect.fnUntraced(function* (failuresBefore: number) {
    const now = yield* Clock.currentTimeMillis
    // Somebody else may have read while this one waited.
    const recent = good(now)
    if (recent !== undefined) return recent.value
    const old = known !== undefined && now < known.badAt ? known : undefined
    if (old === undefined && failure !== undefined && failures > failuresBefore) return yield* Effect.fail(failure)
    const result = yield* Effect.result(read)
    if (result._tag === "Success") {
      known = { ...result.success, since: now }
      told = false
      return known.value
    }
    failures++
    failure = result.failure
    if (old === undefined) return yield* Effect.fail(failure)
    old.since = now
    old.renewAt = now + shortestLife
    if (!told) {
      told = true
      yield* Effect.logWarning("credentials could not be renewed, the old ones stay in use").pipe(
        Effect.annotateLogs({ what, error: result.failure.message })
      )
    }
    return old.value
  })

  return {
    current: Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const recent = good(now)
      return recent === undefined ? one.withPermit(renewed(failures)) : Effect.succeed(recent.value)
    }),
    forget: Effect.map(Clock.currentTimeMillis, (now) => {
      if (known !== undefined) known.renewAt = Math.min(known.renewAt, Math.max(now, known.since + shortestLife))
    })
  }
}
