/** The bundle of the program, made by the script that deployments use. */
import * as Effect from "effect/Effect"
import * as childProcess from "node:child_process"
import * as path from "node:path"

const root = path.resolve(import.meta.dirname, "../..")
const rolldown = path.join(root, "node_modules/.bin/rolldown")

/** Into `folder`, by default the one that `npm start` runs. Dies with what the bundler says. */
export const make = (folder = path.join(root, "dist")): Effect.Effect<void> =>
  Effect.callback((resume) => {
    childProcess.execFile(process.execPath, [rolldown, "-c", "--dir", folder], { cwd: root }, (error, _, stderr) =>
      resume(error === null ? Effect.void : Effect.die(new Error(stderr.trim() || error.message)))
    )
  })

/** Made once a process. */
export const once: Effect.Effect<void> = Effect.runSync(Effect.cached(make()))
