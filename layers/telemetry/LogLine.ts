/** One log event as one line of text: JSON, or for a person's eyes. */
import * as Cause from "effect/Cause"
import * as Inspectable from "effect/Inspectable"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"

/** Names that a line has of its own: an annotation of that name gets "_" behind it. */
const reserved = new Set(["timestamp", "level", "message", "details", "error_stack", "trace_id", "span_id"])

const depthLimit = 8

/** A value as JSON can hold it: secrets are redacted, errors are told, cycles and depths are cut. */
const plain = (value: unknown, ancestors: ReadonlyArray<object> = []): unknown => {
  if (Redacted.isRedacted(value)) return "<redacted>"
  switch (typeof value) {
    case "bigint":
    case "symbol":
    case "function":
      return String(value)
    case "number":
      return Number.isFinite(value) ? value : String(value)
    case "object":
      break
    default:
      return value
  }
  if (value === null) return null
  if (ancestors.includes(value) || ancestors.length >= depthLimit) return "…"
  const inside = [...ancestors, value]
  if (Cause.isCause(value)) return Cause.pretty(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (Array.isArray(value)) return value.map((item) => plain(item, inside))
  if (value instanceof Map) return plain(Object.fromEntries(value), inside)
  if (value instanceof Set) return plain([...value], inside)
  const json = Inspectable.toJson(value)
  if (json !== value) return plain(json, inside)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member, inside)]))
}

interface Event {
  readonly timestamp: string
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
  readonly trace: { readonly trace_id: string; readonly span_id: string } | undefined
  readonly stack: string | undefined
}

const eventOf = ({ cause, date, fiber, logLevel, message }: Logger.Options<unknown>): Event => {
  const parts: ReadonlyArray<unknown> = Array.isArray(message) ? message : [message]
  const texts = parts.filter((part) => typeof part === "string")
  const details = parts.filter((part) => typeof part !== "string").map((part) => plain(part))
  const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations)).map(
    ([key, value]): [string, unknown] => [reserved.has(key) ? `${key}_` : key, plain(value)]
  )
  if (details.length > 0) annotations.push(["details", details.length === 1 ? details[0] : details])
  const span = fiber.cache.span
  return {
    timestamp: date.toISOString(),
    level: logLevel.toLowerCase(),
    message: texts.join(" "),
    annotations: Object.fromEntries(annotations),
    trace: span && { trace_id: span.traceId, span_id: span.spanId },
    stack: cause.reasons.length > 0 ? Cause.pretty(cause) : undefined
  }
}

/**
 * timestamp (RFC 3339, milliseconds), level, message, the annotations under their own names, trace_id and span_id. What was
 * logged beside the text is in `details`, a cause in `error_stack`.
 */
export const json = Logger.make<unknown, string>((options) => {
  const { annotations, level, message, stack, timestamp, trace } = eventOf(options)
  return JSON.stringify({
    timestamp,
    level,
    message,
    ...annotations,
    ...(stack !== undefined && { error_stack: stack }),
    ...trace
  })
})

const colours: Readonly<Record<string, string>> = {
  fatal: "31",
  error: "31",
  warn: "33",
  info: "32",
  debug: "36",
  trace: "90"
}

/** Time, level, message, then everything else as key=value; a cause on lines of its own. */
export const pretty = (coloured: boolean): Logger.Logger<unknown, string> => {
  const paint = (code: string, text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)
  return Logger.make<unknown, string>((options) => {
    const { annotations, level, message, stack, timestamp, trace } = eventOf(options)
    const rest = Object.entries({ ...annotations, ...trace }).map(
      ([key, value]) => `${key}=${typeof value === "string" && !/\s/u.test(value) ? value : JSON.stringify(value)}`
    )
    const head = [
      paint("90", timestamp.slice(11, 23)),
      paint(colours[level] ?? "0", level.toUpperCase().padEnd(5)),
      message,
      ...(rest.length > 0 ? [paint("90", rest.join(" "))] : [])
    ].join(" ")
    return stack === undefined ? head : `${head}\n${stack}`
  })
}
