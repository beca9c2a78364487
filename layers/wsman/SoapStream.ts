/** Streams of a shell as Send and ReceiveResponse carry them (MS-WSMV §2.2.4.37). */
import * as Result from "effect/Result"
import { decodeBase64, encodeBase64 } from "./SoapBase64.ts"
import { namespaces as ns } from "./SoapNames.ts"
import { element, elementsOf, SoapError, type SoapElement, textOf } from "./SoapXml.ts"

export interface StreamData {
  readonly name: string
  readonly commandId?: string
  readonly data: Uint8Array
  readonly end?: boolean
}

export const streamElement = ({ name, commandId, data, end }: StreamData): SoapElement =>
  element(
    ns.shell,
    "Stream",
    {
      Name: name,
      ...(commandId !== undefined && { CommandId: commandId }),
      ...(end === true && { End: "true" })
    },
    data.length === 0 ? [] : [encodeBase64(data)]
  )

/** Bytes of base64 text; white space in it is allowed, though nobody writes any. */
export const bytesOf = (node: SoapElement): Result.Result<Uint8Array, SoapError> => {
  const text = textOf(node)
  const bytes = decodeBase64(text) ?? decodeBase64(text.replace(/\s+/gu, ""))
  return bytes === undefined
    ? Result.fail(new SoapError({ reason: `${node.name} is not base64` }))
    : Result.succeed(bytes)
}

export const readStreams = (parent: SoapElement): Result.Result<ReadonlyArray<StreamData>, SoapError> => {
  const streams: Array<StreamData> = []
  for (const node of elementsOf(parent, ns.shell, "Stream")) {
    const data = bytesOf(node)
    if (Result.isFailure(data)) return Result.fail(data.failure)
    const { Name: name, CommandId: commandId, End: end } = node.attributes
    streams.push({
      name: name ?? "",
      ...(commandId !== undefined && { commandId }),
      data: data.success,
      ...(end?.toLowerCase() === "true" && { end: true })
    })
  }
  return Result.succeed(streams)
}
