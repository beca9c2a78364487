/** Reconciles per second of CPU time of machines with nothing to do: the real reconciler on a real watch, VMM's answers at hand. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import { Dial } from "../../layers/Dial.ts"
import { Events } from "../../layers/kube/Events.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../layers/kube/KubeConfig.ts"
import { Inventory } from "../../layers/scvmm/Inventory.ts"
import { Providers } from "../../layers/scvmm/Providers.ts"
import type { ProviderConnection } from "../../layers/scvmm/ScvmmSession.ts"
import { ScvmmSession } from "../../layers/scvmm/ScvmmSession.ts"
import { IsoBuilder } from "../../layers/seed/IsoBuilder.ts"
import * as Logging from "../../layers/telemetry/Logging.ts"
import { crd } from "../../schemas/Crd.ts"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import { kinds } from "../../schemas/scvmm/Kinds.ts"
import * as Marker from "../../schemas/vmm/Marker.ts"
import type { VirtualMachine } from "../../schemas/vmm/VirtualMachine.ts"
import * as MachineReconciler from "../../src/reconcilers/machine/MachineReconciler.ts"
import { Informers } from "../../src/runtime/Informers.ts"
import * as Manager from "../../src/runtime/Manager.ts"
import * as EmbeddedApiServer from "../../src/simulators/kube/EmbeddedApiServer.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import * as Process from "../harness/Process.ts"
import { eventually } from "../scenarios/Site.ts"
import type { Bench } from "./Bench.ts"
import { figure, median } from "./Bench.ts"
import * as Fleet from "./Fleet.ts"
import * as FleetApi from "./FleetApi.ts"
import { peer } from "./Peer.ts"
import { temporary } from "../harness/Folder.ts"

const machines = 1000
const warmUps = 10
const rounds = 15
const installation = "installation"

const connection: ProviderConnection = {
  uid: "vmm",
  namespace: Fleet.namespace,
  name: "vmm",
  specVersion: "1",
  credentialVersion: "1",
  scvmmHost: "vmm.example.test",
  execHosts: ["vmm.example.test"],
  scheme: "https",
  port: 5986,
  authentication: "Negotiate",
  insecureSkipVerify: false,
  configurationName: "",
  operationTimeoutSeconds: 60,
  userName: "user",
  password: Redacted.make("password"),
  keepAliveSeconds: 20,
  sessions: 3,
  libraryShare: "",
  adoption: "Owned",
  environment: {},
  extraFunctions: {}
}

/** The VM of a machine of the fleet, as VMM answers. */
const virtualMachine = (index: number): VirtualMachine => {
  const facts = Fleet.facts(index)
  return {
    Id: facts.id,
    VMId: facts.vmId,
    BiosGuid: facts.biosGuid,
    Name: facts.vmName,
    Description: Marker.render({
      installation,
      namespace: Fleet.namespace,
      name: Fleet.machineName(index),
      uid: facts.biosGuid
    }),
    Status: "Running",
    VirtualMachineState: "Running",
    HostName: facts.host,
    Cloud: "Production",
    Generation: 2,
    CPUCount: 4,
    MemoryMB: 8192,
    CreationTime: Fleet.at,
    ModifiedTime: Fleet.at,
    ComputerName: facts.hostname,
    NetworkAdapters: [
      {
        SlotId: 0,
        Name: "Network Adapter 1",
        MACAddress: "00:15:5D:00:00:01",
        VMNetwork: "kubernetes",
        IPv4Addresses: [facts.address],
        IPv6Addresses: ["fe80::215:5dff:fe00:1"]
      }
    ],
    Disks: [0, 1].map((lun) => ({
      Id: facts.biosGuid,
      BusType: "SCSI",
      Bus: 0,
      Lun: lun,
      FileName: `${facts.vmName}_${lun}.vhdx`,
      Size: 5_000_000_000,
      MaximumSize: 32_212_254_720
    })),
    DvdDrives: [{ Bus: 0, Lun: 1 }]
  }
}

const unused = Effect.die(new Error("no call of VMM is expected"))

