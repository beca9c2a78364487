/** Numbers and dates as ISO 9660 stores them (ECMA-119 §7, §8.4.26, §9.1.5). */

export const sector = 2048

export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** `bytes` in exactly `length` bytes: cut, or filled up with `fill`. */
export const padTo = (bytes: Uint8Array, length: number, fill: number): Uint8Array => {
  const padded = new Uint8Array(length).fill(fill)
  padded.set(bytes.subarray(0, length))
  return padded
}

export const bothEndian16 = (value: number): Uint8Array =>
  Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 8) & 0xff, value & 0xff)

export const bothEndian32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, value, true)
  view.setUint32(4, value, false)
  return bytes
}

/** Seven bytes in UTC, as directory records have it. */
export const recordDate = (time: Date): Uint8Array =>
  Uint8Array.of(
    time.getUTCFullYear() - 1900,
    time.getUTCMonth() + 1,
    time.getUTCDate(),
    time.getUTCHours(),
    time.getUTCMinutes(),
    time.getUTCSeconds(),
    0
  )

/** Sixteen digits and a zone, as volume descriptors have it. */
export const volumeDate = (time: Date): Uint8Array => {
  const digits = time.toISOString().replaceAll(/\D/gu, "").slice(0, 16)
  return padTo(
    Uint8Array.from(digits, (c) => c.charCodeAt(0)),
    17,
    0
  )
}
