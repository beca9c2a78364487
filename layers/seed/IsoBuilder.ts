/** Makes seed media: NoCloud files in an ISO 9660 image, with the hash that the import is checked against. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createHash } from "node:crypto"
import * as Iso9660 from "./Iso9660.ts"
import * as NoCloud from "./NoCloud.ts"

export interface Medium {
  readonly bytes: Uint8Array
  /** Hex. */
  readonly sha256: string
}

export class IsoBuilder extends Context.Service<
  IsoBuilder,
  {
    /** Fails when a file's name does not fit a medium. */
    readonly build: (seed: NoCloud.Seed) => Effect.Effect<Medium, Iso9660.IsoNameInvalid>
  }
>()("capscvmm/layers/IsoBuilder") {
  static readonly layer = Layer.succeed(
    IsoBuilder,
    IsoBuilder.of({
      build: Effect.fn("IsoBuilder.build")(function* (seed: NoCloud.Seed) {
        const time = new Date(yield* Clock.currentTimeMillis)
        const bytes = yield* Effect.fromResult(
          Iso9660.build({ label: NoCloud.label, files: NoCloud.files(seed), time })
        )
        return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") }
      })
    })
  )
}
