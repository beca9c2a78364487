/** Secure strings and credentials: plain in memory alone, redacted there, and sealed by the session key on the wire. */
import type * as Redacted from "effect/Redacted"
import type { PsObject, PsSecureString, PsValue } from "./PsValue.ts"

/** What a session key does: AES-256-CBC over UTF-16LE, as base64 (MS-PSRP §2.2.5.1.24). */
export interface SecureStringCipher {
  readonly encrypt: (plain: Redacted.Redacted<string>) => string
  /** undefined for text that this key did not seal. */
  readonly decrypt: (sealed: string) => Redacted.Redacted<string> | undefined
}

/** System.Security.SecureString */
export const secureString = (plain: Redacted.Redacted<string>): PsSecureString => ({ _tag: "SecureString", plain })

const credentialType = "System.Management.Automation.PSCredential"

/** System.Management.Automation.PSCredential */
export const credential = (userName: string, password: Redacted.Redacted<string>): PsObject => ({
  _tag: "Object",
  typeNames: [credentialType, "System.Object"],
  text: credentialType,
  adapted: new Map<string, PsValue>([
    ["UserName", userName],
    ["Password", secureString(password)]
  ]),
  extended: new Map()
})

/** The parts of a PSCredential; undefined for any other object, or one whose password nobody could open. */
export const readCredential = (
  object: PsObject
): { readonly userName: string; readonly password: Redacted.Redacted<string> } | undefined => {
  const userName = object.adapted.get("UserName")
  const password = object.adapted.get("Password")
  const isCredential =
    object.typeNames[0] === credentialType &&
    typeof userName === "string" &&
    typeof password === "object" &&
    password !== null &&
    "_tag" in password &&
    password._tag === "SecureString"
  return isCredential ? { userName, password: password.plain } : undefined
}

/** Whether the value holds a secure string anywhere, and so needs a session key to travel. */
export const holdsSecureString = (value: PsValue): boolean => {
  const seen = new Set<PsValue>()
  const waiting: Array<PsValue> = [value]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next === null || typeof next !== "object" || next instanceof Uint8Array || seen.has(next)) continue
    seen.add(next)
    switch (next._tag) {
      case "SecureString":
        return true
      case "Scalar":
        break
      case "List":
        for (const item of next.items) waiting.push(item)
        break
      case "Dictionary":
        for (const [key, item] of next.entries) waiting.push(key, item)
        break
      case "Object":
        for (const properties of [next.adapted, next.extended])
          for (const item of properties.values()) waiting.push(item)
        if (next.value !== undefined) waiting.push(next.value)
    }
  }
  return false
}
