/** Looks for a planted secret in whatever form somebody may have written it, also inside of base64 and of fragments. */
import * as Result from "effect/Result"
import { decodeFragments } from "../../../layers/psrp/Fragment.ts"

/** Characters of base64 that stand for these bytes alone, wherever they begin. */
const inBase64 = (bytes: Buffer): ReadonlyArray<string> =>
  [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .slice(before === 0 ? 0 : before + 1, -4)
  )

const escape = (text: string, pattern: RegExp, as: (character: string) => string) => text.replace(pattern, as)

/** At least eight characters: shorter forms occur by chance. */
const forms = (secret: string): ReadonlyArray<string> => {
  const encodings = [Buffer.from(secret), Buffer.from(secret, "utf16le")]
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    escape(secret, /[&<>]/gu, (it) => ({ "&": "&amp;", "<": "&lt;" })[it] ?? "&gt;"),
    escape(secret, /['<>&]/gu, (it) => String.raw`\u00${it.charCodeAt(0).toString(16)}`),
    ...encodings.flatMap(inBase64),
    ...encodings.flatMap((bytes) => [bytes.toString("hex"), bytes.toString("hex").toUpperCase()])
  ].filter(({ length }) => length >= 8)
}

/** A text, and what every run of base64 in it decodes to, as bytes and as the messages of its fragments. */
const layersOf = (text: string): ReadonlyArray<Buffer> => [
  Buffer.from(text),
  ...[...text.matchAll(/[A-Za-z0-9+/]{16,}={0,2}/gu)].flatMap(([run]) => {
    const bytes = Buffer.from(run, "base64")
    const fragments = Result.getOrElse(decodeFragments(bytes), () => [])
    return [bytes, Buffer.concat(fragments.map(({ blob }) => blob))]
  })
]

/** The forms of the secret that the text shows. */
export const found = (text: string, secret: string): ReadonlyArray<string> => {
  const layers = layersOf(text)
  const needles = [...forms(secret).map((form) => Buffer.from(form)), Buffer.from(secret, "utf16le")]
  return needles.filter((needle) => layers.some((layer) => layer.includes(needle))).map((needle) => needle.toString())
}
