/** PowerShell's own client, recorded: our simulated server runs what it asked for, with the parameters and the input that it gave. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { emptyGuid, MessageType } from "../../../layers/psrp/Message.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import type { Command, PowerShellHost } from "../../../src/simulators/scvmm/PowerShellHost.ts"
import * as PsrpServer from "../../../src/simulators/scvmm/PsrpServer.ts"
import { settle } from "../../harness/VirtualTime.ts"
import { packetBytes, readRecording, recordingNames, type Recording } from "./Recording.ts"
import { messagesOf, pipelinesOf } from "./Replay.ts"

/** The recorded packets, given to the server as they were sent. */
const understood = Effect.fnUntraced(function* (recording: Recording) {
  const commands: Array<ReadonlyArray<Command>> = []
  const input: Array<PsValue> = []
  const host: PowerShellHost = {
    open: () =>
      Effect.succeed({
        invoke: (statement, streams) =>
          Effect.andThen(
            Effect.sync(() => commands.push(statement)),
            Stream.runForEach(streams.input, (value) => Effect.sync(() => input.push(value)))
          )
      })
  }
  const sent = recording.packets.flatMap(({ to, psguid, data }) =>
    to === "server" && data !== undefined ? [{ psguid, data: packetBytes(data) }] : []
  )
  const server = yield* PsrpServer.make(
    {
      host,
      userName: "tester",
      shellId: "11111111-2222-4333-8444-555555555555",
      versionTable: {},
      scope: yield* Effect.scope,
      delivery: "Gathered",
      fragmentBytes: 32_768
    },
    sent[0]?.data ?? new Uint8Array(0)
  )
  const begun = new Set<string>()
  // The key exchange comes last: what is sealed by a key that was not kept stays sealed, as the server then takes it.
  const rest = sent
    .slice(1)
    .toSorted((one, other) => Number(one.psguid === emptyGuid) - Number(other.psguid === emptyGuid))
  for (const { psguid, data } of rest) {
    if (psguid === emptyGuid) yield* server.send(undefined, { name: "stdin", data })
    else if (begun.has(psguid)) yield* server.send(psguid, { name: "stdin", commandId: psguid, data })
    else yield* server.begin(psguid, { _tag: "Command", commandId: psguid, arguments: data })
    begun.add(psguid)
    yield* settle
  }
  return { commands, input }
})

describe("our simulated server understands PowerShell's client", () => {
  it.effect.each(recordingNames)("%s", (name) =>
    Effect.gen(function* () {
      const recording = readRecording(name)
      const { commands, input } = yield* Effect.scoped(understood(recording))
      assert.deepStrictEqual(
        commands,
        pipelinesOf(recording).flatMap(({ created }) => created.statements)
      )
      assert.deepStrictEqual(
        input,
        messagesOf(recording, "server")
          .filter(({ type }) => type === MessageType.PipelineInput)
          .map(({ data }) => data)
      )
    })
  )
})
