/** All that a server remembers, as one value: what it holds, its history, and the key of its tokens. */
import type { KubeJson } from "./KubeJson.ts"
import type { Change, Entry } from "./Storage.ts"

/** One store; its objects are shared with the server, which never changes them. */
export interface StoreSnapshot {
  readonly store: string
  /** The first revision from which a watch can start. */
  readonly floor: number
  readonly entries: ReadonlyArray<Entry>
  readonly history: ReadonlyArray<Omit<Change, "lines" | "previous"> & { readonly previous?: KubeJson }>
}

/** Plain JSON, so that it can be written down as it is. */
export interface Snapshot {
  readonly revision: number
  readonly stores: ReadonlyArray<StoreSnapshot>
  /** Signs the tokens of service accounts: those that were issued stay good. */
  readonly key: string
}
