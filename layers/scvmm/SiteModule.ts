/** Whether a session configuration of a site's own holds our module as this version has it (design D4). */
import * as Effect from "effect/Effect"
import { array, isObject, property, textOf } from "../psrp/PsObject.ts"
import type { PsValue } from "../psrp/PsValue.ts"
import type { RunspacePool } from "../psrp/RunspacePool.ts"
import { moduleVersion, verbs } from "./Catalogue.ts"
import { HostUnavailable } from "./ScvmmError.ts"
import { type DialError, fromOpenError } from "./Unavailability.ts"

/** The session configuration of every Windows host, the only one that takes scripts. Another one is a site's own. */
export const defaultConfiguration = "Microsoft.PowerShell"

const names = verbs.map(({ name }) => name)

export const remedy = (configurationName: string): string =>
  `The session configuration "${configurationName}" must offer our functions: register it with the module of this version`

const unfit = (host: string, detail: string, configurationName: string) =>
  new HostUnavailable({ host, reason: "SessionFailed", detail, remedy: remedy(configurationName) })

const nameOf = (command: PsValue): string =>
  isObject(command) ? (textOf(property(command, "Name") ?? null) ?? "") : ""

/** Of our functions those that are not among the commands of a session, which Get-Command gave. */
export const missing = (commands: ReadonlyArray<PsValue>): ReadonlyArray<string> => {
  const found = new Set(commands.map((command) => nameOf(command).toLowerCase()))
  return names.filter((name) => !found.has(name.toLowerCase()))
}

/** Fails with the names of the functions that are not there. A configuration that hides Get-Command is not asked. */
export const checkFunctions = (
  host: string,
  pool: RunspacePool,
  configurationName: string
): Effect.Effect<void, DialError> =>
  pool.invoke([{ name: "Get-Command", parameters: { Name: array(names) } }]).pipe(
    Effect.mapError((error) => fromOpenError(host, error)),
    Effect.flatMap(({ state, output }) => {
      const lacking = state === "Completed" ? missing(output) : []
      return lacking.length === 0
        ? Effect.void
        : Effect.fail(unfit(host, `it lacks ${lacking.join(", ")}`, configurationName))
    })
  )

export const checkVersion = (
  host: string,
  version: string,
  configurationName: string
): Effect.Effect<void, HostUnavailable> =>
  version === moduleVersion
    ? Effect.void
    : Effect.fail(
        unfit(host, `its module is of version ${version}, this operator's of ${moduleVersion}`, configurationName)
      )
