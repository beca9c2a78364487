/** Answers in YAML to those who prefer it. */
import * as Yaml from "yaml"
import type { Request, Response } from "../../../schemas/http/Exchange.ts"
import { accepted, isJson, isYaml } from "./MediaType.ts"

const [decoder, encoder] = [new TextDecoder(), new TextEncoder()]

/** The answer as it is, or its JSON turned into YAML; watches stay as they are. */
export const present = (request: Request, response: Response): Response => {
  const preferred = accepted(request.headers["accept"] ?? "").find((range) => isJson(range) || isYaml(range))
  const { body, headers } = response
  if (preferred === undefined || !isYaml(preferred) || !(body instanceof Uint8Array)) return response
  if (headers["content-type"] !== "application/json") return response
  const yaml = body.length === 0 ? "" : Yaml.stringify(JSON.parse(decoder.decode(body)), { sortMapEntries: true })
  return { ...response, headers: { ...headers, "content-type": "application/yaml" }, body: encoder.encode(yaml) }
}
