import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as https from "node:https"
import * as path from "node:path"
import { defaultInventory } from "../../../src/simulators/scvmm/DefaultInventory.ts"
import * as Program from "./Program.ts"
import { temporary } from "../../harness/Folder.ts"

const post = (endpoint: string, ca: string, headers: Readonly<Record<string, string>>, sent = "no envelope") =>
  Effect.callback<https.RequestOptions & { readonly status: number; readonly body: string }, Error>((resume) => {
    const request = https.request(endpoint, { method: "POST", ca, headers, agent: false }, (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (text: string) => (body += text))
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, body })))
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    request.end(sent)
  })

const basic = (userName: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${userName}:${password}`).toString("base64")}`
})

describe("simulate", () => {
  it.live("answers WinRM with the certificate and the account that it prints, until it is interrupted", () =>
    Effect.gen(function* () {
      const program = yield* Program.start("simulate", "--port", "0")
      const [, endpoint = ""] = yield* program.line(/^endpoint +(https:\/\/127\.0\.0\.1:\d+\/wsman)$/mu)
      const [, file = ""] = yield* program.line(/^CA +(.+)$/mu)
      const [, userName = ""] = yield* program.line(/^user +(.+)$/mu)
      const [, password = ""] = yield* program.line(/^password +(.+)$/mu)
      const ca = fs.readFileSync(file, "utf8")
      assert.strictEqual((yield* post(endpoint, ca, {})).status, 401)
      assert.strictEqual((yield* post(endpoint, ca, basic(userName, `${password}!`))).status, 401)
      const known = yield* post(endpoint, ca, basic(userName, password))
      assert.strictEqual(known.status, 500)
      assert.match(known.body, /Fault/u)
      yield* program.signal("SIGINT")
      assert.strictEqual((yield* program.ended).code, 0)
      assert.isFalse(fs.existsSync(file))
    }).pipe(Effect.scoped)
  )

  it.live("takes an inventory, and says when its port is taken", () =>
    Effect.gen(function* () {
      const folder = yield* temporary("simulate")
      const inventory = path.join(folder, "inventory.json")
      const accounts = [{ userName: "OTHER\\operator", password: "another-simulated-password" }]
      fs.writeFileSync(inventory, JSON.stringify({ ...defaultInventory, accounts }))
      const program = yield* Program.start("simulate", "--port", "0", "--inventory", inventory)
      const [, port = ""] = yield* program.line(/^endpoint +https:\/\/127\.0\.0\.1:(\d+)\/wsman$/mu)
      yield* program.line(/^user +OTHER\\operator$/mu)
      const second = yield* Program.run("simulate", "--port", port)
      assert.match(second.stderr, new RegExp(`error: --port: cannot listen on 127.0.0.1:${port}: EADDRINUSE`, "u"))
      assert.strictEqual(second.code, 1)
    }).pipe(Effect.scoped)
  )

  it.live("does to exchanges what the rules of a file say, and says what is wrong with them", () =>
    Effect.gen(function* () {
      const folder = yield* temporary("simulate")
      const disturb = path.join(folder, "rules.json")
      const rule = {
        on: ["LogOn"],
        nth: 2,
        times: 1,
        disturbance: { _tag: "Answer", status: 503, contentType: "", body: "", carriedOut: false }
      }
      fs.writeFileSync(disturb, JSON.stringify([rule]))
      const program = yield* Program.start("simulate", "--port", "0", "--disturb", disturb)
      const [, endpoint = ""] = yield* program.line(/^endpoint +(.+)$/mu)
      const [, file = ""] = yield* program.line(/^CA +(.+)$/mu)
      const ca = fs.readFileSync(file, "utf8")
      const statuses: Array<number> = []
      for (let at = 0; at < 3; at++) statuses.push((yield* post(endpoint, ca, {}, "")).status)
      assert.deepStrictEqual(statuses, [401, 503, 401])
      fs.writeFileSync(disturb, JSON.stringify([rule, { ...rule, nth: 0, on: ["Recieve"] }]))
      const refused = yield* Program.run("simulate", "--disturb", disturb)
      assert.include(refused.stderr, `error: --disturb: ${disturb}: Expected "LogOn" | "Create"`)
      for (const where of ['at [1]["on"][0]', 'at [1]["nth"]']) assert.include(refused.stderr, where)
      assert.strictEqual(refused.code, 2)
    }).pipe(Effect.scoped)
  )
})
