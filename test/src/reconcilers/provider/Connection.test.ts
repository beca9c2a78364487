import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ProviderTransport } from "../../../../schemas/scvmm/ProviderTransport.ts"
import type { ProviderConnection } from "../../../../layers/scvmm/ScvmmSession.ts"
import type { Problem } from "../../../../src/reconcilers/provider/Connection.ts"
import { connectionOf } from "../../../../src/reconcilers/provider/Connection.ts"
import { scvmmProvider } from "../Objects.ts"
import { makeAuthority } from "../../../harness/Certificates.ts"
import { rich } from "../Rich.ts"

const password = "S3cr3t-ünd-länger"
const good = { username: String.raw`DOM\svc`, password }
const https = { scheme: "https", authentication: "Basic" }
const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
const base64 = (text: string): string => Buffer.from(text).toString("base64")

const of = (spec: object = {}, data: Readonly<Record<string, string>> = good): ProviderConnection | Problem =>
  connectionOf(scvmmProvider({ spec: { transport: https, ...spec } }), { resourceVersion: "77", data })

const authority = await makeAuthority("lab")
const pair = await authority.issue({ commonName: "capi", usage: "clientAuth" })
const other = await authority.issue({ commonName: "other", usage: "clientAuth" })
const byCertificate = (data: Readonly<Record<string, string>>) =>
  of({ transport: { scheme: "https", authentication: "Certificate" } }, { ...good, ...data })

const connected = (spec: object = {}, data: Readonly<Record<string, string>> = good): ProviderConnection => {
  const connection = of(spec, data)
  if ("_tag" in connection) return assert.fail(connection.message)
  return connection
}

