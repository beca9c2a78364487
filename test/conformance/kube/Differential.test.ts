import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Yaml from "yaml"
import { isArray, isObject, type Json, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { compared, configMap, gadget, version, type Api } from "./Servers.ts"

/** One request; NS stands for the test's namespace. */
interface Exchange {
  readonly method: string
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const gadgets = `/apis/${version}/namespaces/NS/gadgets`
const configMaps = "/api/v1/namespaces/NS/configmaps"
const collections = [gadgets, configMaps]

const each = <A, B>(items: ReadonlyArray<A>, make: (item: A) => B | ReadonlyArray<B>): ReadonlyArray<B> =>
  items.flatMap((item) => make(item))

const get = (target: string, accept?: string): Exchange => ({
  method: "GET",
  target,
  ...(accept !== undefined && { headers: { accept } })
})

const send = (method: string, target: string, body: KubeJson | string, type = "application/json"): Exchange => ({
  method,
  target,
  headers: { "content-type": type },
  body: typeof body === "string" ? body : JSON.stringify(body)
})

const merge = "application/merge-patch+json"
const jsonPatch = "application/json-patch+json"
const strategic = "application/strategic-merge-patch+json"

const population: ReadonlyArray<Exchange> = [
  send("POST", gadgets, gadget("a", { size: "small" }, { labels: { x: "1", y: "2" } })),
  send("POST", gadgets, gadget("b", { size: "large", tags: ["t"] })),
  send("POST", configMaps, configMap("a", { labels: { x: "1" } })),
  send("POST", configMaps, configMap("b"))
]

const places = [
  ...collections,
  ...collections.map((collection) => `${collection}/a`),
  ...collections.map((collection) => `${collection}/none`),
  ...collections.map((collection) => `${collection}/a/status`),
  ...collections.map((collection) => `${collection}/a/scale`),
  `/apis/${version}/gadgets/a`,
  "/api/v1/configmaps/a",
  "/api/v1/namespaces/NS/nothing",
  "/api/v1/nodes/NS/nothing",
  `/apis/${version}/namespaces/NS/nothing`,
  "/api/v1/namespaces?fieldSelector=metadata.name%3DNS"
]

/** Every method on every kind of path; bodies that mean nothing, so that nothing changes. */
const routes = each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], (method) =>
  places
    .filter((place) => method !== "DELETE" || !(place.endsWith("/a") || collections.includes(place)))
    .map((target): Exchange =>
      method === "GET" || method === "HEAD" ? { method, target } : send(method, target, "{}")
    )
)

/** No revision that was compacted: when the real server does that is its own affair. */
const listOptions = [
  ..."limit=0 limit=-1 limit=x limit=99999999999999999999 limit=1.5 limit=1 continue=x continue= limit=1&continue=abc".split(
    " "
  ),
  ..."resourceVersion=0 resourceVersion=x resourceVersion=-1 resourceVersion=1".split(" "),
  ..."resourceVersion=0&resourceVersionMatch=Exact resourceVersionMatch=Exact".split(" "),
  ..."resourceVersion=1&resourceVersionMatch=NotOlderThan resourceVersion=1&resourceVersionMatch=Nope".split(" "),
  ..."resourceVersion=1&resourceVersionMatch=Exact&continue=x".split(" "),
  ..."sendInitialEvents=true sendInitialEvents=false timeoutSeconds=x timeoutSeconds=1 watch=false watch=0 watch=False".split(
    " "
  ),
  ..."pretty=true nothing=1 dryRun=All allowWatchBookmarks=x".split(" ")
]

const labelSelectors =
  "x|x=1|x==1|x!=1|!x|x in (1,2)|x notin (1)|x in ()|x in (,)|x>0|x<5|x>a|x=too many|(|x in|x in (a|,|x,|x,,y|=1|x=!1|-x|x=-|a/b| x = 1 |x y|x in (1) y|!x=1|!".split(
    "|"
  )

const fieldSelectors =
  "metadata.name=a|metadata.name!=a|metadata.name==a|metadata.namespace=other|spec.size=small|metadata.name|metadata.name=a,metadata.name=b|,|=a|metadata.name=a\\,b|metadata.name=a=b|metadata.name=|metadata.uid=x|type=x".split(
    "|"
  )

const queries = [
  ...listOptions,
  ...labelSelectors.map((selector) => `labelSelector=${encodeURIComponent(selector)}`),
  ...fieldSelectors.map((selector) => `fieldSelector=${encodeURIComponent(selector)}`)
]

const lists = [
  // The real server waits three seconds for it.
  get(`${gadgets}?resourceVersion=99999999`),
  ...each(queries, (query) => collections.map((collection) => get(`${collection}?${query}`)))
]

