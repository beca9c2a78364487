/** Lists that are handed out page by page: what Enumerate began and Pull goes on with (WS-Enumeration). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { FaultToWrite } from "../../../layers/wsman/Fault.ts"
import type { ListedCommand, Page } from "../../../layers/wsman/SoapEnumeration.ts"
import type { Enumerate, Pull } from "../../../layers/wsman/SoapOperation.ts"
import type { ShellState } from "../../../layers/wsman/SoapShell.ts"
import * as Guid from "../../../schemas/Guid.ts"
import * as Faults from "./WinRmFaults.ts"

type Item = ShellState | ListedCommand

export interface Enumerations {
  /** The first page of these, which is empty unless the client wants items at once. */
  readonly begin: (operation: Enumerate, items: ReadonlyArray<Item>) => Effect.Effect<Page>
  readonly next: (operation: Pull) => Effect.Effect<Page | FaultToWrite>
}

/** EnumerationTimeoutms of Windows: what nobody pulled for so long is forgotten. */
const lifetimeMillis = 240_000

export const make = (): Enumerations => {
  const open = new Map<string, { readonly items: ReadonlyArray<Item>; readonly expires: number }>()

  const page = Effect.fnUntraced(function* (items: ReadonlyArray<Item>, count: number): Effect.fn.Return<Page> {
    const now = yield* Clock.currentTimeMillis
    for (const [context, { expires }] of open) if (expires <= now) open.delete(context)
    const left = items.slice(count)
    if (left.length === 0 && count > 0) return { items, context: "", end: true }
    const context = `uuid:${(yield* Guid.random).toUpperCase()}`
    open.set(context, { items: left, expires: now + lifetimeMillis })
    return { items: items.slice(0, count), context, end: false }
  })

  return {
    // DSP0226: one item where the client does not say how many.
    begin: ({ optimize, maxElements = 1 }, items) => page(items, optimize ? maxElements : 0),
    next: Effect.fnUntraced(function* ({ context, maxElements = 1 }) {
      const found = open.get(context)
      open.delete(context)
      return found === undefined || found.expires <= (yield* Clock.currentTimeMillis)
        ? Faults.enumerationInvalid
        : yield* page(found.items, maxElements)
    })
  }
}
