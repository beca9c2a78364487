/** The demo's surroundings on real sockets: Kubernetes and SCVMM over TLS, guests, the least of Cluster API. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as CertificateAuthority from "../../simulators/CertificateAuthority.ts"
import * as Listener from "../../simulators/Listener.ts"
import * as World from "../../simulators/World.ts"
import type { Speed } from "../Speed.ts"
import * as DemoCluster from "./DemoCluster.ts"

export interface Site {
  readonly world: World.World
  readonly target: DemoCluster.Target
  /** scheme://host:port of the Kubernetes API and of WinRM. */
  readonly kubernetes: string
  readonly winrm: string
  /** A file that only its owner reads. */
  readonly kubeconfig: string
}

/** Lives as long as its scope; the kubeconfig is written into `folder`. */
export const start = Effect.fn("Site.start")(function* (options: { readonly speed: Speed; readonly folder: string }) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const world = yield* World.make({ latency: options.speed.latency, pace: options.speed.pace, seed: "demo" })
  if (world.kubernetes === undefined) return yield* Effect.die("the world has no Kubernetes API")
  const authority = yield* CertificateAuthority.make("demo CA")
  const tls = yield* authority.issue({ commonName: "localhost", usage: "server", hosts: ["127.0.0.1"] })
  const kubernetes = yield* Listener.listen({ handler: world.kubernetes.handler, tls })
  const winrm = yield* Listener.listen({ handler: world.winrm.handler, tls })
  const kubeconfig = path.join(options.folder, "kubeconfig")
  yield* files.writeFileString(kubeconfig, world.kubernetes.kubeconfig(kubernetes.origin, authority.ca), {
    mode: 0o600
  })
  const [account] = world.scvmm.inventory.accounts
  if (account === undefined) return yield* Effect.die("the simulated SCVMM has no account")
  return {
    world,
    target: {
      namespace: "default",
      port: winrm.port,
      ca: authority.ca,
      vmmHost: world.scvmm.inventory.vmmServer.name,
      userName: account.userName,
      password: account.password
    },
    kubernetes: kubernetes.origin,
    winrm: winrm.origin,
    kubeconfig
  } satisfies Site
})