const watchOptions = [
  "resourceVersion=x",
  "sendInitialEvents=true",
  "sendInitialEvents=false",
  "sendInitialEvents=true&resourceVersionMatch=Exact",
  "resourceVersionMatch=NotOlderThan",
  "resourceVersionMatch=Exact&resourceVersion=1",
  "labelSelector=(",
  "fieldSelector=spec.size%3Dsmall",
  "continue=x",
  "timeoutSeconds=x"
]

/** Only such as are refused: others take their time. */
const watches = each(watchOptions, (query) =>
  collections.map((collection) =>
    get(`${collection}?watch=1&${query}${query.includes("timeout") ? "" : "&timeoutSeconds=1"}`)
  )
)

const as = (shape: string, group = "meta.k8s.io") => `application/json;as=${shape};v=v1;g=${group}`

const accepts = [
  "*/*",
  "application/yaml",
  "garbage",
  "application/json;pretty=1",
  "application/json;q=0.1,text/html",
  as("Table"),
  as("Table", "other"),
  as("Nope"),
  `${as("Nope")},application/json`,
  as("PartialObjectMetadata"),
  as("PartialObjectMetadataList")
]

const shapes = [
  ...each(accepts, (accept) =>
    each(collections, (collection) =>
      // The routes of built-in kinds word it differently, and nobody asks them for garbage.
      accept === "garbage" && collection === configMaps
        ? []
        : [get(collection, accept), get(`${collection}/b`, accept), get(`${gadgets}/none`, accept)]
    )
  ),
  ...each(["None", "Object", "Nope"], (include) => get(`${gadgets}?includeObject=${include}`, as("Table"))),
  send("POST", `${gadgets}?dryRun=All`, gadget("shaped"), "application/json")
]

