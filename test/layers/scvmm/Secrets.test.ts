import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import type { WinRmServer } from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as Site from "./Site.ts"

const recorded = (host: WinRmServer, bodies: Array<string>): WinRmServer => ({
  ...host,
  handler: (request, connection) => {
    bodies.push(new TextDecoder().decode(request.body))
    return host.handler(request, connection)
  }
})

/** A request's text, and what the fragments in it say. */
const said = (body: string): string =>
  [
    body,
    ...[...body.matchAll(/>([A-Za-z0-9+/]{40,}=*)</g)].map(([, data = ""]) => Buffer.from(data, "base64").toString())
  ]
    // UTF-16 shows as its letters with a zero after each.
    .map((text) => text.replaceAll("\u0000", ""))
    .join("\n")

describe("the password of the VMM account", () => {
  it.effect("is in no request of a session, and yet opens VMM", () =>
    Effect.gen(function* () {
      const bodies: Array<string> = []
      const site = yield* Site.make()
      const { [Site.exec1]: first, [Site.exec2]: second } = site.hosts
      const listening = {
        ...site,
        hosts: { [Site.exec1]: recorded(first, bodies), [Site.exec2]: recorded(second, bodies) }
      }
      const list = Effect.andThen(ScvmmSession, (session) =>
        session.run(Site.connection, Verb.GetVirtualMachineList, { Ids: [] })
      )
      const answer = yield* list.pipe(Effect.provide(Site.sessions(listening)), Effect.scoped, Site.elapse())
      assert.deepStrictEqual(answer, { VirtualMachines: [], Missing: [] })
      const all = bodies.map(said).join("\n")
      assert.include(all, "Connect-CapsServer")
      assert.include(all, Site.connection.userName)
      assert.notInclude(all, Site.password)
    })
  )
})
