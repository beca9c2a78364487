/** The functions for media: Write-, Import- and Mount-CapsMedium, and Remove-CapsLeftover. */
import * as Effect from "effect/Effect"
import { ErrorId, ImportMedium, MountMedium, RemoveLeftover, WriteMedium } from "../../../schemas/vmm/Verb.ts"
import { removeTemplate, temporaryTemplateName } from "./CreateFunction.ts"
import { sameText, within } from "./Inventory.ts"
import { fileName, folderOf, sha256 } from "./Library.ts"
import type { Medium } from "./Library.ts"
import { importMedium as importIntoLibrary, mount } from "./Media.ts"
import { pause } from "./Model.ts"
import type { Model } from "./Model.ts"
import type { Terminated } from "./PowerShellHost.ts"
import { castGuid, resolve, step } from "./ReadFunctions.ts"
import { implement } from "./SimulatedFunction.ts"
import * as VirtualMachine from "./VirtualMachine.ts"
import { functionError } from "./VmmError.ts"

const day = 24 * 3600 * 1000

const temporaryPath = (name: string): string => `C:\\Windows\\Temp\\capscvmm\\${name}`

const corrupt = (functionName: string, message: string, file: string): Effect.Effect<never, Terminated> =>
  Effect.fail(functionError(ErrorId.mediumCorrupt, functionName, message, { FileName: file }))

const plainName = (functionName: string, name: string): Effect.Effect<void, Terminated> =>
  /^[^\\/:]+$/u.test(name) ? Effect.void : corrupt(functionName, `'${name}' is not a plain file name`, name)

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

export const writeMedium = implement(WriteMedium, ({ model, execHost }, { FileName, Offset, Data }) =>
  Effect.gen(function* () {
    yield* plainName(WriteMedium.name, FileName)
    yield* pause(model, "write")
    if (Offset === 0) model.library.removeStale(execHost, model.now() - day)
    const length = model.library.readTemporary(execHost, FileName)?.length ?? 0
    if (Offset < 0 || Offset > length) {
      return yield* corrupt(
        WriteMedium.name,
        `a chunk for offset ${Offset}, but '${FileName}' has ${length} bytes on this host`,
        FileName
      )
    }
    return [{ Length: model.library.writeTemporary(execHost, FileName, Offset, Data, model.now()) }]
  })
)

export const importMedium = implement(ImportMedium, ({ model, execHost }, parameters) =>
  Effect.gen(function* () {
    const { FileName, Length, Sha256, LibraryShare } = parameters
    yield* plainName(ImportMedium.name, FileName)
    const path = yield* folder(model, ImportMedium.name, LibraryShare)
    yield* pause(model, "get")
    const bytes = model.library.readTemporary(execHost, FileName)
    if (bytes === undefined || bytes.length !== Length || !sameText(sha256(bytes), Sha256)) {
      // The next attempt begins with an empty file.
      model.library.removeTemporary(execHost, FileName)
      return yield* corrupt(
        ImportMedium.name,
        `'${FileName}' is not what was promised: ${bytes?.length ?? -1} bytes of ${Length}`,
        FileName
      )
    }
    const sharePath = `${path}\\${FileName}`
    yield* importIntoLibrary(model, sharePath, bytes)
    const medium = yield* mediumAt(model, ImportMedium.name, sharePath)
    model.library.removeTemporary(execHost, FileName)
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

export const removeLeftover = implement(RemoveLeftover, ({ model, execHost }, { MachineUid, LibraryShare }) =>
  Effect.gen(function* () {
    const uid = yield* castGuid(RemoveLeftover.name, MachineUid)
    const removed: Array<string> = []
    const remaining: Array<string> = []
    yield* pause(model, "get")
    const template = temporaryTemplateName(uid)
    const outcome = yield* removeTemplate(model, template)
    if (outcome === "removed") removed.push(template)
    if (outcome === "locked") remaining.push(template)
    for (const file of model.library.temporaryFiles()) {
      if (file.execHost !== execHost || !file.fileName.toLowerCase().includes(uid)) continue
      model.library.removeTemporary(execHost, file.fileName)
      removed.push(temporaryPath(file.fileName))
    }
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
