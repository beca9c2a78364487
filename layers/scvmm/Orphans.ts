/** Shells that an earlier incarnation of this operator left on an exec host: known by their names, and deleted. */
import * as Effect from "effect/Effect"
import type { ShellState } from "../wsman/SoapShell.ts"
import type { Wsman } from "../wsman/Wsman.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"

/** Whose shells: the provider's UID is unique over all clusters, the rest is for a person who lists shells. */
export type Owner = Pick<ProviderConnection, "uid" | "namespace" | "name" | "userName">

/** Of namespace and name; all of it, with two UIDs, then stays below the 255 characters that WinRM allows. */
const longestPlace = 160

/** No secret: every administrator of the host sees it. */
export const shellName = ({ uid, namespace, name }: Owner, incarnation: string): string =>
  `capscvmm ${`${namespace}/${name}`.slice(0, longestPlace)} ${uid} ${incarnation}`

/** The name without its domain, in either form. */
const account = (userName: string): string => (userName.split("\\").at(-1) ?? "").split("@")[0]?.toLowerCase() ?? ""

/** Ids of the shells that were made for this provider, by this account, in another incarnation. */
export const orphansOf = (
  shells: ReadonlyArray<Pick<ShellState, "shellId" | "name" | "owner">>,
  owner: Owner,
  incarnation: string
): ReadonlyArray<string> =>
  shells
    .filter((shell) => {
      const parts = /^capscvmm \S+ (\S+) (\S+)$/u.exec(shell.name ?? "")
      return (
        parts?.[1] === owner.uid &&
        parts[2] !== incarnation &&
        (shell.owner === undefined || account(shell.owner) === account(owner.userName))
      )
    })
    .map(({ shellId }) => shellId)

/** Longer than a host needs to list and delete some shells; one that does not answer must not hold a dial up. */
const limit = "20 seconds"

/**
 * Deletes orphans on one host; answers how many. Only the leader reaches a host (Dial's fence), so a shell of another
 * incarnation belongs to one that leads no more: what still runs in it could not be told to anybody. The shell of a creation
 * that was cut may be among them. Whoever settles that attempt deletes it too, takes a shell that is gone for deleted and
 * counts the time in which VMM may still commit from then, which is later than this.
 *
 * Never fails: without the right to list shells they end by their idle timeout.
 */
export const remove = Effect.fn("Orphans.remove")(
  function* (wsman: Pick<Wsman, "shells" | "delete">, owner: Owner, incarnation: string) {
    const orphans = orphansOf(yield* wsman.shells, owner, incarnation)
    let removed = 0
    for (const shellId of orphans) {
      yield* wsman.delete(shellId)
      removed += 1
      yield* Effect.logInfo("orphaned shell deleted").pipe(Effect.annotateLogs({ shell_id: shellId }))
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
