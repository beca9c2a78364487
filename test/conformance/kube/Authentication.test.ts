import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path, type Access } from "../../../src/simulators/kube/Access.ts"
import { at, objects, strings, text, type Json, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import {
  configMap,
  configMaps,
  eventually,
  exchange,
  gadget,
  gadgets,
  meta,
  namespaces,
  onBoth,
  type Api
} from "./Servers.ts"

const accounts = { group: "", version: "v1", plural: "serviceaccounts" }
const secrets = { group: "", version: "v1", plural: "secrets" }
const rbac = (plural: string) => ({ group: "rbac.authorization.k8s.io", version: "v1", plural })

const request = (api: Api, account: string, spec: KubeJson = {}) =>
  exchange(api, "POST", `${path(accounts, api.namespace, account)}/token`, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec
  })

const makeAccount = (api: Api, name: string) =>
  api.create(accounts, api.namespace, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } })

/** A new account's token, and what it lets one do. */
const account = (api: Api, name: string) =>
  Effect.gen(function* () {
    const made = yield* makeAccount(api, name)
    const token = text((yield* request(api, name)).object, "status", "token")
    return { made, token, access: yield* api.as(token) }
  })

const claims = (token: string): Json =>
  // A token of the server under test.
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as Json

const review = (api: Access, token: string, more: KubeJson = {}) =>
  Effect.map(
    exchange(api, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, ...more }
    }),
    ({ object }) => at(object, "status") ?? null
  )

const role = (api: Api, kind: "Role" | "ClusterRole", name: string, rules: ReadonlyArray<KubeJson>) =>
  api.create(rbac(kind === "Role" ? "roles" : "clusterroles"), kind === "Role" ? api.namespace : "", {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind,
    metadata: { name },
    rules: [...rules]
  })

const bind = (
  api: Api,
  kind: "RoleBinding" | "ClusterRoleBinding",
  roleRef: readonly [string, string],
  subject: KubeJson
) => {
  const name = `${api.namespace}-${roleRef[1]}-${kind.toLowerCase()}`
  return api.create(
    rbac(kind === "RoleBinding" ? "rolebindings" : "clusterrolebindings"),
    kind === "RoleBinding" ? api.namespace : "",
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind,
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: roleRef[0], name: roleRef[1] },
      subjects: [subject]
    }
  )
}

const code = (access: Access, method: string, target: string, body?: KubeJson) =>
  Effect.map(exchange(access, method, target, body), ({ status }) => status)

