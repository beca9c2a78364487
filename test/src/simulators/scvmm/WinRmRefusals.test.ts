import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { concatBytes, splitMessage } from "../../../../layers/psrp/Fragment.ts"
import { emptyGuid, encodeMessage, type MessageBody } from "../../../../layers/psrp/Message.ts"
import { initRunspacePool, ourCapability, sessionCapability } from "../../../../layers/psrp/RunspacePoolMessage.ts"
import type { Operation } from "../../../../layers/wsman/SoapOperation.ts"
import { type RequestHeader, writeRequest } from "../../../../layers/wsman/SoapRequest.ts"
import { readReceived, readResponse } from "../../../../layers/wsman/SoapResponseReader.ts"
import { make, type Options } from "../../../../src/simulators/scvmm/WinRmServer.ts"
import { settle } from "../../../harness/VirtualTime.ts"
import * as EchoHost from "./EchoHost.ts"

const user = { userName: "capi", password: "secret" }
const basic = `Basic ${Buffer.from("CAPI:secret").toString("base64")}`
const utf8 = new TextEncoder()
const powershell = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"

const server = (options: Partial<Options> = {}) => make({ host: EchoHost.make().host, users: [user], ...options })

interface Sent {
  readonly method?: string
  readonly target?: string
  readonly authorization?: string | undefined
  readonly secure?: boolean
  readonly body?: string | Uint8Array
}

const exchange = (handler: Effect.Success<ReturnType<typeof make>>["handler"], sent: Sent) =>
  Effect.gen(function* () {
    const { method = "POST", target = "/wsman", secure = true, body = "" } = sent
    const authorization = "authorization" in sent ? sent.authorization : basic
    const response = yield* handler(
      {
        method,
        target,
        headers: authorization === undefined ? {} : { authorization },
        body: typeof body === "string" ? utf8.encode(body) : body
      },
      { id: 1, secure }
    )
    const text = response.body instanceof Uint8Array ? new TextDecoder().decode(response.body) : ""
    return { status: response.status, headers: response.headers, text }
  })

const request = (operation: Operation, header: Partial<RequestHeader> = {}): string =>
  writeRequest({
    header: {
      messageId: "uuid:1",
      to: "https://h:5986/wsman",
      resourceUri: powershell,
      options: { protocolversion: "2.3" },
      selectors: {},
      ...header
    },
    operation
  })

const create: Operation = {
  _tag: "Create",
  inputStreams: ["stdin"],
  outputStreams: ["stdout"],
  creationXml: new Uint8Array(0)
}

