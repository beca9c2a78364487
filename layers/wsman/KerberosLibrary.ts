/** The npm package "kerberos", where it is installed: a client of GSSAPI (RFC 4121). Its types are not relied on, since it may be absent. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { createRequire } from "node:module"

/** What the library, or the Kerberos below it, says is wrong. */
export class KerberosFailure extends Data.TaggedError("KerberosFailure")<{
  /** The package is not installed, or has no library to stand on. */
  readonly absent: boolean
  readonly detail: string
}> {
  override get message() {
    return this.detail
  }
}

/** One log-on. */
export interface KerberosContext {
  /** The token for the other side, undefined for none; `token` is what it sent, absent at first. */
  readonly step: (token?: string) => Effect.Effect<string | undefined, KerberosFailure>
  /** Both sides have proved themselves. */
  readonly complete: () => boolean
}

/** `principal` "" takes that of the credential cache. */
export type Initiate = (options: {
  readonly service: string
  readonly principal: string
}) => Effect.Effect<KerberosContext, KerberosFailure>

/** GSS_C_MUTUAL_FLAG, GSS_C_REPLAY_FLAG, GSS_C_SEQUENCE_FLAG. */
const flags = 2 + 4 + 8
/** GSS_MECH_OID_KRB5: with SPNEGO the library could agree on another mechanism. */
const mechOID = 9

const failed =
  (absent: boolean) =>
  (cause: unknown): KerberosFailure =>
    new KerberosFailure({ absent, detail: cause instanceof Error ? cause.message : String(cause) })

/** A method of a foreign object, called on it. */
const call = (
  target: unknown,
  name: string,
  ...given: ReadonlyArray<unknown>
): Effect.Effect<unknown, KerberosFailure> => {
  const method: unknown = Predicate.hasProperty(target, name) ? target[name] : undefined
  return Predicate.isFunction(method)
    ? Effect.tryPromise({ try: async (): Promise<unknown> => method.apply(target, given), catch: failed(false) })
    : Effect.fail(new KerberosFailure({ absent: true, detail: `the package "kerberos" has no ${name}` }))
}

const load = Effect.try({
  // Required and not imported, so that neither a bundle nor a compiler misses it.
  try: (): unknown => createRequire(import.meta.url)("kerberos"),
  catch: failed(true)
})

const initiate: Initiate = Effect.fnUntraced(function* ({ service, principal }) {
  const client = yield* call(yield* load, "initializeClient", service, {
    flags,
    mechOID,
    ...(principal !== "" && { principal })
  })
  return {
    step: (token = "") =>
      Effect.map(call(client, "step", token), (answer) =>
        typeof answer === "string" && answer !== "" ? answer : undefined
      ),
    complete: () => Predicate.hasProperty(client, "contextComplete") && client["contextComplete"] === true
  }
})

export const KerberosLibrary = Context.Reference<Initiate>("capscvmm/layers/wsman/KerberosLibrary", {
  defaultValue: () => initiate
})
