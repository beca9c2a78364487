/** Which exchanges of the operator change something, and what to call them: pure. */
import type { Request, Response } from "../../schemas/http/Exchange.ts"

const decoder = new TextDecoder()

const soapAction = /<(?:\w+:)?Action\b[^>]*>[^<]*\/(\w+)</u

/** A write to Kubernetes by its verb and path, an exchange with WinRM by its operation; undefined for what only reads Kubernetes. */
export const describe = (_origin: string, request: Request): string | undefined => {
  if (request.target.startsWith("/wsman")) {
    const head = decoder.decode(request.body.subarray(0, 1_500))
    return `wsman ${soapAction.exec(head)?.[1] ?? "?"}`
  }
  return request.method === "GET" ? undefined : `${request.method} ${request.target}`
}

const soapFault = /<(?:\w+:)?WSManFault\b[^>]*Code="(\d+)"/u

/** The status of an answer, and the fault that it carries. */
export const outcome = ({ body, status }: Response): string => {
  if (status < 400 || !(body instanceof Uint8Array)) return String(status)
  const text = decoder.decode(body)
  return `${status} ${soapFault.exec(text)?.[1] ?? text.slice(0, 200)}`
}
