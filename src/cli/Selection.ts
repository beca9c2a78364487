/** Which objects this instance of the operator looks at: pure. */
import type { ListOptions } from "../../layers/kube/KubeClient.ts"
import * as Contract from "../../schemas/capi/Contract.ts"
import { ScvmmCluster } from "../../schemas/scvmm/ScvmmCluster.ts"
import { ScvmmMachine } from "../../schemas/scvmm/ScvmmMachine.ts"
import { ScvmmProvider } from "../../schemas/scvmm/ScvmmProvider.ts"
import type { Kind } from "../runtime/Informers.ts"

const same = (a: Kind, b: Kind): boolean => a.group === b.group && a.kind === b.kind

/** What is reconciled for its own sake, and so may be shared out between instances by label. */
const reconciled: ReadonlyArray<Kind> = [ScvmmMachine, ScvmmCluster]

interface Settings {
  readonly namespace: string
  readonly watchFilter: string | undefined
}

/** One word for what an instance looks at: instances that share providers look at different machines. */
export const instance = ({ namespace, watchFilter }: Settings): string =>
  [
    ...(namespace === "" ? [] : [`namespace=${namespace}`]),
    ...(watchFilter === undefined ? [] : [`watch-filter=${watchFilter}`])
  ].join(",") || "all"

/**
 * The label of --watch-filter is asked of what is reconciled only: users label infrastructure objects, and a Cluster that
 * cannot be seen could not pause anything. Providers are watched in every namespace, whatever --namespace says, because a
 * machine may name one of another; several instances may look after the same.
 */
export const selection =
  (settings: Settings) =>
  (kind: Kind): ListOptions => ({
    namespace: same(kind, ScvmmProvider) ? "" : settings.namespace,
    ...(settings.watchFilter !== undefined &&
      reconciled.some((other) => same(kind, other)) && {
        labelSelector: `${Contract.watchFilterLabel}=${settings.watchFilter}`
      })
  })
