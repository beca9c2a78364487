/** An endless, self-healing list-then-watch of one kind. */
import type * as Stream from "effect/Stream"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import type { WatchEvent } from "../../schemas/kube/Watch.ts"
import type { KubeClient, ListOptions } from "./KubeClient.ts"

export type Watch = <A extends KubeObject>(
  resource: Resource<A>,
  options?: ListOptions
) => Stream.Stream<WatchEvent<A>, never, KubeClient>
