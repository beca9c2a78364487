/** The pipelines that a recorded conversation holds, put together without any client of ours. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage } from "../../../layers/psrp/Message.ts"
import { PipelineCollector, type PipelineResult } from "../../../layers/psrp/PipelineResult.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { readReceived, readResponse } from "../../../layers/wsman/SoapResponseReader.ts"
import type { Conversation } from "./Conversation.ts"

/** One for each Command that was accepted, in order; undefined for one that ended without saying its state. */
export const recordedPipelines = Effect.fnUntraced(function* (conversation: Conversation) {
  const pipelines: Array<{ readonly defragmenter: Defragmenter; readonly collector: PipelineCollector }> = []
  const results: Array<PipelineResult | undefined> = []
  const latest = new Map<string, number>()
  for (const { request, response } of conversation.exchanges) {
    if (response?.status !== 200 || request.shortened !== undefined) continue
    const asked = yield* readRequest(request.body).pipe(Effect.catch(() => Effect.succeed(undefined)))
    if (asked === undefined || "_tag" in asked) continue
    const { operation } = asked
    if (operation._tag === "Command") {
      latest.set(operation.commandId ?? "", results.push(undefined) - 1)
      pipelines.push({ defragmenter: new Defragmenter(), collector: new PipelineCollector() })
    }
    const index = operation._tag === "Receive" ? latest.get(operation.commandId ?? "") : undefined
    const pipeline = index === undefined ? undefined : pipelines[index]
    if (index === undefined || pipeline === undefined) continue
    const received = Result.getOrThrow(readReceived((yield* readResponse(response.body)).body))
    for (const { data } of received.streams)
      for (const bytes of Result.getOrThrow(pipeline.defragmenter.push(data))) {
        const event = Result.getOrThrow(pipeline.collector.accept(Result.getOrThrow(decodeMessage(bytes))))
        if (event._tag === "Finished") results[index] = event.result
      }
  }
  return results
})
