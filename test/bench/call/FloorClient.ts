/** The floor: the bytes of our client's last call, posted once more by undici alone over one kept-alive connection. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import { Client } from "undici"
import { serve, target } from "./ClientProgram.ts"
import { FloorExchange } from "./Wire.ts"

const { caFile, port, transport } = target()

const open = Effect.acquireRelease(
  Effect.sync(
    () =>
      new Client(`${transport === "https" ? "https" : "http"}://127.0.0.1:${port}`, {
        keepAliveTimeout: 600_000,
        ...(transport === "https" && { connect: { ca: fs.readFileSync(caFile, "utf8") } })
      })
  ),
  (client) => Effect.promise(() => client.destroy())
).pipe(
  Effect.map((client) => {
    let exchanges: ReadonlyArray<{ readonly contentType: string; readonly body: Buffer }> = []
    const load = async () => {
      const { body } = await client.request({ method: "GET", path: "/bench/floor" })
      exchanges = Schema.decodeUnknownSync(Schema.Array(FloorExchange))(await body.json()).map((exchange) => ({
        contentType: exchange.contentType,
        body: Buffer.from(exchange.body, "base64")
      }))
    }
    const replay = async () => {
      for (const [at, { body, contentType }] of exchanges.entries()) {
        const answer = await client.request({
          method: "POST",
          path: `/bench/floor/${at}`,
          headers: { "content-type": contentType },
          body
        })
        await answer.body.arrayBuffer()
      }
      return Number.POSITIVE_INFINITY
    }
    return { begin: Effect.promise(load), call: () => Effect.promise(replay) }
  })
)

serve(open)