/** Answers for single VMs; nothing else is asked for. */
const sessions = () => {
  const vms = new Map(Array.from({ length: machines }, (_, index) => [Fleet.facts(index).id, virtualMachine(index)]))
  return ScvmmSession.of({
    run: (_connection, _verb, parameters) => {
      const id = typeof parameters === "object" && parameters !== null && "Id" in parameters ? parameters.Id : undefined
      // The Inventory asks for one VM, which is what the verb answers.
      return Effect.succeed(vms.get(String(id)) as never)
    },
    runAll: () => unused,
    use: () => unused,
    server: () => unused,
    deleteShell: () => unused,
    keepWarm: () => Effect.void,
    counts: () => Effect.succeed({ open: 0, idle: 0 }),
    hosts: () => Effect.succeed([]),
    stoppedLogOns: () => Effect.succeed(undefined),
    retryLogOn: () => Effect.succeed(false)
  })
}

const origin = "https://api.example"
const token = Redacted.make("t")

const ratesOf = Effect.gen(function* () {
  const server = yield* EmbeddedApiServer.make({
    crds: kinds.map((kind) => crd(kind)),
    tokens: [{ token, user: "operator" }]
  })
  yield* Fleet.populate(server.access, machines, { paused: false })
  const wishes = yield* PubSub.unbounded<ObjectKey>()
  const reached = yield* Latch.make()
  let left = machines
  const inventory = Layer.effect(
    Inventory,
    Effect.map(Inventory, (whole) =>
      Inventory.of({
        ...whole,
        // The last thing of a pass that finds a VM running.
        follow: (...subject) =>
          Effect.andThen(
            whole.follow(...subject),
            Effect.sync(() => {
              left -= 1
              if (left === 0) reached.openUnsafe()
            })
          ),
        changes: Stream.fromPubSub(wishes)
      })
    )
  ).pipe(Layer.provide(Inventory.layer({ installation })))
  const kube = KubeClient.layer(KubeConfig.fixed({ server: origin, token })).pipe(
    Layer.provide(Dial.layerInProcess(new Map([[origin, server.handler]])))
  )
  const services = Layer.mergeAll(
    inventory,
    Informers.layer(),
    Events.layerNoop,
    Providers.layer,
    IsoBuilder.layer
  ).pipe(Layer.provideMerge(Layer.merge(kube, Layer.succeed(ScvmmSession, sessions()))))
  return yield* Effect.gen(function* () {
    const { set } = yield* Providers
    yield* set({ namespace: Fleet.namespace, name: "vmm" }, connection)
    const controller = yield* MachineReconciler.make({ installation, concurrency: 10 })
    const measure = Effect.gen(function* () {
      yield* reached.await
      // Writes of the first pass come back as events.
      yield* Effect.sleep("3 seconds")
      const keys = Array.from({ length: machines }, (_, index) => ({
        namespace: Fleet.namespace,
        name: Fleet.machineName(index)
      }))
      const written = server.audit.writes()
      const round = Effect.gen(function* () {
        left = machines
        yield* reached.close
        const begin = process.cpuUsage()
        yield* PubSub.publishAll(wishes, keys)
        yield* reached.await
        const { system, user } = process.cpuUsage(begin)
        return machines / ((system + user) / 1_000_000)
      })
      const rates = yield* Effect.replicateEffect(Effect.andThen(Effect.sleep("20 millis"), round), warmUps + rounds)
      if (server.audit.writes() > written) return yield* Effect.die(new Error("a reconcile has written"))
      return rates.slice(warmUps)
    })
    return yield* Effect.raceFirst(measure, Manager.run([controller]))
  }).pipe(Effect.provide(services))
}).pipe(Effect.provide(Logging.layer({ level: "Info", format: "json" })), Effect.orDie)

const peerRates = Effect.gen(function* () {
  const binary = yield* peer
  if (binary === undefined) return undefined
  const folder = yield* temporary("bench")
  const { kubeconfig } = yield* FleetApi.start({ folder, machines })
  const log = path.join(folder, "peer.log")
  yield* Process.spawn(binary, [`-config=${kubeconfig}`, `-rounds=${rounds}`], log, {
    ...process.env,
    GOMAXPROCS: "1"
  })
  return yield* eventually(
    "the peer's rounds",
    Effect.map(OperatorProcess.linesOf(log), (lines) => {
      const rates = lines.flatMap(({ rate }) => (rate === undefined ? [] : [Number(rate)]))
      return rates.length === rounds ? rates : undefined
    }),
    120
  )
})

export const noopReconcile: Bench = {
  keys: ["reconcile.noop.per_second"],
  measure: Effect.gen(function* () {
    const ours = median(yield* Effect.scoped(ratesOf))
    const theirs = yield* Effect.scoped(peerRates)
    return {
      "reconcile.noop.per_second": figure(ours, "/s", {
        peer: theirs && median(theirs),
        better: "higher"
      })
    }
  })
}
