/** The restricted kubeconfig parser: what it takes, what it refuses by field, and that nothing makes it run, read or hang. */
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Yaml from "yaml"
import { parse } from "../../../layers/kube/WorkloadKubeconfig.ts"

const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
const base64 = (text: string): string => Buffer.from(text).toString("base64")

interface Parts {
  readonly cluster?: object
  readonly user?: object
}
const kubeconfig = ({ cluster, user }: Parts = {}) => ({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "c",
  contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
  clusters: [
    { name: "k", cluster: { server: "https://api.k:6443", "certificate-authority-data": base64(pem), ...cluster } }
  ],
  users: [{ name: "u", user: { "client-certificate-data": base64(pem), "client-key-data": base64(pem), ...user } }]
})

const parsed = (content: object | string) =>
  parse("Secret ns/k-kubeconfig", typeof content === "string" ? content : Yaml.stringify(content))

const refusal = (content: object | string) =>
  Result.match(parsed(content), {
    onSuccess: () => "taken",
    onFailure: ({ reason, field }) => `${reason} ${field}`
  })

describe("a workload cluster's kubeconfig", () => {
  it("is taken with an inline certificate, or a token", () => {
    const withCertificate = Result.getOrThrow(parsed(kubeconfig()))
    assert.strictEqual(withCertificate.server, "https://api.k:6443")
    assert.strictEqual(withCertificate.ca, pem)
    assert.strictEqual(withCertificate.client?.cert, pem)
    const token = { "client-certificate-data": null, "client-key-data": null, token: "t" }
    const withToken = Result.getOrThrow(parsed(JSON.stringify(kubeconfig({ user: token }))))
    assert.strictEqual(withToken.token && Redacted.value(withToken.token), "t")
    assert.isUndefined(withToken.client)
  })

  it.each([
    [
      { user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "touch", interactiveMode: "Never" } } },
      "NotAllowed users.u.user.exec"
    ],
    [{ user: { exec: { command: "touch" } } }, "Malformed users.u.user.exec.apiVersion"],
    [{ user: { "auth-provider": { name: "oidc" } } }, "NotAllowed users.u.user.auth-provider"],
    [
      { user: { "auth-provider": { name: "gcp", config: { "cmd-path": "touch" } } } },
      "NotAllowed users.u.user.auth-provider.name"
    ],
    [
      { user: { tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token" } },
      "NotAllowed users.u.user.tokenFile"
    ],
    [
      { user: { "client-certificate-data": null, "client-certificate": "/etc/passwd" } },
      "NotAllowed users.u.user.client-certificate"
    ],
    [{ user: { "client-key-data": null, "client-key": "/etc/passwd" } }, "NotAllowed users.u.user.client-key"],
    [{ user: { username: "admin", password: "x" } }, "NotAllowed users.u.user.username"],
    [{ user: { as: "root" } }, "NotAllowed users.u.user.as"],
    [{ user: { "as-groups": ["system:masters"] } }, "NotAllowed users.u.user.as-groups"],
    [
      { cluster: { "certificate-authority-data": null, "certificate-authority": "/etc/passwd" } },
      "NotAllowed clusters.k.cluster.certificate-authority"
    ],
    [{ cluster: { "insecure-skip-tls-verify": true } }, "NotAllowed clusters.k.cluster.insecure-skip-tls-verify"],
    [{ cluster: { "proxy-url": "socks5://evil" } }, "NotAllowed clusters.k.cluster.proxy-url"],
    [{ cluster: { server: "http://api.k" } }, "NotAllowed cluster.server"],
    [{ cluster: { server: "file:///etc/passwd" } }, "Malformed clusters.k.cluster.server"],
    [{ cluster: { "certificate-authority-data": null } }, "Malformed cluster.certificate-authority-data"],
    [{ user: { "client-certificate-data": null, "client-key-data": null } }, "Malformed user"]
  ] as const)("%j is %s", (parts, expected) => {
    assert.strictEqual(refusal(kubeconfig(parts)), expected)
  })

  // Whoever looks for a key that is there twice compares each with each: seconds, in which nothing else runs.
  it("of a key that is there twice the last counts, as for kubectl", () => {
    assert.strictEqual(parsed(`current-context: nobody\n${Yaml.stringify(kubeconfig())}`)._tag, "Success")
  })

  it("bombs are bounded", () => {
    const laughs = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for (let n = 0; n < 12; n++) {
      const [from, to] = [String.fromCodePoint(97 + n), String.fromCodePoint(98 + n)]
      laughs.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(",")}]`)
    }
    // What stops each of them; without it the test's own time would run out.
    const cases = {
      "not a kubeconfig: a mapping is expected": [laughs.join("\n")],
      "not YAML (RESOURCE_EXHAUSTION)": ["[".repeat(65_000), "{a: ".repeat(16_000), "? ".repeat(32_000)],
      "not YAML (UNEXPECTED_TOKEN)": [`a: ${"- ".repeat(32_000)}`],
      "not YAML (MULTIPLE_ANCHORS)": ["&a ".repeat(21_000)],
      "not YAML (ALIAS_PROPS)": [Array.from({ length: 3000 }, (_, n) => `k${n}: &a${n} *a${n - 1}`).join("\n")],
      "longer than 64 KiB": [`x: ${"y".repeat(300_000)}`],
      missing: [Array.from({ length: 7000 }, (_, n) => `k${n}: 1`).join("\n")]
    }
    for (const [expected, sources] of Object.entries(cases)) {
      for (const source of sources) {
        const stopped = Result.match(parsed(source), { onSuccess: () => "taken", onFailure: ({ detail }) => detail })
        assert.strictEqual(stopped, expected, source.slice(0, 20))
      }
    }
  })

  it.prop(
    "any text, and any document around a secret, is an answer and no exception, and the secret is in none",
    {
      noise: Schema.String,
      secret: Schema.String.check(Schema.isMinLength(6)),
      where: Schema.Literals(["server", "token", "client-key-data", "certificate-authority-data", "exec", "name"])
    },
    ({ noise, secret, where }) => {
      const hidden = `s3cret${secret}`
      const documents = [
        noise,
        `${noise}\n${Yaml.stringify(kubeconfig())}`,
        Yaml.stringify(kubeconfig({ user: { [where]: hidden } })) + noise,
        Yaml.stringify(kubeconfig({ cluster: { [where]: [hidden, noise] } })),
        JSON.stringify({ ...kubeconfig(), [noise]: hidden, users: [{ name: 1, user: { [where]: hidden } }] })
      ]
      for (const document of documents) {
        const result = parsed(document)
        if (Result.isFailure(result)) assert.notInclude(JSON.stringify(result.failure), "s3cret")
        else assert.match(result.success.server, /^https:\/\//u)
      }
    }
  )
})
