/** Impersonate-* headers: who a request is taken for, and who may ask for that. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path, type Access } from "../../../src/simulators/kube/Access.ts"
import { at, isArray, isObject, text, type Json, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { configMaps, eventually, exchange, onBoth, type Api } from "./Servers.ts"

const accounts = { group: "", version: "v1", plural: "serviceaccounts" }
const rbac = (plural: string) => ({ group: "rbac.authorization.k8s.io", version: "v1", plural })

type Headers = Readonly<Record<string, string>>

const jane = { "impersonate-user": "jane" }

/** Who the server takes a request for, or what it says instead. */
const who = (access: Access, headers: Headers) =>
  Effect.map(
    access.raw(
      "POST",
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      { "content-type": "application/json", ...headers },
      JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" })
    ),
    ({ text: body }): Json => {
      // An answer of the server under test.
      const found = JSON.parse(body) as Json
      return at(found, "status", "userInfo") ?? [at(found, "code") ?? 0, text(found, "message")]
    }
  )

/** A service account of the namespace that may do nothing yet. */
const robot = Effect.fnUntraced(function* (api: Api) {
  yield* api.create(accounts, api.namespace, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot" } })
  const { object } = yield* exchange(api, "POST", `${path(accounts, api.namespace, "robot")}/token`, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {}
  })
  return yield* api.as(text(object, "status", "token"))
})

const grant = Effect.fnUntraced(function* (api: Api, name: string, rules: ReadonlyArray<KubeJson>) {
  const of = { name: `${api.namespace}-${name}` }
  yield* Effect.acquireRelease(
    api.create(rbac("clusterroles"), "", {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: of,
      rules: [...rules]
    }),
    () => Effect.orDie(api.delete(rbac("clusterroles"), "", of.name))
  )
  yield* Effect.acquireRelease(
    api.create(rbac("clusterrolebindings"), "", {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: of,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", ...of },
      subjects: [{ kind: "ServiceAccount", name: "robot", namespace: api.namespace }]
    }),
    () => Effect.orDie(api.delete(rbac("clusterrolebindings"), "", of.name))
  )
})