describe("WinRmServer refuses", () => {
  it.effect("who does not log on, as Windows does", () =>
    Effect.gen(function* () {
      const { handler, refusedLogOns, exchanges } = yield* server()
      const anonymous = yield* exchange(handler, { authorization: undefined })
      assert.strictEqual(anonymous.status, 401)
      assert.strictEqual(anonymous.headers["www-authenticate"], 'Negotiate, Kerberos, Basic realm="WSMAN"')
      assert.strictEqual(anonymous.text, "")
      assert.strictEqual(yield* refusedLogOns, 0, "asking for the schemes is no log-on")
      for (const authorization of ["Basic ", "Basic !!", "Negotiate TlRMTVNTUAAB", `Basic ${btoa("capi:Secret")}`])
        assert.strictEqual((yield* exchange(handler, { authorization })).status, 401)
      assert.strictEqual(yield* refusedLogOns, 4)
      const clear = yield* exchange(handler, { secure: false })
      assert.strictEqual(clear.status, 401)
      assert.notInclude(clear.headers["www-authenticate"], "Basic")
      assert.strictEqual(yield* exchanges, 6)
    })
  )

  it.effect("other paths and methods", () =>
    Effect.gen(function* () {
      const { handler } = yield* server()
      assert.strictEqual((yield* exchange(handler, { target: "/" })).status, 404)
      assert.strictEqual((yield* exchange(handler, { method: "GET" })).status, 405)
      assert.strictEqual((yield* exchange(handler, { target: "/WSMan/?PSVersion=5.1.1" })).status, 500)
    })
  )

  it.effect("what is no request, with a fault that says why", () =>
    Effect.gen(function* () {
      const { handler, shells } = yield* server({ quotas: { maxEnvelopeBytes: 20_000 } })
      const faultOf = (body: string | Uint8Array) =>
        Effect.gen(function* () {
          const { status, text, headers } = yield* exchange(handler, { body })
          assert.strictEqual(status, 500)
          assert.strictEqual(headers["content-type"], "application/soap+xml;charset=UTF-8")
          const { fault, relatesTo } = yield* readResponse(text)
          return [fault?.subcode, fault?.code, relatesTo] as const
        })
      const whole = request(create)
      assert.deepStrictEqual(yield* faultOf("<a"), ["SchemaValidationError", undefined, ""])
      assert.deepStrictEqual(yield* faultOf(new Uint8Array([0xff, 0xfe])), ["SchemaValidationError", undefined, ""])
      assert.deepStrictEqual(yield* faultOf(whole.replace("transfer/Create<", "transfer/Put<")), [
        "ActionNotSupported",
        undefined,
        "uuid:1"
      ])
      assert.deepStrictEqual(yield* faultOf(whole.replace("creationXml", "other").replace("/creationXml", "/other")), [
        "SchemaValidationError",
        undefined,
        "uuid:1"
      ])
      assert.deepStrictEqual(yield* faultOf(request(create, { operationTimeoutSeconds: 5 }).replace("PT5S", "-PT5S")), [
        "InvalidMessageInformationHeader",
        0x8033800f,
        "uuid:1"
      ])
      const large = yield* exchange(handler, { body: whole + " ".repeat(20_000) })
      assert.deepStrictEqual([large.status, large.text], [413, ""])
      assert.deepStrictEqual(yield* faultOf(request(create, { options: {} })), ["InvalidOptions", 2152992672, "uuid:1"])
      assert.deepStrictEqual(yield* faultOf(request(create, { resourceUri: `${powershell}.Other` })), [
        "InvalidResourceURI",
        2150858811,
        "uuid:1"
      ])
      assert.deepStrictEqual(yield* faultOf(request({ ...create, creationXml: new Uint8Array(30) })), [
        "InternalError",
        undefined,
        "uuid:1"
      ])
      assert.deepStrictEqual(yield* faultOf(request({ ...create, shellId: "not a guid" })), [
        "InvalidParameter",
        0x803381d5,
        "uuid:1"
      ])
      assert.deepStrictEqual(yield* faultOf(request({ _tag: "Get" }, { selectors: { ShellId: "X" } })), [
        "InvalidSelectors",
        2150858843,
        "uuid:1"
      ])
      assert.deepStrictEqual(yield* shells, [])
    })
  )

  it.effect("answers the state of a shell, and refuses a second one of its id", () =>
    Effect.gen(function* () {
      const { handler } = yield* server()
      const shellId = "11111111-2222-4333-8444-555555555555"
      const made = yield* exchange(handler, { body: request({ ...create, shellId }) })
      assert.strictEqual(made.status, 200)
      const again = yield* exchange(handler, { body: request({ ...create, shellId }) })
      assert.strictEqual((yield* readResponse(again.text)).fault?.code, 0x803381d7)
      const selectors = { ShellId: shellId }
      const resourceUri = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
      const got = yield* exchange(handler, { body: request({ _tag: "Get" }, { selectors, resourceUri }) })
      assert.strictEqual(got.status, 200)
      assert.include(got.text, "<rsp:State>Connected</rsp:State>")
      assert.include(got.text, "<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>")
    })
  )

  it.effect("gives again what a Receive answered when the answer did not arrive", () =>
    Effect.gen(function* () {
      const { handler } = yield* server()
      const shellId = "11111111-2222-4333-8444-555555555555"
      const message = (objectId: bigint, body: MessageBody) =>
        splitMessage(
          objectId,
          encodeMessage({ ...body, destination: "server", runspacePoolId: shellId, pipelineId: emptyGuid }),
          32_768
        )
      const creationXml = concatBytes([
        ...message(1n, sessionCapability(ourCapability)),
        ...message(2n, initRunspacePool({ minRunspaces: 1, maxRunspaces: 1 }))
      ])
      yield* exchange(handler, { body: request({ ...create, shellId, creationXml }) })
      yield* settle
      const receive = exchange(handler, {
        body: request({ _tag: "Receive", streams: ["stdout"] }, { selectors: { ShellId: shellId } })
      })
      const streamsOf = ({ text }: { readonly text: string }) =>
        Effect.map(readResponse(text), ({ body }) => Result.getOrThrow(readReceived(body)).streams)
      const cut = yield* Scope.make()
      const lost = yield* Effect.flatMap(Scope.provide(receive, cut), streamsOf)
      assert.strictEqual(lost.length, 3, "capability, private data, state")
      yield* Scope.close(cut, Exit.die("the connection broke"))
      const arrived = yield* Scope.make()
      assert.deepStrictEqual(yield* Effect.flatMap(Scope.provide(receive, arrived), streamsOf), lost)
      yield* Scope.close(arrived, Exit.void)
      const more = yield* Effect.forkChild(receive)
      yield* settle
      assert.isUndefined(more.pollUnsafe())
    })
  )
})
