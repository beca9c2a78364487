/** What a call in turmoil does, drawn by chance, and the host that does it. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import type { Entropy } from "../../../src/simulators/scvmm/Entropy.ts"
import type { Command, PowerShellHost, Streams } from "../../../src/simulators/scvmm/PowerShellHost.ts"
import { chosen, whole } from "./TurmoilChance.ts"

/** What one call does: bytes out, values in, a secret, seconds of silence, progress records. */
export interface Task {
  readonly id: string
  readonly length: number
  readonly input: ReadonlyArray<string>
  readonly secret: string | undefined
  readonly seconds: number
  readonly progress: number
  /** Given up after so many steps of the scheduler, or seconds. */
  readonly givenUp: { readonly steps?: number; readonly seconds?: number } | undefined
}

export const taskOf = (entropy: Entropy, id: string): Task => ({
  id,
  length: chosen(entropy, [0, 10, 10, 3000, 3000, 100_000, 300_000]),
  // The last of them is more than an envelope takes.
  input: chosen(entropy, [[], [], [], [7], [3, 0, 20_000, 5], [10, 550_000]]).map((length, at) =>
    textOf(`${id} ${at}`, length)
  ),
  secret: entropy.fraction() < 0.3 ? `secret ${id}` : undefined,
  seconds: chosen(entropy, [0, 0, 0, 1, 15, 45, 130]),
  progress: chosen(entropy, [0, 0, 3, 300]),
  givenUp:
    entropy.fraction() < 0.7
      ? undefined
      : entropy.fraction() < 0.6
        ? { steps: whole(entropy, 0, 400) }
        : { seconds: whole(entropy, 0, 50) }
})

/** Differs at every place, so that what is missing, twice or in another order shows. */
const textOf = (id: string, length: number): string => {
  const numbers: Array<string> = []
  for (let at = 0, size = 0; size < length; at++) {
    const number = `${id} ${at};`
    numbers.push(number)
    size += number.length
  }
  return numbers.join("").slice(0, length)
}

export const answerOf = (task: Task): ReadonlyArray<PsValue> => [
  textOf(task.id, task.length),
  `${task.id}: ${task.secret ?? "no secret"}`,
  ...task.input
]

/** Runs tasks, and notes those that it began. */
export const hostOf = (tasks: ReadonlyMap<string, Task>, began: Array<string>): PowerShellHost => {
  const run = Effect.fnUntraced(function* (command: Command, streams: Streams) {
    const values = new Map(command.parameters.map(({ name = "", value }) => [name.replace(/^-/u, ""), value]))
    const id = values.get("Id")
    const task = typeof id === "string" ? tasks.get(id) : undefined
    if (task === undefined) return
    began.push(task.id)
    const secret = values.get("Secret")
    const told =
      typeof secret === "object" && secret !== null && "_tag" in secret && secret._tag === "SecureString"
        ? Redacted.value(secret.plain)
        : "no secret"
    for (let at = 0; at < task.progress; at++) yield* streams.progress("Create", `${at}`, at % 100)
    yield* streams.output(textOf(task.id, task.length))
    yield* Effect.sleep(task.seconds * 1000)
    yield* streams.output(`${task.id}: ${told}`)
    yield* Stream.runForEach(streams.input, streams.output)
  })
  return {
    open: () =>
      Effect.succeed({
        invoke: (commands, streams) => Effect.forEach(commands, (command) => run(command, streams), { discard: true })
      })
  }
}
