/** Writes what is exchanged with WinRM listeners into a file, without its secrets, for support cases. */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import { Line } from "../../schemas/WireRecord.ts"
import { ErrorId } from "../../schemas/vmm/Verb.ts"
import type { Policy } from "../psrp/RedactedMessage.ts"
import { scrubber } from "../psrp/RedactedText.ts"
import * as Redaction from "../psrp/Redaction.ts"
import { type Listener, type TappedClient, WireTap } from "../wsman/WireTap.ts"
import { verbs } from "./Catalogue.ts"
import * as Module from "./Module.ts"
import { extraFunctionInvalid } from "./SessionSetup.ts"

/** The file cannot be made, or exists already. */
export class RecordingRefused extends Data.TaggedError("RecordingRefused")<{ readonly message: string }> {}

/** A day of a hundred machines at rest takes a tenth of it. */
const mostBytes = 256 * 1024 * 1024

const encode = Schema.encodeSync(Schema.fromJsonString(Line))

const iso = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis).toISOString())

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Made with this call, for its owner alone: a recording is never written over another file. */
const create = (file: string) =>
  Effect.try({
    try: () => fs.openSync(file, "wx", 0o600),
    catch: (cause) =>
      new RecordingRefused({
        message:
          cause instanceof Error && "code" in cause && cause.code === "EEXIST"
            ? `${file} exists already: name a new file, or move that one away`
            : `${file} cannot be written: ${reasonOf(cause)}`
      })
  })

interface Writer {
  /** What goes wrong concerns the recording alone: it is told once. */
  readonly write: (line: Line) => Effect.Effect<void>
  readonly close: Effect.Effect<void>
}

/** Lines go out as they come, so that a process that is killed leaves them; after a failure or at the limit nothing does. */
const writerOf = (file: string, descriptor: number, limit: number): Writer => {
  let bytes = 0
  let ended = false
  const bytesOf = (line: Line): Uint8Array => Buffer.from(`${encode(line)}\n`)
  const append = (data: Uint8Array): void => {
    for (let at = 0; at < data.length;) at += fs.writeSync(descriptor, data, at)
    bytes += data.length
  }
  const end = Effect.fnUntraced(function* (why: string) {
    ended = true
    yield* Effect.logWarning(`the wire recording ended: ${why}`).pipe(Effect.annotateLogs({ file }))
  })
  const atLimit = Effect.flatMap(iso, (at) => {
    const closed = `a recording holds no more than ${limit} bytes`
    append(bytesOf({ at, closed }))
    return end(closed)
  })
  const write = (line: Line): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (ended) return Effect.void
      const data = bytesOf(line)
      return bytes + data.length > limit ? atLimit : Effect.sync(() => append(data))
    }).pipe(Effect.catchDefect((defect) => end(reasonOf(defect))))
  return {
    write,
    close: Effect.flatMap(iso, (at) => write({ at, closed: "the process ended" })).pipe(
      Effect.andThen(
        Effect.sync(() => {
          // A client that outlives the recording must not write into whatever has this number next.
          ended = true
          fs.closeSync(descriptor)
        })
      ),
      // What a full disk lost was told when it was written.
      Effect.catchDefect(() => Effect.void)
    )
  }
}

const policyOf = (moduleText: string): Omit<Policy, "scrub"> => {
  // Of Get-Command we ask for our own functions alone.
  const functions = new Set(["get-command", ...verbs.map(({ name }) => name.toLowerCase())])
  const errorIds = new Set<string>([...Object.values(ErrorId), extraFunctionInvalid])
  return {
    isOurs: (command, isScript) => (isScript ? command === moduleText : functions.has(command.toLowerCase())),
    isOurErrorId: (id) => errorIds.has(id.split(",")[0] ?? "")
  }
}

/**
 * Records what every client made under this layer exchanges. Fails, before anything is exchanged, when the file exists or cannot
 * be made. The file ends with the layer.
 */
export const layer = (file: string, limit = mostBytes): Layer.Layer<never, RecordingRefused> =>
  Layer.effect(
    WireTap,
    Effect.gen(function* () {
      const policy = policyOf(yield* Effect.orDie(Module.text))
      const writer = yield* Effect.acquireRelease(
        Effect.map(create(file), (descriptor) => writerOf(file, descriptor, limit)),
        ({ close }) => close
      )
      yield* writer.write({ recording: "capscvmm wire", version: 1, at: yield* iso })
      let clients = 0
      const listen = Effect.fnUntraced(function* ({
        origin,
        credentials,
        scrub = scrubber([credentials.password])
      }: TappedClient): Effect.fn.Return<Listener, never, Scope.Scope> {
        const redaction = Redaction.make({ host: origin, client: ++clients }, { ...policy, scrub })
        yield* Effect.addFinalizer(() => Effect.forEach(redaction.end(), writer.write, { discard: true }))
        return (tapped) =>
          redaction.take(tapped).pipe(
            Effect.flatMap(Effect.forEach((line) => writer.write(line), { discard: true })),
            // A recording that cannot tell of an exchange must not be what breaks it.
            Effect.catchDefect((defect) =>
              Effect.logWarning("an exchange is not in the wire recording", reasonOf(defect))
            )
          )
      })
      return listen
    })
  )