describe("service accounts", () => {
  onBoth("come with every namespace, and come back", (api) =>
    Effect.gen(function* () {
      const find = api.find(accounts, api.namespace, "default")
      const first = yield* eventually(find, (found) => found !== undefined)
      yield* api.delete(accounts, api.namespace, "default")
      yield* eventually(find, (found) => found !== undefined && meta(found, "uid") !== meta(first, "uid"))
    })
  )

  onBoth("get tokens that are theirs for a while", (api) =>
    Effect.gen(function* () {
      const made = yield* makeAccount(api, "robot")
      const answer = yield* request(api, "robot", { expirationSeconds: 1200 })
      assert.strictEqual(answer.status, 201)
      assert.deepStrictEqual(answer.object["spec"], {
        audiences: ["https://kubernetes.default.svc"],
        expirationSeconds: 1200,
        boundObjectRef: null
      })
      const token = text(answer.object, "status", "token")
      const found = claims(token)
      assert.deepStrictEqual(at(found, "kubernetes.io"), {
        namespace: api.namespace,
        serviceaccount: { name: "robot", uid: meta(made, "uid") ?? "" }
      })
      const subject = `system:serviceaccount:${api.namespace}:robot`
      assert.deepStrictEqual(
        [at(found, "sub"), at(found, "iss"), at(found, "aud"), Number(at(found, "exp")) - Number(at(found, "iat"))],
        [subject, "https://kubernetes.default.svc", ["https://kubernetes.default.svc"], 1200]
      )
      assert.strictEqual(
        Date.parse(text(answer.object, "status", "expirationTimestamp")),
        Number(at(found, "exp")) * 1000
      )
      const self = yield* exchange(yield* api.as(token), "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
        apiVersion: "authentication.k8s.io/v1",
        kind: "SelfSubjectReview"
      })
      const expected = {
        username: subject,
        uid: meta(made, "uid"),
        groups: ["system:serviceaccounts", `system:serviceaccounts:${api.namespace}`, "system:authenticated"],
        extra: { "authentication.kubernetes.io/credential-id": [`JTI=${text(found, "jti")}`] }
      }
      assert.deepStrictEqual([self.status, at(self.object, "status", "userInfo")], [201, expected as Json])
      assert.deepStrictEqual(yield* review(api, token), {
        authenticated: true,
        user: expected as Json,
        audiences: ["https://kubernetes.default.svc"]
      })
    })
  )

  onBoth("get no token for too short a time, for nobody, or bound to nothing", (api) =>
    Effect.gen(function* () {
      yield* makeAccount(api, "robot")
      const short = yield* request(api, "robot", { expirationSeconds: 60 })
      assert.deepStrictEqual([short.status, short.causes], [422, ["FieldValueInvalid spec.expirationSeconds"]])
      assert.strictEqual((yield* request(api, "nobody")).status, 404)
      const bound = { boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "none" } }
      assert.strictEqual((yield* request(api, "robot", bound)).status, 404)
    })
  )

  onBoth("lose their tokens with themselves, and with what those are bound to", (api) =>
    Effect.gen(function* () {
      const robot = yield* account(api, "robot")
      const discovery = (token: string) =>
        Effect.scoped(Effect.flatMap(api.as(token), (access) => code(access, "GET", "/api")))
      const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } }
      yield* api.create(secrets, api.namespace, secret)
      const bound = yield* request(api, "robot", { boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "s" } })
      const boundToken = text(bound.object, "status", "token")
      assert.strictEqual(at(bound.object, "spec", "boundObjectRef", "name"), "s")
      assert.deepStrictEqual([yield* discovery(robot.token), yield* discovery(boundToken)], [200, 200])
      yield* api.delete(secrets, api.namespace, "s")
      // The real server remembers a good token for a few seconds.
      yield* eventually(discovery(boundToken), (status) => status === 401)
      assert.strictEqual(yield* discovery(robot.token), 200)
      yield* api.delete(accounts, api.namespace, "robot")
      yield* eventually(discovery(robot.token), (status) => status === 401)
      yield* makeAccount(api, "robot")
      assert.strictEqual(yield* discovery(robot.token), 401)
    })
  )

  onBoth("are told from others by signature and audience", (api) =>
    Effect.gen(function* () {
      const robot = yield* account(api, "robot")
      const [header = "", body = "", signature = ""] = robot.token.split(".")
      const other = Buffer.from(JSON.stringify({ ...(claims(robot.token) as KubeJson), sub: "system:admin" }))
      const forged = `${header}.${other.toString("base64url")}.${signature}`
      const statuses = [forged, `${header}.${body}.`, "nonsense"].map((token) =>
        Effect.flatMap(api.as(token), (access) => code(access, "GET", "/api"))
      )
      assert.deepStrictEqual(yield* Effect.all(statuses), [401, 401, 401])
      assert.strictEqual(text(yield* review(api, "nonsense"), "error"), "invalid bearer token")
      const elsewhere = yield* review(api, robot.token, { audiences: ["elsewhere"] })
      assert.isUndefined(at(elsewhere, "authenticated"))
      assert.include(text(elsewhere, "error"), 'is invalid for the target audiences ["elsewhere"]')
      const foreign = yield* request(api, "robot", { audiences: ["elsewhere"] })
      const token = text(foreign.object, "status", "token")
      assert.strictEqual(yield* Effect.flatMap(api.as(token), (access) => code(access, "GET", "/api")), 401)
      const there = yield* review(api, token, { audiences: ["elsewhere", "third"] })
      assert.deepStrictEqual([at(there, "authenticated"), strings(there, "audiences")], [true, ["elsewhere"]])
    })
  )
})

