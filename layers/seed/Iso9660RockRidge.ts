/** Rock Ridge entries in the system use area (IEEE P1281 SUSP, P1282 RRIP 1.09). */
import { bothEndian32, concat, recordDate } from "./Iso9660Field.ts"

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))

const entry = (signature: string, data: Uint8Array): Uint8Array =>
  concat([ascii(signature), Uint8Array.of(4 + data.length, 1), data])

/** POSIX mode, links, owner and group: readable by root alone, for user-data holds join tokens. */
const px = (mode: number, links: number): Uint8Array =>
  entry("PX", concat([bothEndian32(mode), bothEndian32(links), bothEndian32(0), bothEndian32(0)]))

/** Modification time in the short form. */
const tf = (time: Date): Uint8Array => entry("TF", concat([Uint8Array.of(2), recordDate(time)]))

const nm = (name: string): Uint8Array => entry("NM", concat([Uint8Array.of(0), new TextEncoder().encode(name)]))

const identifier = "RRIP_1991A"
const description = "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS"
const source =
  "PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION."

/** ER: which extension is used. It does not fit into a directory record, so it lies in a continuation area of its own sector. */
export const extensionReference: Uint8Array = entry(
  "ER",
  concat([
    Uint8Array.of(identifier.length, description.length, source.length, 1),
    ascii(identifier),
    ascii(description),
    ascii(source)
  ])
)

/** The root's own record: SP says that SUSP is in use, CE where ER lies. */
export const rootDot = (continuation: number, time: Date): Uint8Array =>
  concat([
    entry("SP", Uint8Array.of(0xbe, 0xef, 0)),
    px(0o040555, 2),
    tf(time),
    entry("CE", concat([bothEndian32(continuation), bothEndian32(0), bothEndian32(extensionReference.length)]))
  ])

export const rootDotDot = (time: Date): Uint8Array => concat([px(0o040555, 2), tf(time)])

export const regular = (name: string, time: Date): Uint8Array => concat([px(0o100400, 1), tf(time), nm(name)])
