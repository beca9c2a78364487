/** `manifests`: writes the CRDs and the RBAC of a release into the repository. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Command from "effect/cli/Command"
import { crdFolder, manifests as generated } from "../manifests/Manifests.ts"

const repository = `${import.meta.dirname}/../..`

/** Writes every generated manifest below `root`; a CRD that no kind makes any more is removed. */
export const writeManifests = Effect.fn("manifests")(function* (root: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const wanted = generated()
  const folder = path.join(root, crdFolder)
  yield* files.makeDirectory(folder, { recursive: true })
  const stale = (yield* files.readDirectory(folder))
    .map((name) => `${crdFolder}/${name}`)
    .filter((name) => !wanted.some((it) => it.path === name))
  for (const name of stale) {
    yield* files.remove(path.join(root, name))
    yield* Console.log(`removed ${name}`)
  }
  for (const { path: name, text } of wanted) {
    const file = path.join(root, name)
    yield* files.makeDirectory(path.dirname(file), { recursive: true })
    yield* files.writeFileString(file, text)
    yield* Console.log(`wrote ${name}`)
  }
})

export const manifests = Command.make("manifests", {}, () => writeManifests(repository)).pipe(
  Command.withDescription("Write the CRDs and the RBAC of a release into this repository")
)