const made = (apiVersion: string, kind: string, plural: string, name: string, fields: KubeJson): Exchange => {
  const namespaced = kind !== "Node"
  const root = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`
  return send("POST", `${root}${namespaced ? "/namespaces/NS" : ""}/${plural}`, {
    apiVersion,
    kind,
    metadata: { name, ...(kind === "Node" && { labels: { "node-role.kubernetes.io/worker": "" } }) },
    ...fields
  })
}

const about = { apiVersion: "v1", kind: "ConfigMap", name: "a", namespace: "NS" }

const shown = [
  made("v1", "ConfigMap", "configmaps", "t", { data: { a: "b", c: "d" }, binaryData: { x: "eA==" } }),
  made("v1", "Secret", "secrets", "t", { stringData: { a: "b" } }),
  made("v1", "Node", "nodes", "NS-1", {
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
      nodeInfo: { kubeletVersion: "v1.36.0", osImage: "Linux", kernelVersion: "6.1", architecture: "amd64" }
    }
  }),
  made("v1", "Node", "nodes", "NS-2", {}),
  made("coordination.k8s.io/v1", "Lease", "leases", "t", { spec: { holderIdentity: "me" } }),
  made("v1", "Event", "events", "t1", {
    involvedObject: about,
    reason: "Because",
    message: "it is so ",
    type: "Normal",
    count: 3,
    firstTimestamp: "2020-11-21T10:00:00Z",
    lastTimestamp: "2020-11-21T11:00:00Z",
    source: { component: "one", host: "two" }
  }),
  made("events.k8s.io/v1", "Event", "events", "t2", {
    regarding: { ...about, fieldPath: "data.a" },
    reason: "Why",
    note: "note",
    type: "Warning",
    eventTime: "2020-11-21T10:00:00.000000Z",
    reportingController: "example.com/one",
    reportingInstance: "two",
    action: "Do"
  })
]

const tables = each(
  [
    ...["configmaps", "secrets", "events"].map((plural) => `/api/v1/namespaces/NS/${plural}`),
    "/apis/coordination.k8s.io/v1/namespaces/NS/leases",
    "/apis/events.k8s.io/v1/namespaces/NS/events",
    "/api/v1/nodes/NS-1",
    "/api/v1/nodes/NS-2",
    "/api/v1/namespaces/NS",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.conformance.example.com"
  ],
  (target) => get(`${target}?includeObject=None`, as("Table"))
)

const bodies = [
  "",
  "{",
  "[]",
  "null",
  "1",
  '"x"',
  "{}",
  "{} trailing",
  '{"a":}',
  '{"a" 1}',
  "{a:1}",
  '{"a":1,}',
  "[1,]",
  "tru",
  '{"a":"\\x"}',
  '{"kind":"Gadget"}',
  `{"apiVersion":"${version}"}`,
  '{"apiVersion":"other/v1","kind":"Gadget"}',
  '{"apiVersion":1,"kind":"Gadget"}',
  `{"apiVersion":"${version}","kind":"Gadget"}`,
  `{"apiVersion":"${version}","kind":"Gadget","metadata":[]}`,
  `{"apiVersion":"${version}","kind":"Gadget","metadata":{"name":1}}`,
  `{"apiVersion":"${version}","kind":"Gadget","metadata":{"labels":{"a":1}}}`,
  `{"apiVersion":"${version}","kind":"Gadget","metadata":{"name":"q","labels":[]}}`,
  `{"apiVersion":"${version}","kind":"Gadget","metadata":{"name":"q","creationTimestamp":"noon"}}`,
  `{"apiVersion":"${version}","kind":"Gadget","metadata":{"name":"q"},"spec":3}`
]

const builtin = (body: string): string => body.replaceAll(version, "v1").replaceAll("Gadget", "ConfigMap")

const decoding = [
  ...each(bodies, (body) => [
    send("POST", `${gadgets}?dryRun=All`, body),
    send("PUT", `${gadgets}/a?dryRun=All`, body),
    send("POST", `${configMaps}?dryRun=All`, builtin(body))
  ]),
  ...each(["", "{", "[]", "1", '"x"', "{} trailing", "null", "{}"], (body) => [
    send("PATCH", `${gadgets}/a?dryRun=All`, body, merge),
    send("PATCH", `${gadgets}/a?dryRun=All`, body, jsonPatch),
    send("PATCH", `${configMaps}/a?dryRun=All`, body, strategic)
  ]),
  ...each<KubeJson, Exchange>(
    [
      { data: { a: 1 } },
      { data: [] },
      { data: { a: null } },
      { binaryData: { a: "%%" } },
      { immutable: "x" },
      { bogus: 1, data: { a: "b" } },
      { data: { a: "b" }, metadata: { name: "c", foo: 1 } }
    ],
    (fields) =>
      each(["", "&fieldValidation=Strict", "&fieldValidation=Ignore"], (validation) =>
        send("POST", `${configMaps}?dryRun=All${validation}`, { ...configMap("c"), ...fields })
      )
  ),
  ...each(["text/plain", "application/json; charset=utf-8", "APPLICATION/JSON", "garbage", "*/*"], (type) => [
    send("POST", `${gadgets}?dryRun=All`, gadget("typed"), type),
    send("POST", `${configMaps}?dryRun=All`, configMap("typed"), type),
    send("PATCH", `${gadgets}/a?dryRun=All`, "{}", type),
    send("PATCH", `${configMaps}/a?dryRun=All`, "{}", type)
  ])
]

const writeOptions = [
  ..."dryRun=x dryRun=All&dryRun=All fieldValidation=x fieldManager=ok fieldManager=a%00b force=true".split(" "),
  `fieldManager=${"x".repeat(129)}`
]

const writing = [
  ...each(writeOptions, (query) => [
    send("POST", `${gadgets}?dryRun=All&${query}`, { ...gadget("w", { size: "small", bogus: 1 }), top: 1 }),
    send("PATCH", `${gadgets}/a?dryRun=All&${query}`, { spec: { size: "small" } }, merge)
  ]),
  ...each(["", "0", "x", "99999999"], (found) => get(`${gadgets}/a?resourceVersion=${found}`)),
  send("POST", gadgets, gadget("d")),
  send("DELETE", `${gadgets}/d?dryRun=All`, ""),
  ...each<KubeJson | string, Exchange>(
    [
      { dryRun: ["All"] },
      { dryRun: ["x"] },
      { preconditions: { uid: "x" } },
      { preconditions: { resourceVersion: "1" } },
      { propagationPolicy: "Nope" },
      { orphanDependents: true, propagationPolicy: "Orphan" },
      "{"
    ],
    (options) => send("DELETE", `${gadgets}/d`, options)
  ),
  get(`${gadgets}/d`),
  send("DELETE", `${gadgets}/d?gracePeriodSeconds=x`, ""),
  send("DELETE", `${gadgets}/d`, { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 5 }),
  get(`${gadgets}/d`)
]

const secrets = "/api/v1/namespaces/NS/secrets"
const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } }

const data = [
  ...each<KubeJson, Exchange>(
    [
      { data: { "a b": "x" } },
      { data: { a: "x", b: "y" }, binaryData: { a: "eA==", "c d": "eA==" } },
      { data: null },
      { data: { "": "x" } }
    ],
    (fields) => send("POST", `${configMaps}?dryRun=All`, { ...configMap("c"), ...fields })
  ),
  send("POST", configMaps, { ...configMap("fixed"), immutable: true }),
  ...each<KubeJson, Exchange>(
    [
      { data: { a: "c" } },
      { immutable: false },
      { immutable: null, binaryData: { x: "eA==" } },
      { metadata: { labels: { a: "b" } } }
    ],
    (patch) => send("PATCH", `${configMaps}/fixed`, patch, merge)
  ),
  send("POST", `${secrets}?dryRun=All`, { ...secret, data: { "a b": "eA==" } }),
  send("POST", `${secrets}?dryRun=All`, { ...secret, data: { a: "%%" } }),
  send("POST", secrets, { ...secret, stringData: { a: "b" } }),
  ...each<KubeJson, Exchange>(
    [
      { type: "other" },
      { stringData: { b: "c" } },
      { data: { a: null } },
      { immutable: true },
      { data: { a: "eA==" } }
    ],
    (patch) => send("PATCH", `${secrets}/s`, patch, merge)
  )
]

const parsed = (text: string, type: string): Json => {
  if (type === "application/yaml") return Yaml.parse(text)
  return text.startsWith("{") ? (JSON.parse(text) as Json) : text
}

/** An answer without what differs from server to server, and from moment to moment. */
const normalised =
  (namespace: string) =>
  (value: Json, field = ""): Json => {
    const again = normalised(namespace)
    if (isArray(value)) return value.map((item) => again(item, field))
    if (isObject(value)) {
      const kept = Object.entries(value).filter(([name]) => name !== "managedFields")
      // Columns are not described in full.
      const told = "priority" in value ? kept.filter(([name]) => name !== "description") : kept
      return Object.fromEntries(told.map(([name, held]) => [name, again(held, name)]))
    }
    if (typeof value !== "string") return value
    if (field === "resourceVersion" || field === "uid") return field
    if (field === "continue") return value === "" ? "" : "token"
    return (
      value
        .replaceAll(namespace, "NS")
        // What it was to become is quoted with managedFields, and in Go's syntax for built-in kinds.
        .replace(/(patch: )?Invalid value: "(?:\{\\?"apiVersion|map\[)[^]*/u, "$1Invalid value: quoted")
        .replace(", application/vnd.kubernetes.protobuf", "")
        .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/gu, "time")
        .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/gu, "uid")
        .replace(/current: \d+|record \(\d+\)/u, "revision")
        .replace(/^(?:\d+[smhdy])+$/u, "age")
        .replace(/\(\d+\)$/u, "(oldest)")
    )
  }

const ask = (api: Api, { method, target, headers = {}, body = "" }: Exchange) => {
  const clean = normalised(api.namespace)
  return Effect.map(
    api.raw(method, target.replaceAll("NS", api.namespace), headers, body.replaceAll("NS", api.namespace)),
    (answer) => {
      const type = answer.headers["content-type"] ?? ""
      return {
        status: answer.status,
        type,
        warning: answer.headers["warning"] ?? "",
        retryAfter: answer.headers["retry-after"],
        body: clean(parsed(answer.text, type))
      }
    }
  )
}

const compare = (embedded: Api, real: Api, exchanges: ReadonlyArray<Exchange>) =>
  Effect.forEach(
    exchanges,
    (exchange) =>
      Effect.gen(function* () {
        const [ours, theirs] = yield* Effect.all([ask(embedded, exchange), ask(real, exchange)], { concurrency: 2 })
        assert.deepStrictEqual(ours, theirs, JSON.stringify(exchange))
      }),
    { discard: true }
  )

const families: ReadonlyArray<readonly [string, ReadonlyArray<Exchange>]> = [
  ["any method on any path", routes],
  ["lists with any option", lists],
  ["watches that are refused", watches],
  ["any shape", shapes],
  ["any body", decoding],
  ["writes with any option", writing],
  ["data that is refused", data]
]

describe("the two servers answer alike", () => {
  for (const [what, exchanges] of families) {
    compared(what, (embedded, real) => compare(embedded, real, [...population, ...exchanges]))
  }

  compared("tables of the server's own kinds", (embedded, real) =>
    Effect.gen(function* () {
      // The real server adds more to Nodes than is told apart here.
      for (const api of [embedded, real]) yield* Effect.forEach(shown, (exchange) => ask(api, exchange))
      const nodes = ["1", "2"].map((n) => send("DELETE", `/api/v1/nodes/NS-${n}`, "{}"))
      yield* Effect.ensuring(
        compare(embedded, real, tables),
        Effect.forEach(nodes, (exchange) => ask(real, exchange))
      )
    })
  )

  compared("lists with options by chance", (embedded, real) =>
    Effect.gen(function* () {
      yield* compare(embedded, real, population)
      const drawn = Effect.gen(function* () {
        const collection = collections[yield* Random.nextIntBetween(0, collections.length)] ?? gadgets
        const count = yield* Random.nextIntBetween(1, 4)
        const chosen = yield* Effect.forEach(Array.from({ length: count }), () =>
          Effect.map(Random.nextIntBetween(0, queries.length), (index) => queries[index] ?? "")
        )
        return get(`${collection}?${chosen.join("&")}`)
      })
      const exchanges = yield* Effect.forEach(Array.from({ length: 150 }), () => drawn).pipe(
        Random.withSeed("differential")
      )
      yield* compare(embedded, real, exchanges)
    })
  )
})
