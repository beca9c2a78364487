/** What a listener tells of a shell: rsp:Shell in the answers to Create, Get and Enumerate (MS-WSMV §2.2.4.38). */
import * as Result from "effect/Result"
import { readDuration, writeDuration } from "./SoapDuration.ts"
import { namespaces as ns } from "./SoapNames.ts"
import { child, element, SoapError, type SoapElement, textOf } from "./SoapXml.ts"

/** Only the id is always told. */
export interface ShellState {
  readonly shellId: string
  readonly name?: string
  readonly resourceUri?: string
  readonly owner?: string
  readonly clientIp?: string
  readonly processId?: number
  readonly idleTimeoutSeconds?: number
  readonly inputStreams: ReadonlyArray<string>
  readonly outputStreams: ReadonlyArray<string>
  /** A cmd shell tells none. */
  readonly state?: "Connected" | "Disconnected"
  /** Whole seconds since the shell was made. */
  readonly runTimeSeconds?: number
  /** Whole seconds since its last exchange. */
  readonly inactivitySeconds?: number
  /** To the MiB; told by Get and Enumerate. */
  readonly memoryUsedBytes?: number
  readonly childProcesses?: number
}

const mebibyte = 1024 * 1024

const milliseconds = (seconds: number): string => writeDuration(seconds).replace(/^PT(\d+)S$/u, "PT$1.000S")

/** As Windows writes times that have passed: "P0DT0H1M2S". */
const elapsed = (seconds: number): string => {
  const whole = Math.floor(seconds)
  const days = Math.floor(whole / 86_400)
  return `P${days}DT${Math.floor(whole / 3600) % 24}H${Math.floor(whole / 60) % 60}M${whole % 60}S`
}

/** In the order of Windows. */
export const shellElement = (shell: ShellState): SoapElement => {
  const parts: Array<SoapElement> = []
  const add = (name: string, value: string | number | undefined) => {
    if (value !== undefined) parts.push(element(ns.shell, name, {}, [String(value)]))
  }
  const runspacePool = shell.state !== undefined
  add("ShellId", shell.shellId)
  add("Name", shell.name)
  add("ResourceUri", shell.resourceUri)
  add("Owner", shell.owner)
  add("ClientIP", shell.clientIp)
  add("ProcessId", shell.processId)
  if (shell.idleTimeoutSeconds !== undefined) add("IdleTimeOut", milliseconds(shell.idleTimeoutSeconds))
  add("InputStreams", shell.inputStreams.join(" "))
  add("OutputStreams", shell.outputStreams.join(" "))
  if (runspacePool) {
    add("MaxIdleTimeOut", "PT2147483.647S")
    add("Locale", "en-US")
    add("DataLocale", "en-US")
    add("CompressionMode", "NoCompression")
    add("ProfileLoaded", "Yes")
    add("Encoding", "UTF8")
    add("BufferMode", "Block")
    add("State", shell.state)
  }
  if (shell.runTimeSeconds !== undefined) add("ShellRunTime", elapsed(shell.runTimeSeconds))
  if (shell.inactivitySeconds !== undefined) add("ShellInactivity", elapsed(shell.inactivitySeconds))
  if (shell.memoryUsedBytes !== undefined) add("MemoryUsed", `${Math.round(shell.memoryUsedBytes / mebibyte)}MB`)
  add("ChildProcesses", shell.childProcesses)
  return element(ns.shell, "Shell", {}, parts)
}

const units: Readonly<Record<string, number | undefined>> = { "": 1, B: 1, KB: 1024, MB: mebibyte, GB: 1024 * mebibyte }

const readBytes = (text: string | undefined): number | undefined => {
  const [, digits, unit] = /^(\d+)\s*([KMG]?B|)$/u.exec(text ?? "") ?? []
  const factor = unit === undefined ? undefined : units[unit]
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

const readInteger = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/u.test(text) ? Number(text) : undefined

const words = (text: string | undefined): ReadonlyArray<string> =>
  (text ?? "").split(/\s+/u).filter((word) => word !== "")

/** Reads a Shell of any namespace: OMI's is a CIM instance, with the same names and nil for what it does not know. */
export const readShell = (shell: SoapElement): Result.Result<ShellState, SoapError> => {
  const value = (name: string): string | undefined => {
    const node = child(shell, shell.namespace, name)
    const text = node === undefined ? "" : textOf(node).trim()
    return text === "" ? undefined : text
  }
  const shellId = value("ShellId")
  if (shellId === undefined) return Result.fail(new SoapError({ reason: "a shell without ShellId" }))
  const name = value("Name")
  const resourceUri = value("ResourceUri")
  const owner = value("Owner")
  const clientIp = value("ClientIP")
  const processId = readInteger(value("ProcessId"))
  const idleTimeoutSeconds = readDuration(value("IdleTimeOut") ?? "")
  const state = value("State")
  const runTimeSeconds = readDuration(value("ShellRunTime") ?? "")
  const inactivitySeconds = readDuration(value("ShellInactivity") ?? "")
  const memoryUsedBytes = readBytes(value("MemoryUsed"))
  const childProcesses = readInteger(value("ChildProcesses"))
  return Result.succeed({
    shellId,
    ...(name !== undefined && { name }),
    ...(resourceUri !== undefined && { resourceUri }),
    ...(owner !== undefined && { owner }),
    ...(clientIp !== undefined && { clientIp }),
    ...(processId !== undefined && { processId }),
    ...(idleTimeoutSeconds !== undefined && { idleTimeoutSeconds }),
    inputStreams: words(value("InputStreams")),
    outputStreams: words(value("OutputStreams")),
    ...((state === "Connected" || state === "Disconnected") && { state }),
    ...(runTimeSeconds !== undefined && { runTimeSeconds }),
    ...(inactivitySeconds !== undefined && { inactivitySeconds }),
    ...(memoryUsedBytes !== undefined && { memoryUsedBytes }),
    ...(childProcesses !== undefined && { childProcesses })
  })
}
