/** Every kind of ours, by name. */
import type { KubeObject } from "../kube/Resource.ts"
import type { CustomResource } from "./CustomResource.ts"
import { ScvmmCluster } from "./ScvmmCluster.ts"
import { ScvmmClusterTemplate } from "./ScvmmClusterTemplate.ts"
import { ScvmmMachine } from "./ScvmmMachine.ts"
import { ScvmmMachineTemplate } from "./ScvmmMachineTemplate.ts"
import { ScvmmNamePool } from "./ScvmmNamePool.ts"
import { ScvmmPersistentDisk } from "./ScvmmPersistentDisk.ts"
import { ScvmmPersistentDiskPool } from "./ScvmmPersistentDiskPool.ts"
import { ScvmmProvider } from "./ScvmmProvider.ts"

export const kinds: ReadonlyArray<CustomResource<KubeObject>> = [
  ScvmmCluster,
  ScvmmClusterTemplate,
  ScvmmMachine,
  ScvmmMachineTemplate,
  ScvmmNamePool,
  ScvmmPersistentDisk,
  ScvmmPersistentDiskPool,
  ScvmmProvider
]
