/** The verbs that the module answers to: what is callable, and which file of functions/ holds it. */
import * as Verb from "../../schemas/vmm/Verb.ts"

/** Every verb, in the order of Verb.ts. */
export const verbs = [
  Verb.ConnectServer,
  Verb.GetVirtualMachine,
  Verb.FindVirtualMachine,
  Verb.GetVirtualMachineList,
  Verb.NewVirtualMachine,
  Verb.ExpandVirtualDisk,
  Verb.StartVirtualMachine,
  Verb.StopVirtualMachine,
  Verb.RemoveVirtualMachine,
  Verb.ImportMedium,
  Verb.MountMedium,
  Verb.RemoveLeftover
] as const

/** What Connect-CapsServer answers as ModuleVersion. */
export const moduleVersion = "1.0.0"

/**
 * The module as one script: one function a file, in the order of their names; without comments, since it travels with every
 * new session. Only lines that hold nothing but a comment go: the functions use no here-strings.
 *
 * It sets nothing in the session itself: strict mode and preferences are each verb's own, or VMM's module would inherit them.
 */
export const moduleText = (files: ReadonlyMap<string, string>): string =>
  [...files]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => stripComments(text))
    .join("\n")

const stripComments = (text: string): string =>
  text
    .split(/\r?\n/u)
    .filter((line) => !/^\s*(?:#.*)?$/u.test(line))
    .join("\n")