describe("Connection: what a person must change", () => {
  it.each<[string, ProviderConnection | Problem, string, ReadonlyArray<string | RegExp>]>([
    ...[
      [{ allowedNamespaces: { list: ["a"] } }, "spec.allowedNamespaces"],
      [{ cloudInit: { fileSystem: "vfat" } }, "spec.cloudInit.fileSystem"],
      [{ cloudInit: { deviceType: "scsi" } }, "spec.cloudInit.deviceType"],
      [{ orphanPolicy: "Delete" }, "spec.orphanPolicy"]
    ].map(([spec, field]): [string, ProviderConnection | Problem, string, ReadonlyArray<string>] => [
      `${String(field)}, which nothing acts on`,
      of(Object(spec)),
      "NotSupported",
      [String(field), "remove it"]
    ]),
    ["no password", of({}, { username: "u" }), "CredentialsInvalid", ['"vmm-secret"', "data.password", /add/u]],
    ["no user name", of({}, { password }), "CredentialsInvalid", ['"vmm-secret"', "data.username", /add/u]],
    ["an empty Secret", of({}, {}), "CredentialsInvalid", ["data.username and data.password"]],
    ["empty values", of({}, { username: "", password: "" }), "CredentialsInvalid", ["data.username and data.password"]],
    [
      "Basic in the clear",
      of({ transport: { scheme: "http", authentication: "Basic" } }),
      "TransportInvalid",
      ["spec.transport.authentication", '"Basic"', 'spec.transport.scheme "https"']
    ],
    [
      "Basic in the clear, by the default scheme",
      of({ transport: { authentication: "Basic" } }),
      "TransportInvalid",
      ['spec.transport.scheme "https"']
    ],
    ...["Kerberos", "Certificate"].map(
      (authentication): [string, ProviderConnection | Problem, string, Array<string>] => [
        `${authentication} without TLS`,
        of({ transport: { authentication } }),
        "TransportInvalid",
        ["spec.transport.authentication", `"${authentication}"`, 'needs spec.transport.scheme "https"']
      ]
    ),
    ["no client certificate", byCertificate({}), "CredentialsInvalid", ['data["tls.crt"]', '"vmm-secret"', "missing"]],
    [
      "a client certificate without its key",
      byCertificate({ "tls.crt": pair.cert }),
      "CredentialsInvalid",
      ['data["tls.key"]', '"vmm-secret"', "missing"]
    ],
    [
      "a client certificate that is none",
      byCertificate({ "tls.crt": pem, "tls.key": pair.key }),
      "CredentialsInvalid",
      ['data["tls.crt"]', '"vmm-secret"', "not a certificate in PEM"]
    ],
    [
      "a client key that is none",
      byCertificate({ "tls.crt": pair.cert, "tls.key": pair.key.replace("M", "?") }),
      "CredentialsInvalid",
      ['data["tls.key"]', '"vmm-secret"', "not a private key in PEM"]
    ],
    [
      "the key of another client certificate",
      byCertificate({ "tls.crt": pair.cert, "tls.key": other.key }),
      "CredentialsInvalid",
      ['data["tls.key"]', '"vmm-secret"', "not the key of the certificate in tls.crt"]
    ],
    [
      "what protects TLS alone",
      of({ transport: { caBundle: base64(pem), serverCertificateThumbprint: "ab".repeat(32) } }),
      "TransportInvalid",
      ["spec.transport.caBundle and spec.transport.serverCertificateThumbprint", '"http"', 'use "https"']
    ],
    [
      "a bundle that is not base64",
      of({ transport: { ...https, caBundle: "%%%" } }),
      "TransportInvalid",
      ["spec.transport.caBundle", "PEM"]
    ],
    [
      "a bundle that is not PEM",
      of({ transport: { ...https, caBundle: base64("text") } }),
      "TransportInvalid",
      ["spec.transport.caBundle", "PEM"]
    ],
    [
      "a bundle of the Secret that is not PEM",
      of({}, { ...good, "ca.crt": "text" }),
      "TransportInvalid",
      ['data["ca.crt"]', '"vmm-secret"', "PEM"]
    ],
    ["no VMM server", of({ scvmmHost: "" }), "ScvmmHostMissing", ["spec.scvmmHost"]]
  ])("%s", (_name, problem, reason, says) => {
    if (!("_tag" in problem)) return assert.fail("it was taken")
    assert.strictEqual(problem.reason, reason)
    for (const part of says) {
      if (typeof part === "string") assert.include(problem.message, part)
      else assert.match(problem.message, part)
    }
  })

  const Text = Schema.String
  it.prop(
    "is a connection that can be dialled, or a problem; the password is in neither",
    { transport: ProviderTransport, user: Text, ca: Schema.UndefinedOr(Text), hosts: Schema.Array(Text) },
    ({ transport, user, ca, hosts }) => {
      const provider = { ...scvmmProvider(), spec: { ...scvmmProvider().spec, transport, execHosts: hosts } }
      const data = { username: user, password, ...(ca !== undefined && { "ca.crt": ca }) }
      const connection = connectionOf(provider, { resourceVersion: "1", data })
      assert.notInclude(JSON.stringify(connection), password)
      if ("_tag" in connection) {
        assert.match(connection.reason, /^[A-Z][A-Za-z]*$/u)
        assert.match(connection.message, /spec\.|Secret/u)
        return
      }
      const { scheme, authentication } = connection
      assert.match(`${scheme} ${authentication}`, /^(?:https? (?:Negotiate|NTLM)|https (?:Basic|Kerberos))$/u)
      assert.isAbove(connection.execHosts.length, 0)
      assert.notInclude(connection.execHosts, "")
      assert.strictEqual(Redacted.value(connection.password), password)
    },
    rich
  )
})

describe("Connection: where to dial (checklist 35)", () => {
  it.each<[string, object, ReadonlyArray<string>]>([
    ["execHosts in order", { execHosts: ["b", "a"], execHost: "c" }, ["b", "a"]],
    ["execHosts without the empty ones", { execHosts: ["", "a"] }, ["a"]],
    ["execHost alone", { execHost: "c" }, ["c"]],
    ["execHost, when execHosts holds nothing", { execHosts: [""], execHost: "c" }, ["c"]],
    ["execHost, when execHosts is empty", { execHosts: [], execHost: "c" }, ["c"]],
    ["neither", {}, ["vmm.example.org"]],
    ["both empty", { execHosts: [], execHost: "" }, ["vmm.example.org"]]
  ])("%s", (_name, spec, hosts) => {
    const connection = connected(spec)
    assert.deepStrictEqual(connection.execHosts, hosts)
    assert.strictEqual(connection.scvmmHost, "vmm.example.org")
  })

  it("an empty execHost and 0 seconds are none, also where the decoder let them through", () => {
    const provider = scvmmProvider({ spec: { transport: https } })
    const connection = connectionOf(
      { ...provider, spec: { ...provider.spec, execHost: "", keepAliveSeconds: 0 } },
      { resourceVersion: "1", data: good }
    )
    assert.deepInclude(connection, { execHosts: ["vmm.example.org"], keepAliveSeconds: 20 })
  })
})

