/** The tracked call that seeds a VM: bootstrap data → medium → library → DVD drive. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Contract from "../../../schemas/capi/Contract.ts"
import { Secret } from "../../../schemas/kube/Core.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { ImportMedium, RemoveLeftover } from "../../../schemas/vmm/Verb.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import type { Retry } from "../../../schemas/Retry.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import { IsoBuilder } from "../../../layers/seed/IsoBuilder.ts"
import { type MachineContext, reporting } from "./MachineContext.ts"
import * as PowerStep from "./PowerStep.ts"
import * as SeedContent from "./SeedContent.ts"
import { networkingOf } from "./VmSpecHook.ts"

/** The seed cannot be made from what the user gave; `message` names the field or key. */
export class SeedInvalid extends Data.TaggedError("SeedInvalid")<{ readonly message: string }> {
  readonly retry: Retry = "backoff"
}

/** Read once and never kept (design D21). */
const userData = Effect.fn("SeedCall.userData")(function* ({ around, machine }: MachineContext) {
  const name = machine.spec.bootstrap?.dataSecretName ?? around.owner?.spec.bootstrap.dataSecretName
  if (name === undefined) return yield* new SeedInvalid({ message: "the Machine has no spec.bootstrap.dataSecretName" })
  const kube = yield* KubeClient
  const secret = yield* kube.get(Secret, { namespace: machine.metadata.namespace ?? "", name }).pipe(
    Effect.catchTag(["KubeNotFound", "KubeForbidden"], (error) =>
      Effect.fail(
        new SeedInvalid({
          message:
            error._tag === "KubeNotFound"
              ? `Secret "${name}" with the bootstrap data does not exist`
              : `Secret "${name}" with the bootstrap data may not be read: grant the operator "get" on secrets`
        })
      )
    )
  )
  const decode = (key: string) => {
    const bytes = Base64.decode(secret.data?.[key] ?? "")
    return Result.isSuccess(bytes) ? bytes.success : new Uint8Array(0)
  }
  const value = decode(Contract.bootstrapDataKey)
  if (value.length === 0) return yield* new SeedInvalid({ message: `Secret "${name}" has no data.value` })
  const format = new TextDecoder().decode(decode(Contract.bootstrapFormatKey))
  if (format !== "" && format !== "cloud-config") {
    return yield* new SeedInvalid({
      message: `Secret "${name}": data.format "${format}" is not supported, use "cloud-config"`
    })
  }
  return value
})

/** Idempotent as a whole: every part may be repeated after a cut. Answers the VM with its medium in the drive. */
export const seedCall = Effect.fn("SeedCall.run")(function* (
  context: MachineContext,
  vm: VirtualMachine,
  vmId: string
) {
  const { machine, connection } = context
  // Before a session is held for it.
  const data = yield* userData(context)
  const fileName = SeedContent.fileNameOf(machine)
  const { libraryShare } = connection
  const sessions = yield* ScvmmSession
  return yield* sessions.use(connection, (session) =>
    Effect.gen(function* () {
      const networking = yield* networkingOf(context, session)
      const seed = yield* Effect.fromResult(SeedContent.seedOf(machine, networking, vmId, data)).pipe(
        Effect.mapError((error) => new SeedInvalid({ message: error.message }))
      )
      const medium = yield* IsoBuilder.use((builder) => builder.build(seed)).pipe(
        Effect.mapError((error) => new SeedInvalid({ message: error.message }))
      )
      yield* session.run(
        ImportMedium,
        { FileName: fileName, Data: medium, LibraryShare: libraryShare },
        reporting(context, "seed")
      )
      const mounted = yield* PowerStep.mount(context, session, vm, fileName)
      yield* session.run(RemoveLeftover, { MachineUid: machine.metadata.uid, LibraryShare: libraryShare })
      return mounted
    })
  )
})
