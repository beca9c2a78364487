import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { noProxies, type ProxyEnvironment, routeOf } from "../../layers/DialProxy.ts"

const proxy = "http://proxy.example:3128"
const both: ProxyEnvironment = { httpProxy: proxy, httpsProxy: proxy, noProxy: "" }

const routed = (environment: Partial<ProxyEnvironment>, origin: string) =>
  routeOf({ ...noProxies, ...environment })(origin)

/** Whether a connection to `origin` goes through the proxy, with this NO_PROXY. */
const proxied = (noProxy: string, origin: string): boolean =>
  Result.getOrThrow(routed({ ...both, noProxy }, origin)) !== undefined

describe("the proxy of a connection", () => {
  it.each([
    // What httpproxy_test.go of golang.org/x/net holds against NO_PROXY, and a little more.
    ["", "http://example.com", true],
    ["", "http://127.0.0.1:8080", false],
    ["", "https://127.200.0.1", false],
    ["", "https://[::1]:5986", false],
    ["", "https://[::ffff:127.0.0.1]", false],
    ["", "https://localhost:5986", false],
    ["", "https://localhost.example", true],
    ["example.com", "http://example.com", false],
    ["example.com", "http://a.b.example.com", false],
    ["example.com", "http://notexample.com", true],
    ["example.com", "http://example.com.evil", true],
    [".example.com", "http://example.com", true],
    [".example.com", "http://foo.example.com", false],
    ["*.example.com", "http://example.com", true],
    ["*.example.com", "http://foo.example.com", false],
    [" EXAMPLE.com , other", "http://example.COM", false],
    ["foo.com:80", "http://foo.com", false],
    ["foo.com:80", "http://bar.foo.com:80", false],
    ["foo.com:80", "https://foo.com", true],
    ["foo.com:443", "https://foo.com", false],
    ["*", "http://example.com", false],
    ["foo,*,bar", "https://10.0.0.1", false],
    ["192.168.1.1", "http://192.168.1.1", false],
    ["192.168.1.1", "http://192.168.1.10", true],
    ["192.168.1.1:5985", "http://192.168.1.1:5985", false],
    ["192.168.1.1:5985", "http://192.168.1.1:5986", true],
    ["10.0.0.0/8", "https://10.1.2.3:5986", false],
    ["10.0.0.0/8", "https://11.1.2.3:5986", true],
    ["10.0.0.0/33", "https://10.0.0.0", true],
    ["0.0.0.0/0", "https://203.0.113.1", false],
    ["0.0.0.0/0", "https://exec1.example", true],
    ["2001:db8::/32", "https://[2001:db8::5]:5986", false],
    ["2001:db8::/32", "https://[2001:db9::5]:5986", true],
    ["[2001:db8::5]:5986", "https://[2001:db8::5]:5986", false],
    ["[2001:db8::5]:5986", "https://[2001:db8::5]:5987", true],
    ["2001:db8::5", "https://[2001:0db8:0::5]", false],
    // An address is no name: a suffix of it means nothing.
    ["0.0.1", "http://10.0.0.1", true],
    ["münchen.example", "https://xn--mnchen-3ya.example", false],
    [",, :80, fe80::1%eth0, [::1, ::1]", "http://example.com", true]
  ] as const)("NO_PROXY=%s, %s: %s", (noProxy, origin, expected) => {
    assert.strictEqual(proxied(noProxy, origin), expected)
  })

  it("is that of the scheme", () => {
    const { httpProxy } = both
    assert.isUndefined(Result.getOrThrow(routed({ httpProxy }, "https://exec1")))
    assert.strictEqual(Result.getOrThrow(routed({ httpProxy }, "http://exec1"))?.origin, proxy)
    assert.isUndefined(Result.getOrThrow(routed({}, "http://exec1")))
  })

  it.each([
    ["proxy.example:3128", "http://proxy.example:3128"],
    ["10.0.0.1:3128", "http://10.0.0.1:3128"],
    ["https://proxy.example/", "https://proxy.example"],
    ["HTTP://Proxy.example:80", "http://proxy.example"]
  ])("HTTPS_PROXY=%s means %s", (httpsProxy, expected) => {
    const found = Result.getOrThrow(routed({ httpsProxy }, "https://exec1"))
    assert.deepStrictEqual(found, { origin: expected, authorization: undefined })
  })

  it("has credentials that are shown nowhere", () => {
    const found = Result.getOrThrow(
      routed({ httpsProxy: "http://capi:p%40ss%20w@proxy.example:3128" }, "https://exec1")
    )
    if (found?.authorization === undefined) return assert.fail("no credentials")
    assert.strictEqual(Redacted.value(found.authorization), `Basic ${btoa("capi:p@ss w")}`)
    assert.notMatch(JSON.stringify(found), /p@ss|p%40ss|Basic/u)
    return undefined
  })

  it.each(["socks5://secret@proxy:1080", "http://", "http://secret:%ff@proxy", "://", "secret@", "ftp://proxy"])(
    "HTTPS_PROXY=%s is refused and not ignored",
    (httpsProxy) => {
      const refused = routed({ httpsProxy }, "https://exec1")
      assert.isTrue(Result.isFailure(refused))
      assert.include(JSON.stringify(refused), "HTTPS_PROXY")
      assert.notInclude(JSON.stringify(refused), "secret")
      // What does not need it goes on.
      assert.isUndefined(Result.getOrThrow(routed({ httpsProxy }, "https://localhost:1")))
      assert.isUndefined(Result.getOrThrow(routed({ httpsProxy }, "http://exec1")))
    }
  )

  const label = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9]{0,8}$/u))
  it.prop(
    "a domain excepts itself and all below it, on all ports; with a dot before it only what is below",
    {
      below: label,
      name: label,
      zone: label,
      port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 }))
    },
    ({ below, name, zone, port }) => {
      const domain = `${name}.${zone}`
      assert.isFalse(proxied(domain, `https://${domain}:${port}`))
      assert.isFalse(proxied(domain, `https://${below}.${domain}:${port}`))
      assert.isTrue(proxied(domain, `https://${below}${domain}:${port}`))
      assert.isTrue(proxied(`.${domain}`, `https://${domain}:${port}`))
      assert.isFalse(proxied(`.${domain}`, `https://${below}.${domain}:${port}`))
      assert.isFalse(proxied(`${domain}:${port}`, `https://${domain}:${port}`))
      assert.strictEqual(proxied(`${domain}:443`, `https://${domain}:${port}`), port !== 443)
    }
  )

  const octet = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
  it.prop(
    "a range excepts the addresses whose first bits are its own",
    {
      network: Schema.Tuple([octet, octet, octet, octet]),
      address: Schema.Tuple([octet, octet, octet, octet]),
      bits: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 32 }))
    },
    ({ network, address, bits }) => {
      const number = (parts: ReadonlyArray<number>): bigint =>
        parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n)
      const shift = 32n - BigInt(bits)
      const inside = address[0] === 127 || number(network) >> shift === number(address) >> shift
      assert.strictEqual(proxied(`${network.join(".")}/${bits}`, `https://${address.join(".")}:5986`), !inside)
    }
  )

  it.prop("is decided whatever the variables hold", { noProxy: Schema.String, value: Schema.String }, (given) => {
    for (const noProxy of [given.noProxy, `${given.noProxy}:80`, `${given.noProxy}/8`, `[${given.noProxy}]`])
      routed({ httpsProxy: given.value, httpProxy: given.value, noProxy }, "https://exec1.example:5986")
  })
})
