/** What a watcher tells its reader: one full listing, then changes, and again a listing whenever continuity was lost. */
import type { KubeObject } from "./Resource.ts"
import type { ObjectKey } from "./ObjectMeta.ts"

export type WatchEvent<A extends KubeObject> =
  /**
   * Every object there is: whatever the reader has beyond these is gone. `unreadable` are those whose stored shape cannot be read;
   * an Undecodable follows for each, to say why.
   */
  | { readonly _tag: "Listed"; readonly items: ReadonlyArray<A>; readonly unreadable?: ReadonlyArray<ObjectKey> }
  | { readonly _tag: "Applied"; readonly object: A }
  | { readonly _tag: "Deleted"; readonly object: A }
  /** An object whose stored shape we cannot read: reported, never fatal. */
  | { readonly _tag: "Undecodable"; readonly key: ObjectKey; readonly message: string }