describe("impersonation", () => {
  const cases: ReadonlyArray<readonly [Headers, KubeJson]> = [
    [jane, { username: "jane", groups: ["system:authenticated"] }],
    [
      { ...jane, "impersonate-group": "dev" },
      { username: "jane", groups: ["dev", "system:authenticated"] }
    ],
    [
      { ...jane, "impersonate-group": "system:authenticated" },
      { username: "jane", groups: ["system:authenticated"] }
    ],
    [
      { "impersonate-user": "system:anonymous", "impersonate-group": "system:masters" },
      { username: "system:anonymous", groups: ["system:masters", "system:unauthenticated"] }
    ],
    [
      { "impersonate-user": "system:serviceaccount:team:robot" },
      {
        username: "system:serviceaccount:team:robot",
        groups: ["system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"]
      }
    ],
    [
      { "impersonate-user": "system:serviceaccount:team:robot", "impersonate-group": "g" },
      { username: "system:serviceaccount:team:robot", groups: ["g", "system:authenticated"] }
    ],
    [
      { "impersonate-user": "system:serviceaccount:Team:robot" },
      { username: "system:serviceaccount:Team:robot", groups: ["system:authenticated"] }
    ],
    [
      {
        ...jane,
        "impersonate-uid": "u",
        "impersonate-extra-scopes": "view",
        "impersonate-extra-acme.com%2fproject": "p",
        "impersonate-extra-%zz": "odd"
      },
      {
        username: "jane",
        uid: "u",
        groups: ["system:authenticated"],
        extra: { scopes: ["view"], "acme.com/project": ["p"], "%zz": ["odd"] }
      }
    ]
  ]

  onBoth("makes a request another user's", (api) =>
    Effect.gen(function* () {
      for (const [headers, expected] of cases) {
        assert.deepStrictEqual(yield* who(api, headers), expected, JSON.stringify(headers))
      }
      // Without the group of those who are known it may not even ask.
      assert.deepStrictEqual(yield* who(api, { ...jane, "impersonate-group": "system:unauthenticated" }), [
        403,
        'selfsubjectreviews.authentication.k8s.io is forbidden: User "jane" cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope'
      ])
      const self = yield* who(api, {})
      assert.deepStrictEqual(yield* who(api, { "impersonate-user": "" }), self)
      for (const headers of [{}, { "impersonate-user": "" }]) {
        assert.deepStrictEqual(
          yield* who(api, { ...headers, "impersonate-group": "a b", "impersonate-extra-k": "v" }),
          [
            400,
            'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a b"}, Extra:map[string][]string{"k":[]string{"v"}}} without impersonating a user name'
          ]
        )
      }
    })
  )

  onBoth("leaves the rights to that user", (api) =>
    Effect.gen(function* () {
      const read = (headers: Headers) =>
        Effect.map(api.raw("GET", path(configMaps, api.namespace), headers), ({ status, text: body }) => ({
          status,
          message: text(JSON.parse(body) as Json, "message")
        }))
      assert.deepStrictEqual(yield* read(jane), {
        status: 403,
        message: `configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "${api.namespace}"`
      })
      assert.strictEqual((yield* read({ ...jane, "impersonate-group": "system:masters" })).status, 200)
      const may = Effect.fnUntraced(function* (headers: Headers) {
        const { text: body } = yield* api.raw(
          "POST",
          "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
          { "content-type": "application/json", ...headers },
          JSON.stringify({
            apiVersion: "authorization.k8s.io/v1",
            kind: "SelfSubjectAccessReview",
            spec: { resourceAttributes: { verb: "list", resource: "configmaps", namespace: api.namespace } }
          })
        )
        return at(JSON.parse(body) as Json, "status", "allowed")
      })
      assert.deepStrictEqual([yield* may({}), yield* may(jane)], [true, false])
    })
  )

  onBoth("is for those who may, of every part that is claimed", (api) =>
    Effect.gen(function* () {
      const access = yield* robot(api)
      const sender = `User "system:serviceaccount:${api.namespace}:robot"`
      const review = "selfsubjectreviews"
      const refused = (kind: string) => [
        403,
        `${review}.authentication.k8s.io is forbidden: ${sender} cannot impersonate-on:${kind}:create resource "${review}" in API group "authentication.k8s.io" at the cluster scope`
      ]
      const node = { "impersonate-user": "system:node:n" }
      const account = { "impersonate-user": "system:serviceaccount:team:robot" }
      const legacy = (resource: string, name: string, place: string) => [
        403,
        `${resource} "${name}" is forbidden: ${sender} cannot impersonate resource "${resource}" in API group "" ${place}`
      ]
      assert.deepStrictEqual(yield* Effect.forEach([jane, node, account], (headers) => who(access, headers)), [
        refused("user-info"),
        refused("arbitrary-node"),
        refused("serviceaccount")
      ])
      assert.deepStrictEqual(
        yield* Effect.forEach([node, account], (headers) => who(access, { ...headers, "impersonate-group": "g" })),
        [
          legacy("users", "system:node:n", "at the cluster scope"),
          legacy("serviceaccounts", "robot", 'in the namespace "team"')
        ]
      )
      yield* grant(api, "jane", [
        { apiGroups: [""], resources: ["users"], resourceNames: ["jane"], verbs: ["impersonate"] },
        { apiGroups: [""], resources: ["groups"], resourceNames: ["dev"], verbs: ["impersonate"] },
        { apiGroups: [""], resources: ["users"], resourceNames: ["system:node:n"], verbs: ["impersonate"] },
        { apiGroups: ["authentication.k8s.io"], resources: ["uids"], verbs: ["impersonate"] },
        {
          apiGroups: ["authentication.k8s.io"],
          resources: ["userextras/scopes"],
          resourceNames: ["view"],
          verbs: ["impersonate"]
        }
      ])
      const full = { ...jane, "impersonate-group": "dev", "impersonate-uid": "u", "impersonate-extra-scopes": "view" }
      const taken = yield* eventually(who(access, full), isObject)
      assert.deepStrictEqual(taken, {
        username: "jane",
        uid: "u",
        groups: ["dev", "system:authenticated"],
        extra: { scopes: ["view"] }
      })
      assert.deepStrictEqual(yield* who(access, node), { username: "system:node:n", groups: ["system:authenticated"] })
      assert.deepStrictEqual(
        yield* Effect.forEach(
          [
            { "impersonate-user": "joe" },
            { ...full, "impersonate-group": "ops" },
            { ...full, "impersonate-extra-scopes": "edit" },
            { ...full, "impersonate-extra-other": "view" }
          ],
          // The real server speaks of the verb that last did for this sender.
          (headers) => Effect.map(who(access, headers), (found) => (isArray(found) ? found[0] : found))
        ),
        [403, 403, 403, 403]
      )
    })
  )

  onBoth("can be granted for one action", (api) =>
    Effect.gen(function* () {
      const access = yield* robot(api)
      const joe = { "impersonate-user": "joe" }
      yield* grant(api, "on", [
        {
          apiGroups: ["*"],
          resources: ["selfsubjectreviews"],
          verbs: ["user-info", "serviceaccount", "arbitrary-node"].map((kind) => `impersonate-on:${kind}:create`)
        }
      ])
      const refused = [
        403,
        `users.authentication.k8s.io "joe" is forbidden: User "system:serviceaccount:${api.namespace}:robot" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope`
      ]
      assert.deepStrictEqual(
        yield* eventually(who(access, joe), (found) => JSON.stringify(found).includes("users")),
        refused
      )
      yield* grant(api, "joe", [
        {
          apiGroups: ["authentication.k8s.io"],
          resources: ["users"],
          resourceNames: ["joe"],
          verbs: ["impersonate:user-info"]
        }
      ])
      const taken = yield* eventually(who(access, joe), isObject)
      assert.deepStrictEqual(taken, { username: "joe", groups: ["system:authenticated"] })
      yield* grant(api, "others", [
        { apiGroups: ["authentication.k8s.io"], resources: ["nodes"], verbs: ["impersonate:arbitrary-node"] },
        { apiGroups: ["authentication.k8s.io"], resources: ["serviceaccounts"], verbs: ["impersonate:serviceaccount"] }
      ])
      assert.deepStrictEqual(yield* eventually(who(access, { "impersonate-user": "system:node:n" }), isObject), {
        username: "system:node:n",
        groups: ["system:nodes", "system:authenticated"]
      })
      assert.deepStrictEqual(
        yield* eventually(who(access, { "impersonate-user": "system:serviceaccount:team:robot" }), isObject),
        {
          username: "system:serviceaccount:team:robot",
          groups: ["system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"]
        }
      )
      const { status } = yield* access.raw("GET", "/api", joe)
      assert.strictEqual(status, 403)
    })
  )
})
