import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path } from "../../../src/simulators/kube/Access.ts"
import { at, strings, text, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { configure, hook, mutatings, operations, validatings, webhook } from "./Hooks.ts"
import { configMap, configMaps, exchange, gadget, gadgets, meta, onBoth, type Api } from "./Servers.ts"

const allow = () => ({ allowed: true })

const post = (api: Api, object: KubeJson, query = "") =>
  exchange(api, "POST", `${path(gadgets, api.namespace)}${query}`, object)

const merge = (api: Api, name: string, patch: KubeJson, query = "") =>
  exchange(api, "PATCH", `${path(gadgets, api.namespace, name)}${query}`, patch, "application/merge-patch+json")

/** A validating webhook that answers as told. */
const validating = (api: Api, reaction: Parameters<typeof hook>[0], more: KubeJson = {}) =>
  Effect.gen(function* () {
    const watcher = yield* hook(reaction)
    yield* configure(api, validatings, watcher, [webhook(api, watcher.clientConfig("/validate"), more)])
    return watcher
  })

const mutating = (api: Api, reaction: Parameters<typeof hook>[0], more: KubeJson = {}) =>
  Effect.gen(function* () {
    const watcher = yield* hook(reaction)
    yield* configure(api, mutatings, watcher, [webhook(api, watcher.clientConfig("/mutate"), more)])
    return watcher
  })

describe("admission webhooks", () => {
  onBoth("see what is written, by whom, and what was before", (api) =>
    Effect.gen(function* () {
      const watcher = yield* validating(api, allow)
      const created = yield* api.create(gadgets, api.namespace, gadget("a"))
      const patched = yield* api.mergePatch(gadgets, api.namespace, "a", { spec: { count: 4 } })
      yield* api.replace(gadgets, api.namespace, { ...patched, spec: { size: "large" } })
      yield* api.delete(gadgets, api.namespace, "a")
      const [create, patch, update, remove] = watcher.requests()
      assert.deepStrictEqual(
        watcher.requests().map((request) => [request["operation"], request["name"], request["namespace"]]),
        ["CREATE", "UPDATE", "UPDATE", "DELETE"].map((operation) => [operation, "a", api.namespace])
      )
      assert.deepStrictEqual(create?.["kind"], { group: "conformance.example.com", version: "v1", kind: "Gadget" })
      assert.deepStrictEqual(create?.["resource"], {
        group: "conformance.example.com",
        version: "v1",
        resource: "gadgets"
      })
      assert.deepStrictEqual(
        [create?.["requestKind"], create?.["requestResource"]],
        [create?.["kind"], create?.["resource"]]
      )
      assert.include(strings(create, "userInfo", "groups"), "system:masters")
      assert.isNotEmpty(text(create, "userInfo", "username"))
      assert.deepStrictEqual(
        [create?.["oldObject"], create?.["dryRun"], at(create, "options", "kind")],
        [null, false, "CreateOptions"]
      )
      const seen = at(create, "object")
      assert.deepStrictEqual(
        [at(seen, "spec"), at(seen, "metadata", "uid"), at(seen, "metadata", "generation")],
        [{ size: "small", count: 3 }, meta(created, "uid"), 1]
      )
      assert.isUndefined(at(seen, "metadata", "resourceVersion"))
      assert.deepStrictEqual([at(patch, "object", "spec", "count"), at(patch, "oldObject", "spec", "count")], [4, 3])
      assert.strictEqual(at(patch, "options", "kind"), "UpdateOptions")
      assert.strictEqual(at(patch, "object", "metadata", "generation"), 2)
      assert.strictEqual(at(patch, "oldObject", "metadata", "resourceVersion"), meta(created, "resourceVersion"))
      assert.deepStrictEqual(at(update, "object", "spec"), { size: "large", count: 3 })
      assert.deepStrictEqual(
        [remove?.["object"], at(remove, "oldObject", "spec", "size"), at(remove, "options", "kind")],
        [null, "large", "DeleteOptions"]
      )
    })
  )

  const refusals: ReadonlyArray<readonly [string, KubeJson]> = [
    ["no explanation", {}],
    ["a message", { status: { message: "no way" } }],
    ["a reason alone", { status: { reason: "Because" } }],
    ["a code", { status: { code: 403, reason: "Forbidden", message: "not you" } }],
    [
      "causes",
      {
        status: {
          code: 422,
          reason: "Invalid",
          message: "bad",
          details: { causes: [{ field: "spec.size", reason: "FieldValueInvalid", message: "m" }] }
        }
      }
    ],
    ["the code of a success", { status: { code: 200, message: "odd" } }]
  ]
  const said: ReadonlyArray<readonly [number, string, string]> = [
    [400, "", "denied the request without explanation"],
    [400, "", "denied the request: no way"],
    [400, "Because", "denied the request: Because"],
    [403, "Forbidden", "denied the request: not you"],
    [422, "Invalid", "denied the request: bad"],
    [400, "", "denied the request: odd"]
  ]
  refusals.forEach(([what, refusal], index) => {
    onBoth(`deny with ${what}`, (api) =>
      Effect.gen(function* () {
        yield* validating(api, () => ({ allowed: false, ...refusal }))
        const answer = yield* post(api, gadget("a"))
        const [code, reason, words] = said[index] ?? [0, "", ""]
        assert.deepStrictEqual(
          [answer.status, text(answer.object, "reason"), answer.message],
          [code, reason, `admission webhook "hook.example.com" ${words}`]
        )
        assert.deepStrictEqual(answer.causes, what === "causes" ? ["FieldValueInvalid spec.size"] : [])
        assert.isUndefined(yield* api.find(gadgets, api.namespace, "a"))
      })
    )
  })

  onBoth("hold back updates and deletions, of one and of many", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const watcher = yield* validating(api, () => ({ allowed: false, status: { message: "kept" } }), {
        rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["UPDATE", "DELETE"], resources: ["gadgets"] }]
      })
      assert.strictEqual((yield* merge(api, "a", { spec: { size: "large" } })).status, 400)
      assert.strictEqual((yield* exchange(api, "DELETE", path(gadgets, api.namespace, "a"))).status, 400)
      assert.strictEqual((yield* exchange(api, "DELETE", path(gadgets, api.namespace))).status, 400)
      assert.strictEqual(at(yield* api.get(gadgets, api.namespace, "a"), "spec", "size"), "small")
      assert.isUndefined(watcher.requests().at(-1)?.["name"])
      // What is not there is not asked about.
      const before = watcher.requests().length
      assert.strictEqual((yield* exchange(api, "DELETE", path(gadgets, api.namespace, "none"))).status, 404)
      assert.strictEqual(watcher.requests().length, before)
    })
  )

  onBoth("change what is written, and the result is completed, pruned and judged", (api) =>
    Effect.gen(function* () {
      let patch: ReadonlyArray<KubeJson> = [
        { op: "add", path: "/spec/devices", value: [{ nic: "1" }] },
        { op: "add", path: "/spec/bogus", value: true },
        { op: "add", path: "/metadata/labels", value: { hooked: "yes" } }
      ]
      yield* mutating(api, () => ({ ...operations(patch), warnings: ["changed it"] }))
      const created = yield* post(api, gadget("a"))
      assert.strictEqual(created.status, 201)
      assert.include(created.warning, '299 - "changed it"')
      assert.deepStrictEqual(
        [created.object["spec"], meta(created.object, "labels")],
        [{ size: "small", count: 3, devices: [{ name: "eth0", nic: "1", extra: { deep: 7 } }] }, { hooked: "yes" }]
      )
      assert.deepStrictEqual(yield* api.get(gadgets, api.namespace, "a"), created.object)
      patch = [{ op: "replace", path: "/spec/size", value: "huge" }]
      const huge = yield* post(api, gadget("b"))
      assert.deepStrictEqual([huge.status, huge.causes], [422, ["FieldValueNotSupported spec.size"]])
      patch = [{ op: "replace", path: "/metadata/namespace", value: "default" }]
      assert.strictEqual((yield* post(api, gadget("b"))).status, 400)
      patch = [{ op: "remove", path: "/spec/none" }]
      const missing = yield* post(api, gadget("b"))
      assert.deepStrictEqual([missing.status, text(missing.object, "reason")], [500, "InternalError"])
      patch = [{ op: "add", path: "/metadata/finalizers", value: ["x.io/late"] }]
      const late = yield* merge(api, "a", { spec: { count: 9 } })
      assert.deepStrictEqual(
        [late.status, meta(late.object, "finalizers"), meta(late.object, "generation")],
        [200, ["x.io/late"], 2]
      )
      patch = []
      yield* merge(api, "a", { metadata: { finalizers: null } })
    })
  )

  onBoth("run one after the other, validation last, and again when asked to", (api) =>
    Effect.gen(function* () {
      const watcher = yield* hook((request, place) => {
        const spec = at(request, "object", "spec")
        if (place === "/first") {
          return at(spec, "name") === undefined
            ? { allowed: true }
            : operations([{ op: "add", path: "/spec/flag", value: true }])
        }
        return place === "/second" ? operations([{ op: "add", path: "/spec/name", value: "abc" }]) : { allowed: true }
      })
      yield* configure(api, mutatings, watcher, [
        webhook(api, watcher.clientConfig("/first"), { name: "b.example.com", reinvocationPolicy: "IfNeeded" }),
        webhook(api, watcher.clientConfig("/second"), { name: "a.example.com" })
      ])
      yield* configure(api, validatings, watcher, [webhook(api, watcher.clientConfig("/validate"))])
      const created = yield* api.create(gadgets, api.namespace, gadget("a"))
      assert.deepStrictEqual(created["spec"], { size: "small", count: 3, name: "abc", flag: true })
      assert.deepStrictEqual(
        watcher
          .requests()
          .map((request) => [at(request, "object", "spec", "name"), at(request, "object", "spec", "flag")]),
        [
          [undefined, undefined],
          [undefined, undefined],
          ["abc", undefined],
          ["abc", true]
        ]
      )
    })
  )

  onBoth("are chosen by rules and selectors", (api) =>
    Effect.gen(function* () {
      const all = { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"] }
      const choices: ReadonlyArray<readonly [string, KubeJson]> = [
        ["status", { rules: [{ ...all, resources: ["gadgets/status"] }] }],
        ["either", { rules: [{ ...all, resources: ["gadgets/*"] }] }],
        ["cluster", { rules: [{ ...all, resources: ["gadgets"], scope: "Cluster" }] }],
        ["version", { rules: [{ ...all, apiVersions: ["v2"], resources: ["gadgets"] }] }],
        ["group", { rules: [{ ...all, apiGroups: ["conformance.example.com"], resources: ["*"] }] }],
        ["updates", { rules: [{ ...all, operations: ["UPDATE"], resources: ["gadgets"] }] }],
        ["labelled", { objectSelector: { matchExpressions: [{ key: "tier", operator: "In", values: ["a", "b"] }] } }],
        ["elsewhere", { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } } }]
      ]
      const heard: Array<string> = []
      const watcher = yield* hook((_request, place) => {
        heard.push(place.slice(1))
        return { allowed: true }
      })
      yield* configure(
        api,
        validatings,
        watcher,
        choices.map(([name, more]) =>
          webhook(api, watcher.clientConfig(`/${name}`), { name: `${name}.example.com`, ...more })
        )
      )
      const during = <A, E>(write: Effect.Effect<A, E>) =>
        Effect.map(write, () => heard.splice(0, heard.length).toSorted())
      assert.deepStrictEqual(yield* during(api.create(gadgets, api.namespace, gadget("a"))), ["either", "group"])
      const labelled = api.mergePatch(gadgets, api.namespace, "a", { metadata: { labels: { tier: "a" } } })
      assert.deepStrictEqual(yield* during(labelled), ["either", "group", "labelled", "updates"])
      // The old object's labels count, too.
      const bare = api.mergePatch(gadgets, api.namespace, "a", { metadata: { labels: null } })
      assert.deepStrictEqual(yield* during(bare), ["either", "group", "labelled", "updates"])
      const status = api.mergePatch(gadgets, api.namespace, "a", { status: { phase: "Up" } }, "status")
      assert.deepStrictEqual(yield* during(status), ["either", "status"])
      assert.strictEqual(watcher.requests().at(-1)?.["subResource"], "status")
      assert.deepStrictEqual(yield* during(api.create(configMaps, api.namespace, configMap("a"))), [])
    })
  )

  onBoth("are told of a dry run, and asked by it", (api) =>
    Effect.gen(function* () {
      const watcher = yield* validating(api, ({ name }) => ({ allowed: name !== "b" }), { sideEffects: "NoneOnDryRun" })
      assert.strictEqual((yield* post(api, gadget("a"), "?dryRun=All")).status, 201)
      assert.strictEqual((yield* post(api, gadget("b"), "?dryRun=All")).status, 400)
      assert.deepStrictEqual(
        watcher.requests().map((request) => [request["dryRun"], at(request, "options", "dryRun")]),
        [
          [true, ["All"]],
          [true, ["All"]]
        ]
      )
      yield* api.create(gadgets, api.namespace, gadget("a"))
      assert.strictEqual(
        (yield* exchange(api, "DELETE", `${path(gadgets, api.namespace, "a")}?dryRun=All`)).status,
        200
      )
      assert.isDefined(yield* api.find(gadgets, api.namespace, "a"))
    })
  )

  const faults: ReadonlyArray<readonly [string, ReturnType<Parameters<typeof hook>[0]>, string]> = [
    [
      "an error",
      500,
      'failed to call webhook: an error on the server ("broken") has prevented the request from succeeding'
    ],
    ["another's uid", { uid: "x", allowed: true }, "received invalid webhook response: expected response.uid="],
    [
      "a patch that it may not make",
      operations([]),
      "received invalid webhook response: validating webhook may not return response.patch"
    ],
    ["nothing in time", Effect.never, "context deadline exceeded"]
  ]
  for (const [what, reaction, words] of faults) {
    onBoth(`that answer ${what} fail the write, or are ignored`, (api) =>
      Effect.gen(function* () {
        const watcher = yield* hook(() => reaction)
        const named = (name: string, failurePolicy: string) =>
          webhook(api, watcher.clientConfig("/validate"), {
            name: `${name}.example.com`,
            failurePolicy,
            timeoutSeconds: 1,
            objectSelector: { matchLabels: { policy: failurePolicy } }
          })
        yield* configure(api, validatings, watcher, [named("fail", "Fail"), named("ignore", "Ignore")])
        const labelled = (policy: string) => gadget("a", { size: "small" }, { labels: { policy } })
        const failed = yield* post(api, labelled("Fail"))
        assert.deepStrictEqual([failed.status, text(failed.object, "reason")], [500, "InternalError"])
        assert.include(failed.message, 'Internal error occurred: failed calling webhook "fail.example.com": ')
        assert.include(failed.message, words)
        assert.strictEqual((yield* post(api, labelled("Ignore"))).status, 201)
      })
    )
  }

  onBoth("that cannot be reached or trusted fail the write", (api) =>
    Effect.gen(function* () {
      const [watcher, other] = [yield* hook(allow), yield* hook(allow)]
      const untrusted = { ...watcher.clientConfig("/"), caBundle: other.clientConfig("/")["caBundle"] ?? "" }
      const clients: ReadonlyArray<readonly [string, KubeJson]> = [
        ["closed", { url: "https://127.0.0.1:1/x" }],
        ["untrusted", untrusted],
        ["service", { service: { namespace: api.namespace, name: "svc", path: "/p" } }]
      ]
      yield* configure(
        api,
        validatings,
        watcher,
        clients.map(([name, client]) =>
          webhook(api, client, { name: `${name}.example.com`, objectSelector: { matchLabels: { to: name } } })
        )
      )
      const to = (name: string) =>
        Effect.map(post(api, gadget(name, { size: "small" }, { labels: { to: name } })), (answer) => answer.message)
      const by = (name: string) =>
        `Internal error occurred: failed calling webhook "${name}.example.com": failed to call webhook: `
      assert.strictEqual(
        yield* to("closed"),
        `${by("closed")}Post "https://127.0.0.1:1/x?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused`
      )
      assert.match(
        yield* to("untrusted"),
        /Post "https:.*": tls: failed to verify certificate: x509: certificate signed by unknown authority/u
      )
      assert.strictEqual(
        yield* to("service"),
        `${by("service")}Post "https://svc.${api.namespace}.svc:443/p?timeout=10s": service "svc" not found`
      )
    })
  )

  const faulty: ReadonlyArray<readonly [string, KubeJson, ReadonlyArray<string>]> = [
    ["side effects", { sideEffects: "Some" }, ["FieldValueNotSupported webhooks[0].sideEffects"]],
    ["no word of side effects", { sideEffects: null }, ["FieldValueRequired webhooks[0].sideEffects"]],
    ["plain HTTP", { clientConfig: { url: "http://x/y" } }, ["FieldValueInvalid webhooks[0].clientConfig.url"]],
    ["nowhere to call", { clientConfig: {} }, ["FieldValueRequired webhooks[0].clientConfig"]],
    ["too long a wait", { timeoutSeconds: 31 }, ["FieldValueInvalid webhooks[0].timeoutSeconds"]],
    ["a short name", { name: "short" }, ["FieldValueInvalid webhooks[0].name"]],
    [
      "an empty rule",
      { rules: [{ operations: ["FOO"] }] },
      [
        "FieldValueNotSupported webhooks[0].rules[0].operations[0]",
        "FieldValueRequired webhooks[0].rules[0].apiGroups",
        "FieldValueRequired webhooks[0].rules[0].apiVersions",
        "FieldValueRequired webhooks[0].rules[0].resources"
      ]
    ]
  ]
  for (const [what, wrong, causes] of faulty) {
    onBoth(`are not configured with ${what}`, (api) =>
      Effect.gen(function* () {
        const answer = yield* exchange(api, "POST", path(validatings, ""), {
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "ValidatingWebhookConfiguration",
          metadata: { name: api.namespace },
          webhooks: [{ ...webhook(api, { url: "https://x.example.com/y" }), ...wrong }]
        })
        assert.deepStrictEqual([answer.status, answer.causes], [422, causes])
      })
    )
  }

  onBoth("are configured with defaults", (api) =>
    Effect.gen(function* () {
      const client = { service: { namespace: api.namespace, name: "svc" } }
      const created = yield* api.create(mutatings, "", {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "MutatingWebhookConfiguration",
        metadata: { name: api.namespace },
        webhooks: [webhook(api, client, { rules: [] })]
      })
      assert.strictEqual(meta(created, "generation"), 1)
      const [stored] = at(created, "webhooks") as ReadonlyArray<KubeJson>
      const { failurePolicy, matchPolicy, objectSelector, timeoutSeconds, reinvocationPolicy, clientConfig } =
        stored ?? {}
      assert.deepStrictEqual(
        { failurePolicy, matchPolicy, objectSelector, timeoutSeconds, reinvocationPolicy, clientConfig },
        {
          failurePolicy: "Fail",
          matchPolicy: "Equivalent",
          objectSelector: {},
          timeoutSeconds: 10,
          reinvocationPolicy: "Never",
          clientConfig: { service: { namespace: api.namespace, name: "svc", port: 443 } }
        }
      )
      yield* api.delete(mutatings, "", api.namespace)
    })
  )
})
