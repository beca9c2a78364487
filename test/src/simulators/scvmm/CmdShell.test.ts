/** Programs in a cmd shell of the simulated listener: their streams, ends and exit codes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { concatBytes } from "../../../../layers/psrp/Fragment.ts"
import { cmdResource, powershellResource, shellResource, signals } from "../../../../layers/wsman/SoapNames.ts"
import { readReceived, type ReceivedAnswer } from "../../../../layers/wsman/SoapResponseReader.ts"
import { elementsOf, type SoapElement } from "../../../../layers/wsman/SoapXml.ts"
import { make } from "../../../../src/simulators/scvmm/WinRmServer.ts"
import { settle } from "../../../harness/VirtualTime.ts"
import * as EchoHost from "./EchoHost.ts"
import * as RawClient from "./RawClient.ts"

const { commandId, shellId } = RawClient
const header = { resourceUri: cmdResource, options: {} }
const interruptedCode = 0xc000013a

const listener = Effect.gen(function* () {
  const echo = EchoHost.make()
  const server = yield* make({ host: echo.host, users: [{ userName: "capi", password: "secret" }] })
  const client = RawClient.make(server)
  yield* client.createCmd()
  const run = (id: string, command: string, ...words: ReadonlyArray<string>) =>
    client.ask({ _tag: "CommandLine", commandId: id, command, arguments: words }, header)
  const signal = (id: string, code: string) => client.ask({ _tag: "Signal", commandId: id, code }, header)
  return { ...echo, server, client, run, signal }
})

const textOf = ({ streams }: ReceivedAnswer, name: string): string =>
  new TextDecoder().decode(concatBytes(streams.flatMap((stream) => (stream.name === name ? [stream.data] : []))))

describe("a program in a cmd shell", () => {
  it.effect("writes to stdout and stderr, and ends with a code", () =>
    Effect.gen(function* () {
      const { client, run, log } = yield* listener
      yield* run(commandId(1), "powershell", "-Command", "Write-Output a; Write-Error b")
      yield* settle
      const { body } = yield* client.ask(
        { _tag: "Receive", commandId: commandId(1), streams: ["stdout", "stderr"] },
        header
      )
      const ends = elementsOf(body.children[0] as SoapElement, shellResource, "Stream").flatMap(({ attributes }) =>
        attributes["End"] === "true" ? [attributes["Name"]] : []
      )
      assert.deepStrictEqual(ends, ["stdout", "stderr"])
      const received = Result.getOrThrow(readReceived(body))
      assert.deepInclude(received, { state: "Done", exitCode: 1 })
      assert.strictEqual(textOf(received, "stdout"), "a\r\n")
      assert.match(textOf(received, "stderr"), /^Start-SCVirtualMachine : b\r\n/u)
      assert.deepStrictEqual(log, ["opened by capi", "Write-Output ended", "Write-Error ended", "closed"])
    })
  )

  it.effect("is received in pieces when it writes more than an answer holds", () =>
    Effect.gen(function* () {
      const { client, run } = yield* listener
      yield* run(commandId(1), "powershell -Command Get-Text -Length 300000")
      yield* settle
      const answers: Array<ReceivedAnswer> = []
      while (answers.at(-1)?.state !== "Done") answers.push((yield* client.receive(commandId(1), header)).received)
      assert.isAbove(answers.length, 2)
      assert.isTrue(answers.slice(0, -1).every(({ state }) => state === "Running"))
      assert.strictEqual(answers.map((answer) => textOf(answer, "stdout")).join("").length, 240_002)
    })
  )

  it.effect("is interrupted by ctrl_c, forgotten by Terminate, and killed with its shell", () =>
    Effect.gen(function* () {
      const { client, run, signal, server, log } = yield* listener
      const sleep = (id: string) => run(id, "powershell -Command Start-Sleep -Seconds 600")
      yield* sleep(commandId(1))
      const waiting = yield* Effect.forkChild(client.receive(commandId(1), header))
      yield* settle
      yield* signal(commandId(1), signals.ctrlC)
      assert.deepInclude((yield* Fiber.join(waiting)).received, { state: "Done", exitCode: interruptedCode })
      assert.strictEqual((yield* signal(commandId(1), signals.terminate.toLowerCase())).fault, undefined)
      assert.strictEqual((yield* signal(commandId(1), signals.terminate)).fault, 0x8033805b)
      yield* sleep(commandId(2))
      assert.deepInclude((yield* server.shells)[0], { pipelinesHeld: 1, pipelinesRunning: 1, configurationName: "" })
      yield* client.ask({ _tag: "Delete" }, header)
      yield* settle
      assert.deepStrictEqual(
        log.filter((line) => line.includes("Sleep")),
        ["Start-Sleep Interrupt", "Start-Sleep Interrupt"]
      )
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )

  it.effect("whose host breaks is told of as one that was killed", () =>
    Effect.gen(function* () {
      const { client, run } = yield* listener
      yield* run(commandId(1), "powershell -Command die")
      yield* settle
      assert.deepInclude((yield* client.receive(commandId(1), header)).received, { exitCode: interruptedCode })
    })
  )
})

describe("a cmd shell", () => {
  it.effect("has no output of its own, no pipelines and no creationXml", () =>
    Effect.gen(function* () {
      const { client } = yield* listener
      assert.strictEqual((yield* client.receive(undefined, header)).fault, 87)
      const pipeline = { _tag: "Command", commandId: commandId(1), arguments: new Uint8Array(3) } as const
      assert.strictEqual((yield* client.ask(pipeline, header)).fault, "InternalError")
      const shell = { _tag: "Create", inputStreams: [], outputStreams: [] } as const
      const creationXml = RawClient.creationXml(shellId)
      assert.strictEqual((yield* client.ask({ ...shell, creationXml }, header)).fault, "SchemaValidationError")
      const powershell = { resourceUri: powershellResource("Microsoft.PowerShell") }
      assert.strictEqual((yield* client.ask(shell, powershell)).fault, "SchemaValidationError")
    })
  )

  it.effect("takes input that nobody reads", () =>
    Effect.gen(function* () {
      const { client, run } = yield* listener
      yield* run(commandId(1), "powershell -Command Start-Sleep -Seconds 5")
      const send = (id: string) =>
        client.ask({ _tag: "Send", streams: [{ name: "stdin", commandId: id, data: new Uint8Array(3) }] }, header)
      assert.strictEqual((yield* send(commandId(1))).fault, undefined)
      assert.strictEqual((yield* send(commandId(2))).fault, 0x8033805b)
      assert.strictEqual((yield* client.ask({ _tag: "Get" }, { resourceUri: shellResource })).fault, undefined)
    })
  )
})
