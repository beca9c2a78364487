/** A client under measurement, from the outside: a child process that is asked, and answers. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as childProcess from "node:child_process"
import * as readline from "node:readline"
import * as Process from "../../harness/Process.ts"
import { type Question, Ran, type Target } from "./Wire.ts"

export interface Program {
  readonly name: string
  readonly command: readonly [binary: string, ...args: ReadonlyArray<string>]
  /** It loses what does not fit into one answer. */
  readonly smallOnly?: boolean
}

/** It ended instead of answering. */
export class ClientEnded extends Data.TaggedError("ClientEnded")<{ readonly name: string; readonly detail: string }> {
  override get message() {
    return `${this.name}: ${this.detail}`
  }
}

export interface Client {
  readonly name: string
  readonly smallOnly: boolean
  readonly hasEnded: () => boolean
  readonly ask: (question: Question) => Effect.Effect<string, ClientEnded>
}

const decode = Schema.decodeUnknownSync(Ran)

/** Asks for calls. */
export const run = (
  client: Client,
  question: Exclude<Question, { readonly op: "open" }>
): Effect.Effect<Ran, ClientEnded> => Effect.map(client.ask(question), (line) => decode(JSON.parse(line)))

/** As long as the scope. One question at a time. */
export const start = Effect.fnUntraced(function* (
  { command, name, smallOnly = false }: Program,
  target: Target
): Effect.fn.Return<Client, never, Scope.Scope> {
  const [binary, ...args] = command
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => childProcess.spawn(binary, [...args, JSON.stringify(target)], { stdio: "pipe" })),
    (child) =>
      // It closes its sessions when nobody asks any more.
      Effect.suspend(() => {
        child.stdin.end()
        return Process.ended(child)
      }).pipe(
        Effect.interruptible,
        Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Process.terminate(child) })
      )
  )
  let answered: ((line: string | undefined) => void) | undefined
  let complaints = ""
  child.stderr.on("data", (piece: Buffer) => {
    complaints = (complaints + piece.toString("utf8")).slice(-4000)
  })
  readline.createInterface({ input: child.stdout }).on("line", (line) => answered?.(line))
  child.on("close", () => answered?.(undefined))
  const ended = () => {
    const lines = complaints.trim().split("\n")
    // Of Go the first line tells, before all stacks; of others the last.
    const detail = lines.find((line) => line.startsWith("panic:")) ?? lines.at(-1)
    return new ClientEnded({ name, detail: detail || "it ended" })
  }
  return {
    name,
    smallOnly,
    hasEnded: () => Process.exited(child),
    ask: (question) =>
      Effect.callback((resume) => {
        if (Process.exited(child)) return resume(Effect.fail(ended()))
        answered = (line) => resume(line === undefined ? Effect.fail(ended()) : Effect.succeed(line))
        child.stdin.write(`${JSON.stringify(question)}\n`)
      })
  }
})