describe("Connection: its values", () => {
  it("defaults", () => {
    const { password: _, ...rest } = connected()
    assert.deepStrictEqual(rest, {
      uid: "uid-vmm",
      namespace: "default",
      name: "vmm",
      specVersion: "1",
      credentialVersion: "77",
      scvmmHost: "vmm.example.org",
      execHosts: ["vmm.example.org"],
      scheme: "https",
      port: 5986,
      authentication: "Basic",
      insecureSkipVerify: false,
      configurationName: "Microsoft.PowerShell",
      operationTimeoutSeconds: 60,
      userName: String.raw`DOM\svc`,
      keepAliveSeconds: 20,
      sessions: 3,
      libraryShare: String.raw`ISOs\cloud-init`,
      adoption: "Owned",
      environment: {},
      extraFunctions: {}
    })
  })

  it("the predecessor's manifests have no transport: http, sealed by NTLM", () => {
    const bare = connectionOf(scvmmProvider(), { resourceVersion: "1", data: good })
    assert.deepInclude(bare, { scheme: "http", port: 5985, authentication: "Negotiate" })
    assert.deepInclude(connected({ transport: { authentication: "NTLM" } }), { scheme: "http", authentication: "NTLM" })
    assert.deepInclude(connected({ transport: { scheme: "https" } }), { port: 5986, authentication: "Negotiate" })
  })

  it("a client certificate, whose key is shown nowhere", () => {
    const connection = byCertificate({ "tls.crt": pair.cert, "tls.key": pair.key })
    if ("_tag" in connection) return assert.fail(connection.message)
    const { clientCertificate } = connection
    if (clientCertificate === undefined) return assert.fail("no certificate")
    assert.strictEqual(clientCertificate.cert, pair.cert)
    assert.strictEqual(Redacted.value(clientCertificate.key), pair.key)
    const [, line = ""] = pair.key.split("\n")
    assert.notInclude(JSON.stringify(connection), line)
    // The Secret may hold one for something else.
    assert.notProperty(connected({}, { ...good, "tls.crt": pair.cert, "tls.key": "?" }), "clientCertificate")
    return undefined
  })

  it("what was set", () => {
    const thumbprint = "ab".repeat(32)
    const transport = {
      ...https,
      port: 15986,
      insecureSkipVerify: true,
      serverCertificateThumbprint: thumbprint,
      configurationName: "Caps",
      operationTimeoutSeconds: 30
    }
    const cloudInit = { libraryShare: String.raw`\\srv\share\dir` }
    assert.deepInclude(connected({ transport, cloudInit, keepAliveSeconds: 90, sessions: 5, adoption: "Unmarked" }), {
      port: 15986,
      insecureSkipVerify: true,
      thumbprint,
      configurationName: "Caps",
      operationTimeoutSeconds: 30,
      libraryShare: String.raw`\\srv\share\dir`,
      keepAliveSeconds: 90,
      sessions: 5,
      adoption: "Unmarked"
    })
  })

  it("0 seconds mean 20", () => {
    assert.strictEqual(connected({ keepAliveSeconds: 0 }).keepAliveSeconds, 20)
  })

  it("the spec's bundle wins over the Secret's", () => {
    const other = pem.replace("MIIB", "MIIC")
    assert.strictEqual(connected({}, { ...good, "ca.crt": pem }).caBundle, pem)
    const transport = { ...https, caBundle: base64(other) }
    assert.strictEqual(connected({ transport }, { ...good, "ca.crt": pem }).caBundle, other)
    assert.strictEqual(connected({ transport }, { ...good, "ca.crt": "text" }).caBundle, other)
    assert.notProperty(connected(), "caBundle")
  })

  it("a changed Secret and a changed spec are new versions", () => {
    const provider = scvmmProvider({ metadata: { generation: 4 }, spec: { transport: https } })
    const at = (resourceVersion: string) => connectionOf(provider, { resourceVersion, data: good })
    assert.deepInclude(at("5"), { specVersion: "4", credentialVersion: "5" })
    assert.deepInclude(at("6"), { specVersion: "4", credentialVersion: "6" })
  })
})
