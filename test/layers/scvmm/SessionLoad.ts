/** Very many calls on few sessions, and what they leave: memory, sockets, shells, pipelines. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { type ProviderConnection, ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import type { WinRmServer } from "../../../src/simulators/scvmm/WinRmServer.ts"

setFlagsFromString("--expose-gc")
const collect: unknown = runInNewContext("gc")

/** Bytes in use after everything that can be collected is. */
const heap = Effect.promise(async () => {
  for (let round = 0; round < 3; round++) {
    if (typeof collect === "function") collect()
    // What waits for a turn of the event loop to let go.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
})

export interface Load {
  /** Heap after a part of the calls one after another, after all of them, and after those side by side. */
  readonly heap: { readonly begun: number; readonly sequential: number; readonly concurrent: number }
  /** The most that there ever were. */
  readonly shells: number
  readonly sockets: number
  /** Pipelines that nobody terminated: the most that there ever were. */
  readonly held: number
  /** Answered calls. */
  readonly answered: number
  readonly pipelines: number
}

export interface Loaded {
  readonly server: Pick<WinRmServer, "shells" | "pipelines">
  readonly connection: ProviderConnection
  readonly sockets: Effect.Effect<number>
}

/** `sequential` calls one after another, a tenth of them first, and then `concurrent` at once. */
export const load = Effect.fnUntraced(function* (
  { server, connection, sockets }: Loaded,
  { sequential, concurrent }: { readonly sequential: number; readonly concurrent: number }
): Effect.fn.Return<Load, unknown, ScvmmSession> {
  const session = yield* ScvmmSession
  const answered = yield* Ref.make(0)
  const most = { shells: 0, held: 0, sockets: 0 }
  const call = Effect.andThen(
    session.run(connection, Verb.GetVirtualMachineList, { Ids: [] }),
    Ref.update(answered, (count) => count + 1)
  )
  const look = Effect.gen(function* () {
    const shells = yield* server.shells
    most.shells = Math.max(most.shells, shells.length)
    most.held = Math.max(most.held, ...shells.map(({ pipelinesHeld }) => pipelinesHeld))
    most.sockets = Math.max(most.sockets, yield* sockets)
  })
  const several = (count: number) =>
    Effect.forEach(
      Array.from({ length: count / 100 }),
      () => Effect.andThen(Effect.repeat(call, { times: 99 }), look),
      { discard: true }
    )
  yield* several(sequential / 10)
  const begun = yield* heap
  yield* several((sequential * 9) / 10)
  const afterSequential = yield* heap
  yield* Effect.forEach(
    Array.from({ length: concurrent }),
    (_, index) => (index % 100 === 0 ? Effect.andThen(call, look) : call),
    { concurrency: "unbounded", discard: true }
  )
  return {
    heap: { begun, sequential: afterSequential, concurrent: yield* heap },
    ...most,
    answered: yield* Ref.get(answered),
    pipelines: yield* server.pipelines
  }
})
