/** Empties a namespace that is being deleted, and lets it go when nothing is left in it. */
import { unquestioned } from "./Admission.ts"
import * as Deletions from "./Deletions.ts"
import { assign, metadata, strings, text } from "./KubeJson.ts"
import type { Change } from "./Storage.ts"
import type { World } from "./Writes.ts"

const background = { dryRun: false, propagationPolicy: "Background", uid: "", resourceVersion: "" } as const

const sweep = (world: World, namespace: string, now: string) => {
  const home = world.storage.get("/namespaces", namespace)
  if (home === undefined || metadata(home)["deletionTimestamp"] === undefined) return
  const kinds = world.kinds.all().filter((kind) => kind.namespaced && kind.convert === undefined)
  const contents = () =>
    kinds.flatMap((kind) => world.storage.list(kind.store, `${namespace}/`).map(({ object }) => ({ kind, object })))
  for (const { kind, object } of contents()) {
    if (metadata(object)["deletionTimestamp"] === undefined) {
      const target = { kind, namespace, name: text(metadata(object), "name"), subresource: "" } as const
      unquestioned(Deletions.remove(world, target, background, now))
    }
  }
  if (contents().length > 0 || strings(home, "spec", "finalizers").length === 0) return
  // The namespace's own finalizers may hold it still.
  if (strings(metadata(home), "finalizers").length === 0) world.storage.remove("/namespaces", namespace)
  else world.storage.put("/namespaces", namespace, assign(home, { spec: {} }))
}

export const react = (world: World, change: Pick<Change, "type" | "store" | "key" | "object">, now: string) => {
  if (change.store === "/namespaces") sweep(world, change.key, now)
  else if (change.type === "DELETED") sweep(world, text(metadata(change.object), "namespace"), now)
}
