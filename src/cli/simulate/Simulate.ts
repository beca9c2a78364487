/** SCVMM alone, simulated or recorded, behind a WinRM listener on https, until the process is interrupted. */
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import { SettingInvalid } from "../SettingInvalid.ts"
import * as Speed from "../Speed.ts"
import * as CertificateAuthority from "../../simulators/CertificateAuthority.ts"
import * as Listener from "../../simulators/Listener.ts"
import * as KubeadmGuest from "../../simulators/guest/KubeadmGuest.ts"
import * as WorkloadClusters from "../../simulators/guest/WorkloadClusters.ts"
import { defaultInventory } from "../../simulators/scvmm/DefaultInventory.ts"
import * as Disturbance from "../../simulators/scvmm/Disturbance.ts"
import { Inventory } from "../../simulators/scvmm/Inventory.ts"
import * as ReplayFile from "../../simulators/scvmm/ReplayFile.ts"
import * as ReplayServer from "../../simulators/scvmm/ReplayServer.ts"
import * as Scvmm from "../../simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../simulators/scvmm/WinRmServer.ts"

export interface Options {
  /** 0 takes a free one. */
  readonly port: number
  readonly latency: Speed.Name
  readonly seed: string
  /** JSON file of an Inventory; a small site of ours unless given. */
  readonly inventory: string | undefined
  /** File of a wire recording to answer from. */
  readonly replay: string | undefined
  /** JSON file of rules for what befalls exchanges; nothing does unless given. */
  readonly disturb: string | undefined
}

/** The port cannot be listened on. */
export class PortUnavailable extends Data.TaggedError("PortUnavailable")<{ readonly message: string }> {}

/** The JSON file that a flag names; fails with the file and every wrong field. */
const readJson = <A>(flag: string, file: string, schema: Schema.Codec<A, unknown>) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const invalid = (error: { readonly message: string }) =>
      new SettingInvalid({ message: `${flag}: ${file}: ${error.message}` })
    const text = yield* files.readFileString(file).pipe(Effect.mapError(invalid))
    const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema), {
      errors: "all",
      onExcessProperty: "error"
    })
    return yield* decode(text).pipe(Effect.mapError(invalid))
  })

/** What stands behind the listener. */
interface Served {
  readonly handler: Handler
  /** A line that says what it is. */
  readonly title: string
  readonly running: Effect.Effect<never>
}

const simulated = Effect.fnUntraced(function* (options: Options, inventory: Inventory) {
  const { latency, pace } = Speed.speed(options.latency)
  const workloads = yield* WorkloadClusters.make()
  const scvmm = yield* Scvmm.make({ inventory, latency, seed: options.seed, boot: KubeadmGuest.boot(workloads, pace) })
  const winrm = yield* WinRmServer.make({ host: scvmm.host, users: inventory.accounts, seed: options.seed })
  if (options.disturb !== undefined) winrm.disturb(yield* readJson("--disturb", options.disturb, Disturbance.Rules))
  const { name, productVersion } = inventory.vmmServer
  return {
    handler: winrm.handler,
    title: `SCVMM     ${name}, version ${productVersion}`,
    running: scvmm.failed
  } satisfies Served
})

const recorded = Effect.fnUntraced(function* (file: string, inventory: Inventory) {
  const files = yield* FileSystem.FileSystem
  const invalid = (why: string) => new SettingInvalid({ message: `--replay: ${file}: ${why}` })
  const text = yield* files.readFileString(file).pipe(Effect.mapError((error) => invalid(error.message)))
  const recording = yield* Effect.fromResult(ReplayFile.read(text)).pipe(
    Effect.mapError((error) => invalid(error.message))
  )
  const handler = yield* ReplayServer.make({ recording, users: inventory.accounts })
  const title = `replay    ${recording.length} exchanges of ${file}`
  return { handler, title, running: Effect.never } satisfies Served
})

/** Prints where it is and how to log on, once it listens. */
export const run = Effect.fn("simulate")(function* (options: Options) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const inventory =
    options.inventory === undefined ? defaultInventory : yield* readJson("--inventory", options.inventory, Inventory)
  const [account] = inventory.accounts
  if (account === undefined)
    return yield* new SettingInvalid({ message: "--inventory: accounts: at least one is needed" })
  if (options.replay !== undefined && options.disturb !== undefined)
    return yield* new SettingInvalid({ message: "--disturb: a recording is answered as it is: leave out --replay" })
  const { handler, title, running } =
    options.replay === undefined ? yield* simulated(options, inventory) : yield* recorded(options.replay, inventory)
  const authority = yield* CertificateAuthority.make("simulated SCVMM CA")
  const tls = yield* authority.issue({ commonName: "localhost", usage: "server", hosts: ["127.0.0.1"] })
  const listener = yield* Listener.listen({ handler, tls, port: options.port }).pipe(
    Effect.mapError((error) => new PortUnavailable({ message: `--port: ${error.message}` }))
  )
  const folder = yield* Effect.orDie(files.makeTempDirectoryScoped({ prefix: "capi-scvmm-simulator-" }))
  const ca = path.join(folder, "ca.pem")
  yield* Effect.orDie(files.writeFileString(ca, authority.ca))
  yield* Console.log(
    [
      `endpoint  ${listener.origin}/wsman`,
      `CA        ${ca}`,
      `user      ${account.userName}`,
      `password  ${account.password}`,
      title
    ].join("\n")
  )
  return yield* running
}, Effect.scoped)
