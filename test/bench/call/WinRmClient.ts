/** winrm-client of npm: a cmd shell for each caller, in which PowerShell is started for each call. */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as https from "node:https"
import { Command, Shell } from "winrm-client"
import { serve, target } from "./ClientProgram.ts"

const { caFile, localName, password, port, transport } = target()

// It has no parameter for it, and uses the global agent, which keeps its connections.
https.globalAgent.options.ca = fs.readFileSync(caFile, "utf8")

const session = {
  host: "127.0.0.1",
  port,
  path: "/wsman",
  username: localName,
  password,
  // Its NTLM seals nothing, and makes a connection for each message.
  authMethod: "basic" as const,
  useHttps: transport === "https"
}

const open = Effect.acquireRelease(
  Effect.promise(() => Shell.doCreateShell(session)),
  (shellId) => Effect.promise(() => Shell.doDeleteShell({ ...session, shellId }))
).pipe(
  Effect.map((shellId) => ({
    call: (length: number) =>
      Effect.promise(async () => {
        const command = `powershell.exe -NonInteractive -Command Get-Text -Length ${length}`
        const commandId = await Command.doExecuteCommand({ ...session, shellId, command })
        return (await Command.doReceiveOutput({ ...session, shellId, commandId })).length
      })
  }))
)

serve(open)
