/** The functions of Go's templates and of sprig that a host name may use, by their names there. */
import * as Result from "effect/Result"

type Fn = (args: ReadonlyArray<unknown>) => Result.Result<unknown, string>

const texts =
  (name: string, count: number, f: (args: ReadonlyArray<string>) => unknown): Fn =>
  (args) => {
    if (args.length !== count) return Result.fail(`${name} takes ${count} arguments, not ${args.length}`)
    const wrong = args.findIndex((arg) => typeof arg !== "string")
    if (wrong >= 0)
      return Result.fail(`argument ${wrong + 1} of ${name} is ${args[wrong] === undefined ? "missing" : "not text"}`)
    return Result.succeed(f(args.filter((arg) => typeof arg === "string")))
  }

const empty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0)

/** RE2 and JavaScript agree on what host names need; named groups differ in spelling, and \z is $ here. */
const pattern = (source: string): Result.Result<RegExp, string> => {
  const flags = /^\(\?([is]+)\)/u.exec(source)
  const body = source
    .slice(flags?.[0].length ?? 0)
    .replaceAll("(?P<", "(?<")
    .replaceAll(String.raw`\z`, "$")
  return Result.try({
    try: () => new RegExp(body, `gu${flags?.[1] ?? ""}`),
    catch: () => `"${source}" is not a regular expression`
  })
}

const replaceAll: Fn = (args) => {
  const [source, subject, replacement] = args
  if (
    args.length !== 3 ||
    typeof source !== "string" ||
    typeof subject !== "string" ||
    typeof replacement !== "string"
  ) {
    return Result.fail("regexReplaceAll takes a pattern, a subject and a replacement, all text")
  }
  return Result.map(pattern(source), (re) =>
    subject.replace(
      re,
      replacement.replaceAll(/\$\{(\w+)\}/gu, (_, group: string) => `$${group}`)
    )
  )
}

const trunc: Fn = ([length, text]) =>
  typeof length === "number" && typeof text === "string"
    ? Result.succeed(length < 0 ? text.slice(length) : text.slice(0, length))
    : Result.fail("trunc takes a number and text")

const index: Fn = ([container, ...keys]) => {
  let value: unknown = container
  for (const key of keys) {
    if (typeof value !== "object" || value === null) return Result.fail("index of something that holds nothing")
    value = Object.hasOwn(value, String(key)) ? Reflect.get(value, String(key)) : undefined
  }
  return Result.succeed(value)
}

const functions: Readonly<Record<string, Fn>> = {
  regexReplaceAll: replaceAll,
  lower: texts("lower", 1, ([s]) => s?.toLowerCase()),
  upper: texts("upper", 1, ([s]) => s?.toUpperCase()),
  trim: texts("trim", 1, ([s]) => s?.trim()),
  trimPrefix: texts("trimPrefix", 2, ([prefix = "", s = ""]) => (s.startsWith(prefix) ? s.slice(prefix.length) : s)),
  trimSuffix: texts("trimSuffix", 2, ([suffix = "", s = ""]) =>
    suffix !== "" && s.endsWith(suffix) ? s.slice(0, -suffix.length) : s
  ),
  replace: texts("replace", 3, ([from = "", to = "", s = ""]) => s.replaceAll(from, () => to)),
  nospace: texts("nospace", 1, ([s]) => s?.replaceAll(/\s/gu, "")),
  trunc,
  index,
  default: ([fallback, value]) => Result.succeed(empty(value) ? fallback : value),
  printf: (args) =>
    typeof args[0] === "string"
      ? Result.succeed(args.slice(1).reduce<string>((text, arg) => text.replace(/%[sdv]/u, () => String(arg)), args[0]))
      : Result.fail("printf takes a format first")
}

const refused = new Set(["env", "expandenv"])

/** Applies a function by name; the piped value comes last, as in Go. */
export const apply = (name: string, args: ReadonlyArray<unknown>): Result.Result<unknown, string> => {
  if (refused.has(name)) return Result.fail(`function "${name}" is refused: it would show the operator's environment`)
  const f = Object.hasOwn(functions, name) ? functions[name] : undefined
  return f === undefined ? Result.fail(`function "${name}" is not supported`) : f(args)
}
