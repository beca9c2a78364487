/** Renders spec.hostname: the actions of Go's text/template that a host name needs, over the ScvmmMachine as JSON. */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { apply } from "./HostnameTemplateFunction.ts"
import { type Pipeline, type Term, parse } from "./HostnameTemplateParser.ts"

/** `detail` names the action or function that cannot be rendered. */
export class HostnameInvalid extends Data.TaggedError("HostnameInvalid")<{
  readonly template: string
  readonly detail: string
}> {
  override get message(): string {
    return `spec.hostname ${JSON.stringify(this.template)}: ${this.detail}`
  }
}

const field = (data: unknown, path: ReadonlyArray<string>): unknown => {
  let value = data
  for (const name of path) {
    if (typeof value !== "object" || value === null) return undefined
    value = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
  }
  return value
}

/** As Go prints a value into text: a missing one is `<no value>`, a list `[a b]`. */
const print = (value: unknown): string => {
  if (value === undefined || value === null) return "<no value>"
  if (Array.isArray(value)) return `[${value.map(print).join(" ")}]`
  if (typeof value === "object") {
    return `map[${Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${key}:${print(item)}`)
      .join(" ")}]`
  }
  return String(value)
}

const evaluate = (pipeline: Pipeline, data: unknown): Result.Result<unknown, string> => {
  const term = (t: Term): Result.Result<unknown, string> => {
    switch (t._tag) {
      case "Literal":
        return Result.succeed(t.value)
      case "Field":
        return Result.succeed(field(data, t.path))
      case "Group":
        return evaluate(t.pipeline, data)
    }
  }
  let last: { readonly value: unknown } | undefined
  for (const command of pipeline) {
    const values: Array<unknown> = []
    for (const t of command.terms) {
      const value = term(t)
      if (Result.isFailure(value)) return value
      values.push(value.success)
    }
    if (command.name === undefined) {
      if (last !== undefined || values.length !== 1) return Result.fail("a value takes no arguments")
      last = { value: values[0] }
    } else {
      const result = apply(command.name, last === undefined ? values : [...values, last.value])
      if (Result.isFailure(result)) return result
      last = { value: result.success }
    }
  }
  return Result.succeed(last?.value)
}

/**
 * The text of `template` over `data` (root keys metadata, spec, status). Fails for a syntax error, an unknown or refused
 * function (env, expandenv), a missing value where a function needs text.
 */
export const render = (template: string, data: unknown): Result.Result<string, HostnameInvalid> => {
  const invalid = (detail: string) => Result.fail(new HostnameInvalid({ template, detail }))
  const parts = parse(template)
  if (Result.isFailure(parts)) return invalid(parts.failure)
  let text = ""
  for (const part of parts.success) {
    if (typeof part === "string") {
      text += part
      continue
    }
    const value = evaluate(part, data)
    if (Result.isFailure(value)) return invalid(value.failure)
    text += print(value.success)
  }
  return Result.succeed(text)
}