describe("roles", () => {
  onBoth("let nobody do anything but look around until something is granted", (api) =>
    Effect.gen(function* () {
      const { access } = yield* account(api, "robot")
      const user = `User "system:serviceaccount:${api.namespace}:robot"`
      const refused = (method: string, target: string, body?: KubeJson) =>
        Effect.map(exchange(access, method, target, body), ({ status, object }) => ({
          status,
          reason: text(object, "reason"),
          message: text(object, "message"),
          details: at(object, "details")
        }))
      const forbidden = (message: string, details: KubeJson) => ({ status: 403, reason: "Forbidden", message, details })
      assert.deepStrictEqual(
        yield* refused("GET", path(configMaps, api.namespace)),
        forbidden(
          `configmaps is forbidden: ${user} cannot list resource "configmaps" in API group "" in the namespace "${api.namespace}"`,
          { kind: "configmaps" }
        )
      )
      assert.deepStrictEqual(
        yield* refused("GET", path(namespaces, "", "default")),
        forbidden(
          `namespaces "default" is forbidden: ${user} cannot get resource "namespaces" in API group "" in the namespace "default"`,
          { name: "default", kind: "namespaces" }
        )
      )
      assert.deepStrictEqual(
        yield* refused("PUT", path(gadgets, api.namespace, "a", "status"), {}),
        forbidden(
          `gadgets.conformance.example.com "a" is forbidden: ${user} cannot update resource "gadgets/status" in API group "conformance.example.com" in the namespace "${api.namespace}"`,
          { name: "a", group: "conformance.example.com", kind: "gadgets" }
        )
      )
      assert.deepStrictEqual(
        yield* refused("GET", "/apis/no.such/v1/things"),
        forbidden(
          `things.no.such is forbidden: ${user} cannot list resource "things" in API group "no.such" at the cluster scope`,
          {
            group: "no.such",
            kind: "things"
          }
        )
      )
      assert.deepStrictEqual(
        yield* refused("GET", "/metrics"),
        forbidden(`forbidden: ${user} cannot get path "/metrics"`, {})
      )
      const open = ["/api", "/apis", "/api/v1", "/version", "/openapi/v3", "/healthz"]
      assert.deepStrictEqual(
        yield* Effect.forEach(open, (target) => code(access, "GET", target)),
        open.map(() => 200)
      )
      const nobody = yield* api.as("")
      assert.deepStrictEqual(
        yield* Effect.forEach(["/healthz", "/version", "/api", path(configMaps, "default")], (target) =>
          code(nobody, "GET", target)
        ),
        [200, 200, 403, 403]
      )
    })
  )

  onBoth("grant verbs on resources, in a namespace or everywhere", (api) =>
    Effect.gen(function* () {
      const { access } = yield* account(api, "robot")
      const robot = { kind: "ServiceAccount", name: "robot", namespace: api.namespace }
      const groups = [gadgets.group]
      yield* role(api, "Role", "reader", [
        { apiGroups: groups, resources: ["gadgets"], verbs: ["get", "list", "create"] }
      ])
      yield* bind(api, "RoleBinding", ["Role", "reader"], robot)
      const own = path(gadgets, api.namespace)
      yield* eventually(code(access, "GET", own), (status) => status === 200)
      assert.strictEqual(yield* code(access, "POST", own, gadget("a")), 201)
      assert.deepStrictEqual(
        yield* Effect.forEach(
          [
            ["GET", `${own}/a`],
            ["GET", `${own}/none`],
            ["GET", `${own}/a/status`],
            ["GET", `${own}?watch=true&timeoutSeconds=1`],
            ["DELETE", `${own}/a`],
            ["DELETE", own],
            ["GET", path(gadgets, "default")],
            ["GET", path(gadgets, "")],
            ["GET", path(configMaps, api.namespace)]
          ] as const,
          ([method, target]) => code(access, method, target)
        ),
        [200, 404, 403, 403, 403, 403, 403, 403, 403]
      )
      const everywhere = `${api.namespace}-everywhere`
      yield* role(api, "ClusterRole", everywhere, [
        { apiGroups: ["*"], resources: ["*/status"], verbs: ["*"] },
        { apiGroups: [""], resources: ["configmaps"], resourceNames: ["mine"], verbs: ["get"] },
        { nonResourceURLs: ["/metrics", "/logs/*"], verbs: ["get"] }
      ])
      yield* bind(api, "ClusterRoleBinding", ["ClusterRole", everywhere], {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "Group",
        name: `system:serviceaccounts:${api.namespace}`
      })
      yield* eventually(code(access, "GET", `${own}/a/status`), (status) => status === 200)
      yield* api.create(configMaps, api.namespace, configMap("mine"))
      assert.deepStrictEqual(
        yield* Effect.forEach(
          [
            path(configMaps, api.namespace, "mine"),
            path(configMaps, "default", "mine"),
            path(configMaps, api.namespace, "other"),
            path(configMaps, api.namespace)
          ],
          (target) => code(access, "GET", target)
        ),
        [200, 404, 403, 403]
      )
      const may = (attributes: KubeJson) =>
        Effect.map(
          exchange(access, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
            apiVersion: "authorization.k8s.io/v1",
            kind: "SelfSubjectAccessReview",
            spec: attributes
          }),
          ({ object }) => at(object, "status", "allowed")
        )
      const onGadgets = { group: gadgets.group, resource: "gadgets", namespace: api.namespace }
      assert.deepStrictEqual(
        yield* Effect.forEach(
          [
            { resourceAttributes: { ...onGadgets, verb: "list" } },
            { resourceAttributes: { ...onGadgets, verb: "delete" } },
            { resourceAttributes: { ...onGadgets, verb: "delete", subresource: "status" } },
            { nonResourceAttributes: { verb: "get", path: "/logs/x" } },
            { nonResourceAttributes: { verb: "get", path: "/other" } }
          ],
          may
        ),
        [true, false, true, true, false]
      )
      const listed = yield* exchange(access, "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectRulesReview",
        spec: { namespace: api.namespace }
      })
      const reader = { apiGroups: groups, resources: ["gadgets"], verbs: ["get", "list", "create"] }
      assert.deepInclude(objects(listed.object, "status", "resourceRules"), reader)
      assert.deepInclude(objects(listed.object, "status", "nonResourceRules"), {
        nonResourceURLs: ["/metrics", "/logs/*"],
        verbs: ["get"]
      })
      // A cluster role that is bound in a namespace counts there alone, and grants no paths.
      const local = `${api.namespace}-local`
      yield* role(api, "ClusterRole", local, [
        { apiGroups: [""], resources: ["secrets"], verbs: ["list"] },
        { nonResourceURLs: ["/other"], verbs: ["get"] }
      ])
      yield* bind(api, "RoleBinding", ["ClusterRole", local], robot)
      yield* eventually(code(access, "GET", path(secrets, api.namespace)), (status) => status === 200)
      assert.strictEqual(yield* code(access, "GET", path(secrets, "default")), 403)
      assert.strictEqual(yield* may({ nonResourceAttributes: { verb: "get", path: "/other" } }), false)
      yield* Effect.forEach([everywhere, local], (name) => api.delete(rbac("clusterroles"), "", name))
    })
  )
})
