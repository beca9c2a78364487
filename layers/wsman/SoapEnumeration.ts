/** Lists of shells and of their commands: the answers to Enumerate and Pull (WS-Enumeration; MS-WSMV §3.1.4.13). */
import * as Result from "effect/Result"
import { namespaces as ns } from "./SoapNames.ts"
import { readShell, shellElement, type ShellState } from "./SoapShell.ts"
import { child, element, elementsOf, SoapError, type SoapElement, textOf } from "./SoapXml.ts"

/** A command as its shell's list shows it. */
export interface ListedCommand {
  readonly commandId: string
  /** Empty of a pipeline. */
  readonly commandLine: string
  readonly state: "Pending" | "Running" | "Done"
}

export interface Page {
  readonly items: ReadonlyArray<ShellState | ListedCommand>
  /** What a Pull goes on with; "" after the last page. */
  readonly context: string
  readonly end: boolean
}

const itemElement = (item: ShellState | ListedCommand): SoapElement =>
  "shellId" in item
    ? shellElement(item)
    : element(ns.shell, "Command", {}, [
        element(ns.shell, "CommandId", {}, [item.commandId]),
        element(ns.shell, "CommandLine", {}, [item.commandLine]),
        element(ns.shell, "CommandState", {}, [item.state])
      ])

const responses = { Enumerate: "EnumerateResponse", Pull: "PullResponse" } as const
/** An Enumerate that answers items at once is an extension of WS-Management, and so are the names of its parts. */
const itemsOf = { Enumerate: ns.wsman, Pull: ns.enumeration } as const

export const pageElement = (operation: "Enumerate" | "Pull", page: Page): SoapElement =>
  element(ns.enumeration, responses[operation], {}, [
    element(ns.enumeration, "EnumerationContext", {}, [page.context]),
    element(itemsOf[operation], "Items", {}, page.items.map(itemElement)),
    ...(page.end ? [element(itemsOf[operation], "EndOfSequence")] : [])
  ])

export interface ShellPage {
  readonly shells: ReadonlyArray<ShellState>
  readonly context: string
  readonly end: boolean
}

/** Reads either answer; what is no shell among the items is passed over. */
export const readShellPage = (body: SoapElement): Result.Result<ShellPage, SoapError> => {
  const enumerated = child(body, ns.enumeration, responses.Enumerate)
  const response = enumerated ?? child(body, ns.enumeration, responses.Pull)
  if (response === undefined) return Result.fail(new SoapError({ reason: "answer without EnumerateResponse" }))
  const own = enumerated === undefined ? itemsOf.Pull : itemsOf.Enumerate
  const context = child(response, ns.enumeration, "EnumerationContext")
  const shells: Array<ShellState> = []
  for (const items of elementsOf(response, own, "Items"))
    for (const item of items.children) {
      if (typeof item === "string" || item.name !== "Shell") continue
      const shell = readShell(item)
      if (Result.isFailure(shell)) return Result.fail(shell.failure)
      shells.push(shell.success)
    }
  return Result.succeed({
    shells,
    context: context === undefined ? "" : textOf(context).trim(),
    end: child(response, own, "EndOfSequence") !== undefined
  })
}
