/** Shells that an earlier process of this operator left on an exec host: known by their names, and deleted. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ShellState } from "../wsman/SoapShell.ts"
import type { Wsman } from "../wsman/Wsman.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"

/** What tells instances of the operator apart that share a provider: one word, the same for all replicas of one instance. */
export const Instance = Context.Reference<string>("capscvmm/layers/Instance", { defaultValue: () => "all" })

/** Whose shells: the provider's UID is unique over all clusters, its name is for a person who lists shells. */
type Provider = Pick<ProviderConnection, "uid" | "namespace" | "name">

/** One process. Of those of an instance one leads at a time, and only it reaches exec hosts (Dial's fence). */
export interface Operator {
  readonly instance: string
  readonly incarnation: string
}

/** WinRM refuses a longer one (803381C2). */
const longestName = 255

/** No secret: every administrator of the host sees it. What of namespace and name would make it too long is left out. */
export const shellName = ({ uid, namespace, name }: Provider, { instance, incarnation }: Operator): string => {
  const known = ` ${uid} ${instance} ${incarnation}`
  const head = "capscvmm "
  return `${head}${`${namespace}/${name}`.slice(0, longestName - head.length - known.length)}${known}`
}

/** Ids of the shells that another process of this instance made for this provider. */
export const orphansOf = (
  shells: ReadonlyArray<Pick<ShellState, "shellId" | "name">>,
  { uid }: Pick<Provider, "uid">,
  { instance, incarnation }: Operator
): ReadonlyArray<string> =>
  shells
    .filter(({ name }) => {
      const parts = /^capscvmm \S+ (\S+) (\S+) (\S+)$/u.exec(name ?? "")
      return parts?.[1] === uid && parts[2] === instance && parts[3] !== incarnation
    })
    .map(({ shellId }) => shellId)

/** Longer than a host needs to list and delete some shells; one that does not answer must not hold a dial up. */
const limit = "20 seconds"

/**
 * Deletes orphans on one host; answers how many. What still runs in one could not be told to anybody: whose it was leads no
 * more. The shell of a creation that was cut may be among them. Whoever settles that attempt deletes it too, takes a shell
 * that is gone for deleted and counts the time in which VMM may still commit from then, which is later than this.
 *
 * Never fails: what cannot be deleted, or not even listed, ends by its idle timeout.
 */
export const remove = Effect.fn("Orphans.remove")(
  function* (wsman: Pick<Wsman, "shells" | "delete">, provider: Provider, operator: Operator) {
    let removed = 0
    for (const shellId of orphansOf(yield* wsman.shells, provider, operator)) {
      const deleted = yield* Effect.result(wsman.delete(shellId))
      if (deleted._tag === "Success") removed += 1
      yield* deleted._tag === "Success"
        ? Effect.annotateLogs(Effect.logInfo("orphaned shell deleted"), { shell_id: shellId })
        : Effect.annotateLogs(Effect.logDebug("orphaned shell not deleted"), {
            shell_id: shellId,
            reason: deleted.failure.message
          })
    }
    return removed
  },
  (effect, _, { namespace, name }) =>
    effect.pipe(
      Effect.timeout(limit),
      Effect.catch((error) =>
        Effect.as(
          Effect.logDebug("orphaned shells not looked for").pipe(Effect.annotateLogs({ reason: error.message })),
          0
        )
      ),
      Effect.annotateLogs({ provider: `${namespace}/${name}` })
    )
)
