/** A recorded answer as the client of now understands it: with its ids, and a session key for its public key. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { concatBytes, decodeFragments, encodeFragment, type Fragment } from "../../../layers/psrp/Fragment.ts"
import { encodeMessage, guidFromBytes, guidToBytes, MessageType } from "../../../layers/psrp/Message.ts"
import { sealSessionKey } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { encryptedSessionKey, type RsaPublicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import { namespaces as ns } from "../../../layers/wsman/SoapNames.ts"
import { parse, type SoapElement, type SoapError, textOf, write } from "../../../layers/wsman/SoapXml.ts"
import type { Ids } from "./ReplayedShell.ts"

export interface Rewriting {
  /** Recorded ids in upper case. */
  readonly ids: Ids
  readonly key: RsaPublicKey | undefined
  /** What a client's session key shall be. */
  readonly sessionKey: Uint8Array
}

const guid = /[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/gu

const renamed = (text: string, ids: Ids): string => text.replace(guid, (found) => ids.get(found.toUpperCase()) ?? found)

const headerBytes = 40
const addresses = [8, 24]

const fragmentOf = (fragment: Fragment, { ids, key, sessionKey }: Rewriting): Fragment => {
  if (!fragment.start || fragment.blob.length < headerBytes) return fragment
  const blob = fragment.blob.slice()
  for (const at of addresses) {
    const now = ids.get(guidFromBytes(blob.subarray(at, at + 16)).toUpperCase())
    if (now !== undefined) blob.set(guidToBytes(now), at)
  }
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  if (view.getUint32(4, true) !== MessageType.EncryptedSessionKey || key === undefined) return { ...fragment, blob }
  const message = encodeMessage({
    destination: "client",
    runspacePoolId: guidFromBytes(blob.subarray(8, 24)),
    pipelineId: guidFromBytes(blob.subarray(24, 40)),
    ...encryptedSessionKey(sealSessionKey(key, sessionKey))
  })
  return { ...fragment, blob: message }
}

const isStream = ({ namespace, name }: SoapElement): boolean => namespace === ns.shell && name === "Stream"

const streamText = (node: SoapElement, rewriting: Rewriting): string => {
  const fragments = Result.flatMap(Base64.decode(textOf(node)), decodeFragments)
  return Result.isSuccess(fragments)
    ? Base64.encode(concatBytes(fragments.success.map((fragment) => encodeFragment(fragmentOf(fragment, rewriting)))))
    : textOf(node)
}

/** `ids` hold the MessageID of the request, too. */
export const rewrite = (answer: string, rewriting: Rewriting): Effect.Effect<string, SoapError> =>
  Effect.map(parse(answer), (root) => {
    const visit = (node: SoapElement): SoapElement => ({
      ...node,
      attributes: Object.fromEntries(
        Object.entries(node.attributes).map(([name, value]) => [name, renamed(value, rewriting.ids)])
      ),
      children: isStream(node)
        ? [streamText(node, rewriting)]
        : node.children.map((part) => (typeof part === "string" ? renamed(part, rewriting.ids) : visit(part)))
    })
    return write(visit(root))
  })
