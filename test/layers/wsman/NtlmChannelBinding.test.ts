// The certificate library wants it loaded first.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata"
import { assert, describe, it } from "@effect/vitest"
import * as x509 from "@peculiar/x509"
import * as Schema from "effect/Schema"
import { createHash, subtle } from "node:crypto"
import { tlsServerEndPoint } from "../../../layers/wsman/NtlmChannelBinding.ts"

const prefix = "tls-server-end-point:"
const utf8 = new TextEncoder()

const expected = (hash: string, certificate: Uint8Array): Uint8Array =>
  Uint8Array.from([...utf8.encode(prefix), ...createHash(hash).update(certificate).digest()])

const ecdsa = (hash: string) => ({ name: "ECDSA", namedCurve: "P-256", hash })
const rsa = (hash: string) => ({
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 1024,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash
})

describe("the channel binding", () => {
  it.each([
    ["ECDSA with SHA-256", ecdsa("SHA-256"), "sha256"],
    ["ECDSA with SHA-384", ecdsa("SHA-384"), "sha384"],
    ["ECDSA with SHA-512", ecdsa("SHA-512"), "sha512"],
    ["RSA with SHA-1", rsa("SHA-1"), "sha256"],
    ["RSA with SHA-256", rsa("SHA-256"), "sha256"],
    ["RSA with SHA-384", rsa("SHA-384"), "sha384"],
    ["RSA with SHA-512", rsa("SHA-512"), "sha512"]
  ])("of a certificate signed by %s", async (_name, signingAlgorithm, hash) => {
    const keys = await subtle.generateKey(signingAlgorithm, true, ["sign", "verify"])
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=exec1",
      signingAlgorithm,
      keys
    })
    const der = new Uint8Array(certificate.rawData)
    assert.deepStrictEqual(tlsServerEndPoint(der), expected(hash, der))
  })

  it.prop("of what is no certificate is there, too", { bytes: Schema.Uint8Array }, ({ bytes }) => {
    for (const der of [bytes, Uint8Array.of(0x30, 0x84, ...bytes), Uint8Array.of(0x30, bytes.length & 0x7f, ...bytes)])
      assert.deepStrictEqual(tlsServerEndPoint(der), expected("sha256", der))
  })
})
