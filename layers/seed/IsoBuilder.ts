/** Makes seed media: NoCloud files in an ISO 9660 image. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Iso9660 from "./Iso9660.ts"
import * as NoCloud from "./NoCloud.ts"

export class IsoBuilder extends Context.Service<
  IsoBuilder,
  {
    /** Fails when a file's name does not fit a medium. */
    readonly build: (seed: NoCloud.Seed) => Effect.Effect<Uint8Array, Iso9660.IsoNameInvalid>
  }
>()("capscvmm/layers/IsoBuilder") {
  static readonly layer = Layer.succeed(
    IsoBuilder,
    IsoBuilder.of({
      build: Effect.fn("IsoBuilder.build")(function* (seed: NoCloud.Seed) {
        const time = new Date(yield* Clock.currentTimeMillis)
        return yield* Effect.fromResult(Iso9660.build({ label: NoCloud.label, files: NoCloud.files(seed), time }))
      })
    })
  )
}
