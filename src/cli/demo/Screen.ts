/** Where the demo shows itself: a picture that is redrawn in place on a terminal, lines that stay everywhere else. */
import * as Effect from "effect/Effect"
import type * as PlatformError from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import type { State } from "./View.ts"
import * as View from "./View.ts"

export interface Screen {
  readonly show: (state: State) => Effect.Effect<void, PlatformError.PlatformError>
  /** Lines that stay, below what was shown. */
  readonly print: (lines: ReadonlyArray<string>) => Effect.Effect<void, PlatformError.PlatformError>
}

const escape = "\u001B["
const hideCursor = `${escape}?25l`
const showCursor = `${escape}?25h`
const eraseBelow = `${escape}J`
const up = (lines: number): string => (lines === 0 ? "" : `${escape}${lines}A`)

const text = (lines: ReadonlyArray<string>): string => lines.map((line) => `${line}\n`).join("")

const lineByLine = (terminal: Terminal.Terminal): Screen => {
  let before: State | undefined
  const print: Screen["print"] = (lines) => (lines.length === 0 ? Effect.void : terminal.display(text(lines)))
  return {
    print,
    show: (state) =>
      Effect.suspend(() => {
        const lines = View.changes(before, state)
        before = state
        return print(lines)
      })
  }
}

const inPlace = (terminal: Terminal.Terminal): Screen => {
  let drawn = 0
  return {
    show: (state) =>
      Effect.gen(function* () {
        const size = { columns: (yield* terminal.columns) || 80, rows: (yield* terminal.rows) || 24 }
        const lines = View.picture(state, size)
        const from = up(drawn)
        drawn = lines.length
        yield* terminal.display(`\r${from}${eraseBelow}${text(lines)}`)
      }),
    print: (lines) =>
      Effect.suspend(() => {
        drawn = 0
        return terminal.display(`\r${eraseBelow}${text(["", ...lines])}`)
      })
  }
}

/** In place when the output is a terminal; its cursor is back when the scope closes. */
export const make: Effect.Effect<Screen, PlatformError.PlatformError, Terminal.Terminal | Stdio.Stdio | Scope.Scope> =
  Effect.gen(function* () {
    const terminal = yield* Terminal.Terminal
    const stdio = yield* Stdio.Stdio
    if (!(yield* stdio.stdoutIsTerminal)) return lineByLine(terminal)
    yield* Effect.acquireRelease(terminal.display(hideCursor), () => Effect.ignore(terminal.display(showCursor)))
    return inPlace(terminal)
  })
