/** The PowerShell behind the call benchmarks: Get-Text answers -Length characters of JSON as our functions write it, at once. */
import * as Effect from "effect/Effect"
import { type Command, type PowerShellHost, type Streams } from "../../../src/simulators/scvmm/PowerShellHost.ts"
import { commandNotFound } from "../../../src/simulators/scvmm/VmmError.ts"

const machine = (index: number): string =>
  JSON.stringify({
    Id: `2f3b5d1c-9a5e-4b71-8c1f-${String(index).padStart(12, "0")}`,
    Name: `worker-${index}`,
    HostName: `hv0${index % 8}.example.test`,
    Location: String.raw`C:\ClusterStorage\Volume${index % 4}\worker-${index}`,
    Description: "Größe <standard> & more",
    Status: "Running",
    Memory: 8192,
    CpuCount: 4,
    Addresses: [`10.0.${index >> 8}.${index & 255}`]
  })

const texts = new Map<number, string>()

const textOf = (length: number): string => {
  const known = texts.get(length)
  if (known !== undefined) return known
  let text = ""
  for (let index = 0; text.length < length; index++) text += machine(index)
  const made = text.slice(0, length)
  texts.set(length, made)
  return made
}

const lengthOf = (command: Command): number => {
  const value = command.parameters.find(({ name }) => name?.toLowerCase().replace(/^-/u, "") === "length")?.value
  return Number(typeof value === "string" || typeof value === "number" ? value : 0)
}

export const host: PowerShellHost = {
  open: () =>
    Effect.succeed({
      invoke: (commands: ReadonlyArray<Command>, streams: Streams) =>
        Effect.forEach(
          commands,
          (command) => {
            const name = command.name.toLowerCase()
            if (name === "get-text") return streams.output(textOf(lengthOf(command)))
            // What pypsrp adds, and what ends in the host's own display.
            return name === "out-default" ? Effect.void : Effect.fail(commandNotFound(command.name))
          },
          { discard: true }
        )
    })
}
