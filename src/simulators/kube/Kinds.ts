/** The kinds that a server serves: looked up by group, version and plural; they come and go with their CRDs. */
import type { Kind } from "./Kind.ts"

export interface Kinds {
  readonly find: (group: string, version: string, plural: string) => Kind | undefined
  /** In the order of registration. */
  readonly all: () => ReadonlyArray<Kind>
  /** One kind of each store: enough to delete from it. */
  readonly ofStore: (store: string) => Kind | undefined
  readonly register: (kind: Kind) => void
  readonly unregister: (store: string) => void
}

const id = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`

export const make = (initial: ReadonlyArray<Kind>): Kinds => {
  const kinds = new Map<string, Kind>()
  const stores = new Map<string, Kind>()
  const register = (kind: Kind) => {
    kinds.set(id(kind.group, kind.version, kind.plural), kind)
    if (kind.convert === undefined) stores.set(kind.store, kind)
  }
  initial.forEach(register)
  return {
    find: (group, version, plural) => kinds.get(id(group, version, plural)),
    all: () => [...kinds.values()],
    ofStore: (store) => stores.get(store),
    register,
    unregister: (store) => {
      stores.delete(store)
      for (const [key, kind] of kinds) if (kind.store === store) kinds.delete(key)
    }
  }
}
