/** The shells of a listener: Enumerate, and Pull until there are no more (MS-WSMV §3.1.4.13). */
import * as Effect from "effect/Effect"
import type { Lane } from "./Lane.ts"
import { readShellPage } from "./SoapEnumeration.ts"
import { shellResource } from "./SoapNames.ts"
import type { Operation } from "./SoapOperation.ts"
import type { ShellState } from "./SoapShell.ts"
import { type Call, read } from "./WsmanCall.ts"
import { Protocol, type WsmanError } from "./WsmanError.ts"

/** More pages than a listener may have shells: what goes on after them does not end. */
const maxPages = 100
const maxElements = 32_000

export const listShells = Effect.fn("Wsman.shells")(function* (
  call: Call,
  lane: Lane
): Effect.fn.Return<ReadonlyArray<ShellState>, WsmanError> {
  const page = (operation: Operation) =>
    Effect.flatMap(call(lane, operation, { resourceUri: shellResource, selectors: {} }), (body) =>
      read(readShellPage(body))
    )
  const found: Array<ShellState> = []
  let next = yield* page({ _tag: "Enumerate", optimize: true, maxElements, filter: {} })
  for (let pages = 1; ; pages++) {
    found.push(...next.shells)
    if (next.end || next.context === "") return found
    if (pages === maxPages) return yield* new Protocol({ detail: "the list of shells does not end", sent: true })
    next = yield* page({ _tag: "Pull", context: next.context, maxElements })
  }
})
