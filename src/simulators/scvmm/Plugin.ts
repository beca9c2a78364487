/** What stands behind a shell of the listener: PowerShell's plugin for WinRM, or the one of cmd. */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { Command, CommandLine } from "../../../layers/wsman/SoapOperation.ts"
import type { StreamData } from "../../../layers/wsman/SoapStream.ts"
import type { Outbox } from "./Outbox.ts"

/** A plugin cannot take what was sent: it becomes a fault, and nothing was done. */
export class PluginRefusal extends Data.TaggedError("PluginRefusal")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

/** A command as an enumeration tells it. */
export interface CommandInfo {
  readonly commandId: string
  /** "" of a pipeline. */
  readonly commandLine: string
  readonly running: boolean
}

/** Command ids are in upper case. */
export interface Plugin {
  /** Output of the shell itself, where it has any. */
  readonly outbox: Outbox | undefined
  /** Output of a command that was not terminated yet. */
  readonly outboxOf: (commandId: string) => Outbox | undefined
  /** Streams whose end is marked when a command is done. */
  readonly marksEndOf: ReadonlyArray<string>
  /** A command of a new id. */
  readonly begin: (commandId: string, command: Command | CommandLine) => Effect.Effect<void, PluginRefusal>
  /** Input of the shell, or of a command that exists. */
  readonly send: (commandId: string | undefined, stream: StreamData) => Effect.Effect<void, PluginRefusal>
  /** False for a command that does not exist. */
  readonly signal: (commandId: string, code: string) => boolean
  /** Answers connectXml with connectResponseXml; absent where a shell cannot be disconnected. */
  readonly connect: ((connectXml: Uint8Array) => Effect.Effect<Uint8Array, PluginRefusal>) | undefined
  /** Outstanding and later Receives learn that the shell is gone; to be called before its scope closes. */
  readonly abandon: () => void
  /** Commands that nobody terminated yet. */
  readonly commands: () => ReadonlyArray<CommandInfo>
}
