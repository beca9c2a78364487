/** What a session is given before it is lent: our functions, the provider's own, the connection to the VMM server. */
import * as Effect from "effect/Effect"
import { Credential } from "../../schemas/vmm/Credential.ts"
import { ConnectServer, type Server } from "../../schemas/vmm/Verb.ts"
import type { ErrorRecord } from "../psrp/ErrorRecord.ts"
import { textOf } from "../psrp/PsObject.ts"
import type { Invocation } from "../psrp/RunspacePool.ts"
import { AnswerInvalid, AuthenticationFailed, HostUnavailable, VmmFailure } from "./ScvmmError.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"
import * as SessionCall from "./SessionCall.ts"
import * as SessionSetup from "./SessionSetup.ts"
import * as SiteModule from "./SiteModule.ts"
import { type DialError, fromOpenError } from "./Unavailability.ts"

/** PowerShell knows no command of that name, its session configuration hides it, or it is another than ours. */
const isForeign = (error: object): boolean =>
  error instanceof AnswerInvalid ||
  (error instanceof VmmFailure && /^CommandNotFoundException(?:,|$)/u.test(error.errorId))

const connectServer = (connection: ProviderConnection, station: SessionCall.Station) =>
  SessionCall.run(station, ConnectServer, {
    VMMServer: connection.scvmmHost,
    Credential: new Credential({ userName: connection.userName, password: connection.password })
  }).pipe(
    Effect.flatMap(([server]) =>
      server === undefined ? Effect.fail({ message: "no answer" }) : Effect.succeed(server)
    ),
    Effect.mapError((error): DialError => {
      if (error instanceof AuthenticationFailed || error instanceof HostUnavailable) return error
      return new HostUnavailable({
        host: station.execHost,
        detail: error.message,
        ...(isForeign(error)
          ? {
              reason: "SessionFailed",
              remedy: SiteModule.remedy(connection.configurationName)
            }
          : {
              reason: "ConnectServerFailed",
              remedy: `Check spec.scvmmHost "${connection.scvmmHost}", the account's user role in VMM and the VMM console on this host`
            })
      })
    })
  )

/** Runs a script of the session's beginning; `refused` says what its failure means. */
const send = (
  station: SessionCall.Station,
  invocation: Invocation,
  refused: (record: ErrorRecord | undefined, text: string) => Pick<HostUnavailable, "reason" | "detail" | "remedy">
) =>
  station.pool.invoke([invocation]).pipe(
    Effect.mapError((error) => fromOpenError(station.execHost, error)),
    Effect.flatMap((result) => {
      const record = result.terminatingError ?? result.errors[0]
      return result.state === "Completed" && record === undefined
        ? Effect.void
        : Effect.fail(
            new HostUnavailable({ host: station.execHost, ...refused(record, record?.message ?? result.state) })
          )
    })
  )

const sendModule = (station: SessionCall.Station, moduleText: string) =>
  send(station, { name: moduleText, isScript: true, parameters: {} }, (_, text) => ({
    reason: "SessionFailed",
    detail: `the functions were refused: ${text}`,
    remedy: "The session configuration must allow full language, or hold the module itself"
  }))

/** The provider's own functions and variables: after ours, before anything is called. */
const sendExtras = (station: SessionCall.Station, connection: ProviderConnection) => {
  const invocation = SessionSetup.invocationOf(connection)
  if (invocation === undefined) return Effect.void
  return send(station, invocation, (record, text) =>
    record?.fullyQualifiedErrorId.split(",")[0] === SessionSetup.extraFunctionInvalid
      ? {
          reason: "ExtraFunctionInvalid",
          detail: `spec.extraFunctions.${textOf(record.targetObject) ?? ""} is not taken: ${text}`,
          remedy: "Correct the function"
        }
      : {
          reason: "SessionFailed",
          detail: `spec.extraFunctions and spec.env were refused: ${text}`,
          remedy: "The session configuration must allow full language"
        }
  )
}

/** Answers what the VMM server said. */
export const start = Effect.fn("SessionStart.start")(function* (
  connection: ProviderConnection,
  station: SessionCall.Station,
  moduleText: string
): Effect.fn.Return<Server, DialError> {
  const { execHost, pool } = station
  const { configurationName } = connection
  if (configurationName === SiteModule.defaultConfiguration) {
    yield* sendModule(station, moduleText)
    yield* sendExtras(station, connection)
  } else yield* SiteModule.checkFunctions(execHost, pool, configurationName)
  const server = yield* connectServer(connection, station)
  yield* SiteModule.checkVersion(execHost, server.ModuleVersion, configurationName)
  return server
})
