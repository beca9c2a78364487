/** The verbs that the module answers to: what is callable, and which file of functions/ holds it. */
import * as Verb from "../../schemas/vmm/Verb.ts"

/** Every verb, in the order of Verb.ts. */
export const verbs = [
  Verb.ConnectServer,
  Verb.GetVirtualMachine,
  Verb.FindVirtualMachine,
  Verb.GetVirtualMachineList,
  Verb.NewVirtualMachine,
  Verb.StartVirtualMachine,
  Verb.StopVirtualMachine,
  Verb.RemoveVirtualMachine,
  Verb.WriteMedium,
  Verb.ImportMedium,
  Verb.MountMedium,
  Verb.RemoveLeftover
] as const

/** File of functions/ that is sent before all others. */
export const prologue = "Initialize.ps1"

/**
 * The module as one script: prologue, then one function a file, in the order of their names; without comments, since it
 * travels with every new session. Only lines that hold nothing but a comment go: the functions use no here-strings.
 */
export const moduleText = (files: ReadonlyMap<string, string>): string =>
  [...files.keys()]
    .toSorted((a, b) => Number(b === prologue) - Number(a === prologue) || (a < b ? -1 : 1))
    .map((name) => stripComments(files.get(name) ?? ""))
    .join("\n")

const stripComments = (text: string): string =>
  text
    .split(/\r?\n/u)
    .filter((line) => !/^\s*(?:#.*)?$/u.test(line))
    .join("\n")
