/** SOAP envelopes as a wire recording shows them: written anew, with redacted fragments and without known secrets. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { namespaces as ns } from "../wsman/SoapNames.ts"
import { child, descendant, parse, type SoapElement, textOf, write } from "../wsman/SoapXml.ts"
import type { FragmentRedaction, Payload } from "./RedactedFragments.ts"
import type { Scrub } from "./RedactedValue.ts"

export interface RedactedEnvelope {
  /** Whether what it holds is known, also of messages that go on in other envelopes. */
  readonly settled: () => boolean
  readonly text: () => string
  readonly withheld: () => ReadonlyArray<string>
  /** Of the messages that it completes. */
  readonly titles: ReadonlyArray<string>
  readonly operation: string
  readonly messageId: string
  readonly shellId: string | undefined
  readonly commandId: string | undefined
}

/** Elements whose text is base64 of fragments. */
const carriers: ReadonlySet<string> = new Set([
  `${ns.shell} Stream`,
  `${ns.shell} Arguments`,
  `${ns.powershell} creationXml`,
  `${ns.powershell} connectXml`,
  `${ns.powershell} connectResponseXml`
])

const isCarrier = ({ namespace, name }: SoapElement): boolean => carriers.has(`${namespace} ${name}`)

const elements = (node: SoapElement): ReadonlyArray<SoapElement> =>
  node.children.filter((part): part is SoapElement => typeof part !== "string")

/** Children with texts that only a comment parted made one: a secret may go across it. */
const joined = ({ children }: SoapElement): ReadonlyArray<SoapElement | string> =>
  children.reduce<Array<SoapElement | string>>((parts, part) => {
    const last = parts.at(-1)
    if (typeof part === "string" && typeof last === "string") parts[parts.length - 1] = last + part
    else parts.push(part)
    return parts
  }, [])

/** A payload that is not what it should be. */
const unreadable = (characters: number): Payload => ({
  settled: () => true,
  bytes: () => new Uint8Array(0),
  withheld: () => [`${characters} characters that are no base64`]
})

/** A text that is no envelope: nothing of it is shown. */
const foreign = (text: string): RedactedEnvelope => ({
  settled: () => true,
  text: () => "",
  withheld: () => [`${text.length} characters that are no envelope`],
  titles: [],
  operation: "",
  messageId: "",
  shellId: undefined,
  commandId: undefined
})

const commandIdOf = (node: SoapElement): string | undefined => {
  const { CommandId } = node.attributes
  if (CommandId !== undefined) return CommandId
  for (const part of elements(node)) {
    const found = commandIdOf(part)
    if (found !== undefined) return found
  }
  return undefined
}

const selected = (header: SoapElement): string | undefined => {
  const set = child(header, ns.wsman, "SelectorSet")
  const selector =
    set === undefined ? undefined : elements(set).find(({ attributes }) => attributes["Name"] === "ShellId")
  return selector === undefined ? undefined : textOf(selector).trim()
}

/** Who is addressed and what for, as far as it is said. */
const addresses = (root: SoapElement, scrub: Scrub) => {
  const header = child(root, ns.soap, "Header")
  const body = child(root, ns.soap, "Body")
  const value = (name: string): string => {
    const node = header === undefined ? undefined : child(header, ns.addressing, name)
    return node === undefined ? "" : scrub(textOf(node).trim())
  }
  const created = descendant(root, [
    [ns.soap, "Body"],
    [ns.shell, "Shell"]
  ])
  const shellId = (header === undefined ? undefined : selected(header)) ?? created?.attributes["ShellId"]
  const commandId = body === undefined ? undefined : commandIdOf(body)
  return {
    operation: value("Action").split("/").at(-1) ?? "",
    messageId: value("MessageID"),
    shellId: shellId === undefined ? undefined : scrub(shellId),
    commandId: commandId === undefined ? undefined : scrub(commandId)
  }
}

export const redactEnvelope = (
  text: string,
  direction: "request" | "answer",
  fragments: FragmentRedaction,
  scrub: Scrub
): Effect.Effect<RedactedEnvelope> =>
  Effect.map(Effect.result(parse(text)), (parsed) => {
    if (Result.isFailure(parsed)) return foreign(text)
    const root = parsed.success
    const titles: Array<string> = []
    const payloads = new Map<SoapElement, Payload>()
    const collect = (node: SoapElement): void => {
      if (!isCarrier(node)) {
        for (const part of elements(node)) collect(part)
        return
      }
      const base64 = textOf(node).replace(/\s+/gu, "")
      if (base64 === "") return
      const data = Base64.decode(base64)
      if (Result.isFailure(data)) {
        payloads.set(node, unreadable(base64.length))
        return
      }
      const taken = fragments.take(direction, data.success)
      payloads.set(node, taken.payload)
      titles.push(...taken.titles)
    }
    collect(root)
    const shown = (node: SoapElement): SoapElement => {
      const attributes = Object.fromEntries(
        Object.entries(node.attributes).map(([name, value]) => [name, scrub(value)])
      )
      const payload = payloads.get(node)
      if (payload !== undefined) {
        const bytes = payload.bytes()
        return { ...node, attributes, children: bytes.length === 0 ? [] : [Base64.encode(bytes)] }
      }
      if (isCarrier(node)) return { ...node, attributes, children: [] }
      return {
        ...node,
        attributes,
        children: joined(node).map((part) => (typeof part === "string" ? scrub(part) : shown(part)))
      }
    }
    const all = [...payloads.values()]
    return {
      settled: () => all.every((payload) => payload.settled()),
      text: () => write(shown(root)),
      withheld: () => all.flatMap((payload) => payload.withheld()),
      titles,
      ...addresses(root, scrub)
    }
  })
