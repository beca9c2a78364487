/** Everything that a program says of itself, and where in it a secret stands. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as LogLine from "../../layers/telemetry/LogLine.ts"

const base64 = (value: string): string => Buffer.from(value).toString("base64")

/** As it is, in hex, in base64 wherever it begins, and as JSON, XML and PowerShell spell it. */
const forms = (secret: string): ReadonlyArray<string> => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  secret.replaceAll("'", "''"),
  secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
  Buffer.from(secret).toString("hex"),
  Buffer.from(secret, "utf16le").toString("hex"),
  base64(secret).slice(0, -4),
  base64(` ${secret}`).slice(2, -4),
  base64(`  ${secret}`).slice(3, -4)
]

/** Everything that was said, by where it was said. */
export class Heard {
  private readonly texts: Array<readonly [where: string, text: string]> = []

  add(where: string, value: unknown): void {
    this.texts.push([where, typeof value === "string" ? value : inspect(value, { depth: 12, showHidden: true })])
    if (typeof value === "object" && value !== null) {
      this.texts.push([where, String(value)])
      this.texts.push([where, Inspectable.toStringUnknown(value)])
      if (value instanceof Error) this.texts.push([where, `${value.message}\n${value.stack ?? ""}`])
    }
  }

  /** Where a secret is in what was said, in whatever form. */
  leaks(secrets: Readonly<Record<string, string>>): ReadonlyArray<string> {
    return Object.entries(secrets).flatMap(([name, secret]) =>
      this.texts.flatMap(([where, said]) => {
        const form = forms(secret).find((candidate) => said.includes(candidate))
        if (form === undefined) return []
        const from = said.indexOf(form)
        return [`${name} in ${where}: ${said.slice(Math.max(0, from - 100), from + 60)}`]
      })
    )
  }

  count(where: string): number {
    return this.texts.filter(([place]) => place === where).length
  }

  /** Address of the metrics, which a line of the log tells. */
  diagnostics(): string {
    return this.texts.map(([, said]) => /"diagnostics":"([^"]+)"/u.exec(said)?.[1]).find((it) => it !== undefined) ?? ""
  }

  includes(said: string): boolean {
    return this.texts.some(([, candidate]) => candidate.includes(said))
  }
}

/** Errors of a failed span: each as whoever exports or prints it may show it. */
export const hearExit = (heard: Heard, exit: Exit.Exit<unknown, unknown>): void => {
  if (!Exit.isFailure(exit)) return
  heard.add("error", Cause.pretty(exit.cause))
  for (const reason of exit.cause.reasons) {
    heard.add("error", Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : reason)
  }
}

export const tracer = (heard: Heard): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      heard.add("span", options.name)
      return Object.assign(span, {
        attribute: (key: string, value: unknown) => heard.add("span", { [key]: value }),
        event: (name: string, _: bigint, attributes?: Record<string, unknown>) =>
          heard.add("span", { [name]: attributes }),
        end: (_: bigint, exit: Exit.Exit<unknown, unknown>) => hearExit(heard, exit)
      })
    }
  })

export const logging = (heard: Heard) =>
  Layer.mergeAll(
    Logger.layer([
      Logger.make<unknown, void>((options) => {
        heard.add("log", LogLine.json.log(options))
        heard.add("log", LogLine.pretty(false).log(options))
        heard.add("log", options.message)
        heard.add("log", options.fiber.getRef(References.CurrentLogAnnotations))
      }),
      Logger.tracerLogger
    ]),
    Layer.succeed(References.MinimumLogLevel, "All")
  )
