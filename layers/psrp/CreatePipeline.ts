/** CREATE_PIPELINE (MS-PSRP §2.2.2.10): the commands that a pipeline runs, with their parameters. */
import * as Result from "effect/Result"
import { type MessageBody, MessageError, MessageType } from "./Message.ts"
import { bag, booleanOf, enumeration, itemsOf, property, textOf } from "./PsObject.ts"
import type { PsList, PsObject, PsValue } from "./PsValue.ts"
import { noHost, unknownApartment } from "./RunspacePoolMessage.ts"

export interface PipelineParameter {
  /** Positional ones have none. */
  readonly name?: string
  readonly value: PsValue
}

export interface PipelineCommand {
  /** A command's name, or a script's text. */
  readonly name: string
  readonly isScript: boolean
  readonly parameters: ReadonlyArray<PipelineParameter>
}

export interface CreatePipeline {
  /** Statements one after the other; each pipes its commands. Never empty. */
  readonly statements: ReadonlyArray<ReadonlyArray<PipelineCommand>>
  /** Whether no PIPELINE_INPUT will follow. */
  readonly noInput: boolean
}

const commandListTypes = ["System.Collections.Generic.List`1[[System.Management.Automation.PSObject]]", "System.Object"]

const listOf = (items: ReadonlyArray<PsValue>): PsList => ({
  _tag: "List",
  kind: "List",
  typeNames: commandListTypes,
  items: [...items]
})

const noMerge = (): PsObject => enumeration("System.Management.Automation.Runspaces.PipelineResultTypes", "None", 0)

const commandToPs = (command: PipelineCommand): PsObject =>
  bag({
    Cmd: command.name,
    IsScript: command.isScript,
    UseLocalScope: command.isScript ? false : null,
    MergeMyResult: noMerge(),
    MergeToResult: noMerge(),
    MergePreviousResults: noMerge(),
    MergeError: noMerge(),
    MergeWarning: noMerge(),
    MergeVerbose: noMerge(),
    MergeDebug: noMerge(),
    MergeInformation: noMerge(),
    Args: listOf(command.parameters.map(({ name, value }) => bag({ N: name ?? null, V: value })))
  })

/** RemoteStreamOptions 0 leaves invocation info out of records, some 3 KB each; the host is absent; no history. */
export const createPipeline = (pipeline: CreatePipeline): MessageBody => {
  const statements = pipeline.statements.map((commands) => listOf(commands.map(commandToPs)))
  const first = statements[0] ?? listOf([])
  return {
    type: MessageType.CreatePipeline,
    data: bag({
      NoInput: pipeline.noInput,
      ApartmentState: unknownApartment(),
      RemoteStreamOptions: enumeration("System.Management.Automation.RemoteStreamOptions", "0", 0),
      AddToHistory: false,
      HostInfo: noHost(),
      PowerShell: bag({
        IsNested: false,
        ...(statements.length > 1 ? { ExtraCmds: listOf(statements.map((commands) => bag({ Cmds: commands }))) } : {}),
        Cmds: first,
        History: null,
        RedirectShellErrorOutputPipe: true
      }),
      IsNested: false
    })
  }
}

const commandFromPs = (value: PsValue): PipelineCommand | undefined => {
  const name = textOf(property(value, "Cmd"))
  if (name === undefined) return undefined
  return {
    name,
    isScript: booleanOf(property(value, "IsScript")) ?? false,
    parameters: itemsOf(property(value, "Args")).map((argument) => {
      const parameter = textOf(property(argument, "N"))
      return { ...(parameter === undefined ? {} : { name: parameter }), value: property(argument, "V") ?? null }
    })
  }
}

/** Reads what any client sends; ExtraCmds repeats the first statement where there are several. */
export const readCreatePipeline = (data: PsValue): Result.Result<CreatePipeline, MessageError> => {
  const powerShell = property(data, "PowerShell")
  const extra = itemsOf(property(powerShell, "ExtraCmds"))
  const lists =
    extra.length > 0 ? extra.map((statement) => property(statement, "Cmds")) : [property(powerShell, "Cmds")]
  const statements: Array<ReadonlyArray<PipelineCommand>> = []
  for (const list of lists) {
    const commands: Array<PipelineCommand> = []
    for (const item of itemsOf(list)) {
      const command = commandFromPs(item)
      if (command === undefined)
        return Result.fail(new MessageError({ reason: "CreatePipeline with a nameless command" }))
      commands.push(command)
    }
    if (commands.length > 0) statements.push(commands)
  }
  if (statements.length === 0) return Result.fail(new MessageError({ reason: "CreatePipeline without commands" }))
  return Result.succeed({ statements, noInput: booleanOf(property(data, "NoInput")) ?? false })
}
