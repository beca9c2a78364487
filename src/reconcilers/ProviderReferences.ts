/** Which ScvmmProvider an object names: pure. */
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { ScvmmMachine } from "../../schemas/scvmm/ScvmmMachine.ts"

/** namespace/name: an index value. */
export const referenceText = ({ namespace, name }: ObjectKey): string => `${namespace}/${name}`

/**
 * The providers of a machine: the one that it names, and the one that was resolved for it and may hold its VM. A machine that
 * leaves it to its ScvmmCluster names none before its first reconcile with that cluster.
 */
export const providersOf = ({ spec, status }: Pick<ScvmmMachine, "spec" | "status">): ReadonlyArray<ObjectKey> => {
  const refs = [spec.providerRef, status.providerRef].flatMap((ref) =>
    ref === undefined ? [] : [{ namespace: ref.namespace, name: ref.name }]
  )
  return [...new Map(refs.map((ref) => [referenceText(ref), ref])).values()]
}
