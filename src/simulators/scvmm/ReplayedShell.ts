/** A shell of a recording that a client of now has made, and what that client says in it. */
import * as Result from "effect/Result"
import { decodeFragments, Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage, MessageType } from "../../../layers/psrp/Message.ts"
import { readPublicKey, type RsaPublicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"
import { payloadsOf, runsOf, type Shell } from "./ReplayShells.ts"

/** Ids of the recording, in upper case, and what they are called now. PSRP calls a shell's pool and a command's pipeline by the same ids. */
export type Ids = Map<string, string>

export interface ReplayedShell {
  readonly shell: Shell
  readonly ids: Ids
  /** By the id of now: the recorded command's. */
  readonly commands: Map<string, string>
  readonly input: Defragmenter
  key: RsaPublicKey | undefined
}

export const make = (shell: Shell, ids: Ids): ReplayedShell => ({
  shell,
  ids,
  commands: new Map(),
  input: new Defragmenter(),
  key: undefined
})

/** For a person: what a command runs. */
export const told = (runs: ReadonlyArray<string>): string =>
  runs.map((name) => (name === "" ? "a script" : name)).join(" | ")

const same = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((name, index) => name.toLowerCase() === b[index]?.toLowerCase())

/** Looks at what the client says; an objection is about what it runs. */
export const listen = (
  { shell, input, ...known }: ReplayedShell,
  operation: Operation,
  commandId: string
): string | undefined => {
  for (const data of payloadsOf(operation)) {
    for (const message of Result.getOrElse(input.push(data), () => [])) {
      const runs = runsOf(message)
      const command = shell.commands.get(known.commands.get(commandId) ?? "")
      if (runs !== undefined && command !== undefined && command.runs.length > 0 && !same(runs, command.runs))
        return `line ${command.line} runs ${told(command.runs)}, and this request ${told(runs)}`
    }
  }
  return undefined
}

/** A session key that is asked for is sealed for this key. */
export const learnKey = (shell: ReplayedShell, operation: Operation): void => {
  for (const data of payloadsOf(operation)) {
    for (const { blob } of Result.getOrElse(decodeFragments(data), () => [])) {
      const message = Result.getOrUndefined(decodeMessage(blob))
      if (message?.type === MessageType.PublicKey) shell.key = Result.getOrUndefined(readPublicKey(message.data))
    }
  }
}
