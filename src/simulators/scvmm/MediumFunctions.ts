/** The functions for media: Import- and Mount-CapsMedium, and Remove-CapsLeftover. */
import * as Effect from "effect/Effect"
import { ErrorId, ImportMedium, MountMedium, RemoveLeftover } from "../../../schemas/vmm/Verb.ts"
import { removeTemplate, temporaryTemplateName } from "./CreateFunction.ts"
import { sameText, within } from "./Inventory.ts"
import { fileName, folderOf } from "./Library.ts"
import type { Medium } from "./Library.ts"
import { importMedium as importIntoLibrary, mount } from "./Media.ts"
import { pause } from "./Model.ts"
import type { Model } from "./Model.ts"
import type { Terminated } from "./PowerShellHost.ts"
import { castGuid, resolve, step } from "./ReadFunctions.ts"
import { implement } from "./SimulatedFunction.ts"
import * as VirtualMachine from "./VirtualMachine.ts"
import { functionError } from "./VmmError.ts"

const folder = (model: Model, functionName: string, libraryShare: string): Effect.Effect<string, Terminated> => {
  const path = folderOf(model.fabric.inventory, libraryShare)
  return path === undefined
    ? Effect.fail(
        functionError(
          ErrorId.libraryShareNotFound,
          functionName,
          `VMM has no writable library share for '${libraryShare}'`,
          { LibraryShare: libraryShare }
        )
      )
    : Effect.succeed(path)
}

const mediumAt = (model: Model, functionName: string, sharePath: string): Effect.Effect<Medium, Terminated> => {
  const medium = model.library.find(sharePath)
  return medium === undefined
    ? Effect.fail(
        functionError(ErrorId.mediumNotFound, functionName, `the library does not show '${sharePath}'`, {
          SharePath: sharePath
        })
      )
    : Effect.succeed(medium)
}

export const importMedium = implement(ImportMedium, ({ model, execHost }, { FileName, Data, LibraryShare }, streams) =>
  Effect.gen(function* () {
    if (!/^[^\\/:]+$/u.test(FileName)) {
      const message = `'${FileName}' is not a plain file name`
      return yield* Effect.fail(functionError(ErrorId.mediumNameInvalid, ImportMedium.name, message, { FileName }))
    }
    const path = yield* folder(model, ImportMedium.name, LibraryShare)
    const sharePath = `${path}\\${FileName}`
    // PowerShell runs `finally` blocks of a pipeline that is stopped, too.
    yield* Effect.acquireUseRelease(
      Effect.sync(() => {
        const file = { execHost, fileName: FileName, writtenAt: model.now() }
        model.library.addTemporary(file)
        return file
      }),
      () =>
        pause(model, "write").pipe(
          Effect.andThen(streams.progress(ImportMedium.name, "", 25)),
          Effect.andThen(importIntoLibrary(model, sharePath, Data))
        ),
      (file) => Effect.sync(() => model.library.removeTemporary(file))
    )
    yield* streams.progress(ImportMedium.name, "", 75)
    const medium = yield* mediumAt(model, ImportMedium.name, sharePath)
    return [{ Id: medium.id, SharePath: medium.sharePath }]
  })
)

export const mountMedium = implement(MountMedium, ({ model }, { Id, FileName, LibraryShare }) =>
  Effect.gen(function* () {
    const vm = yield* resolve(model, MountMedium.name, Id)
    const present = vm.dvds[0]?.medium?.fileName
    if (present === undefined || !sameText(present, FileName)) {
      const path = yield* folder(model, MountMedium.name, LibraryShare)
      const medium = yield* mediumAt(model, MountMedium.name, `${path}\\${FileName}`)
      yield* step(model, MountMedium.name, Id, mount(model, vm, medium))
    }
    return [VirtualMachine.document(yield* resolve(model, MountMedium.name, Id), model.now())]
  })
)

export const removeLeftover = implement(RemoveLeftover, ({ model }, { MachineUid, LibraryShare }) =>
  Effect.gen(function* () {
    const uid = yield* castGuid(RemoveLeftover.name, MachineUid)
    const removed: Array<string> = []
    const remaining: Array<string> = []
    yield* pause(model, "get")
    const template = temporaryTemplateName(uid)
    const outcome = yield* removeTemplate(model, template)
    if (outcome === "removed") removed.push(template)
    if (outcome === "locked") remaining.push(template)
    // No such share, so nothing of ours in it.
    const path = folderOf(model.fabric.inventory, LibraryShare)
    for (const { sharePath } of path === undefined ? [] : model.library.list()) {
      if (!within(sharePath, path ?? "") || !fileName(sharePath).toLowerCase().includes(uid)) continue
      yield* pause(model, "removeMedium")
      model.library.remove(sharePath)
      removed.push(sharePath)
    }
    return [{ Removed: removed, Remaining: remaining }]
  })
)
