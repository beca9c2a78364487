/** A PSRP message (MS-PSRP §2.2.1): who it is for, what it is, whom it concerns, and its CLIXML body. */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { decodeCliXml } from "./CliXmlDecoder.ts"
import { encodeCliXml } from "./CliXmlEncoder.ts"
import type { PsValue } from "./PsValue.ts"
import type { SecureStringCipher } from "./SecureString.ts"

/** MessageType by number (MS-PSRP §2.2.1). */
export const MessageType = {
  SessionCapability: 0x0001_0002,
  InitRunspacePool: 0x0001_0004,
  PublicKey: 0x0001_0005,
  EncryptedSessionKey: 0x0001_0006,
  PublicKeyRequest: 0x0001_0007,
  ConnectRunspacePool: 0x0001_0008,
  SetMaxRunspaces: 0x0002_1002,
  SetMinRunspaces: 0x0002_1003,
  RunspaceAvailability: 0x0002_1004,
  RunspacePoolState: 0x0002_1005,
  CreatePipeline: 0x0002_1006,
  GetAvailableRunspaces: 0x0002_1007,
  UserEvent: 0x0002_1008,
  ApplicationPrivateData: 0x0002_1009,
  GetCommandMetadata: 0x0002_100a,
  RunspacePoolInitData: 0x0002_100b,
  ResetRunspaceState: 0x0002_100c,
  RunspacePoolHostCall: 0x0002_1100,
  RunspacePoolHostResponse: 0x0002_1101,
  PipelineInput: 0x0004_1002,
  EndOfPipelineInput: 0x0004_1003,
  PipelineOutput: 0x0004_1004,
  ErrorRecord: 0x0004_1005,
  PipelineState: 0x0004_1006,
  DebugRecord: 0x0004_1007,
  VerboseRecord: 0x0004_1008,
  WarningRecord: 0x0004_1009,
  ProgressRecord: 0x0004_1010,
  InformationRecord: 0x0004_1011,
  PipelineHostCall: 0x0004_1100,
  PipelineHostResponse: 0x0004_1101
} as const

const names = new Map<number, string>(Object.entries(MessageType).map(([name, type]) => [type, name]))

/** Name of a message type; unknown ones by number. */
export const messageTypeName = (type: number): string =>
  names.get(type) ?? `0x${type.toString(16).toUpperCase().padStart(8, "0")}`

/** The bytes are not a PSRP message, or its body lacks what its type demands. */
export class MessageError extends Data.TaggedError("MessageError")<{ readonly reason: string }> {
  override get message() {
    return `PSRP message: ${this.reason}`
  }
}

/** What builders make: a body of a type; the header's addresses come from who sends it. */
export interface MessageBody {
  readonly type: number
  /** null travels as an empty body, but among output and input as the value that it is. */
  readonly data: PsValue
}

export interface Message extends MessageBody {
  readonly destination: "client" | "server"
  /** GUIDs in lower case; the zero GUID where none is meant (SESSION_CAPABILITY of a server, pool messages). */
  readonly runspacePoolId: string
  readonly pipelineId: string
}

export const emptyGuid = "00000000-0000-0000-0000-000000000000"

const headerBytes = 40
const guidPattern = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/

/** Between the order of the text and that in memory, where the first three groups are little-endian. */
const reordered = (bytes: Buffer): Buffer => {
  bytes.subarray(0, 4).swap32()
  bytes.subarray(4, 8).swap16()
  return bytes
}

/** 16 bytes as they stand in a header; throws RangeError for text that is no GUID. */
export const guidToBytes = (guid: string): Uint8Array => {
  if (!guidPattern.test(guid)) throw new RangeError("not a GUID")
  return reordered(Buffer.from(guid.replaceAll("-", ""), "hex"))
}

export const guidFromBytes = (bytes: Uint8Array): string => {
  const whole = Buffer.alloc(16)
  whole.set(bytes.subarray(0, 16))
  const digits = reordered(whole).toString("hex")
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20, 32)}`
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true })

/** Header (little-endian) and UTF-8 body, without a byte order mark; the cipher seals secure strings. */
export const encodeMessage = (message: Message, cipher?: SecureStringCipher): Uint8Array<ArrayBuffer> => {
  const { type, data } = message
  const empty = data === null && type !== MessageType.PipelineInput && type !== MessageType.PipelineOutput
  const body = empty ? "" : encodeCliXml(data, cipher)
  const bytes = new Uint8Array(headerBytes + Buffer.byteLength(body))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, message.destination === "client" ? 1 : 2, true)
  view.setUint32(4, type, true)
  bytes.set(guidToBytes(message.runspacePoolId), 8)
  bytes.set(guidToBytes(message.pipelineId), 24)
  Buffer.from(bytes.buffer).write(body, headerBytes)
  return bytes
}

/** A body of an unknown type is not read (data is null): its sender may know CLIXML that we do not. */
export const decodeMessage = (bytes: Uint8Array, cipher?: SecureStringCipher): Result.Result<Message, MessageError> => {
  const fail = (reason: string) => Result.fail(new MessageError({ reason }))
  if (bytes.length < headerBytes) return fail(`${bytes.length} bytes are less than a header`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const destination = view.getUint32(0, true)
  if (destination !== 1 && destination !== 2) return fail(`destination ${destination}`)
  const type = view.getUint32(4, true)
  const header = {
    destination: destination === 1 ? ("client" as const) : ("server" as const),
    type,
    runspacePoolId: guidFromBytes(bytes.subarray(8, 24)),
    pipelineId: guidFromBytes(bytes.subarray(24, 40))
  }
  if (bytes.length === headerBytes || !names.has(type)) return Result.succeed({ ...header, data: null })
  let text: string
  try {
    text = strictUtf8.decode(bytes.subarray(headerBytes))
  } catch {
    return fail(`${messageTypeName(type)}: body is not UTF-8`)
  }
  if (text === "") return Result.succeed({ ...header, data: null })
  return Result.match(decodeCliXml(text, cipher), {
    onSuccess: (data) => Result.succeed({ ...header, data }),
    onFailure: (error) => fail(`${messageTypeName(type)}: ${error.message}`)
  })
}
