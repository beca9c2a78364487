import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Yaml from "yaml"
import * as CertificateAuthority from "../../../src/simulators/CertificateAuthority.ts"
import * as EmbeddedApiServer from "../../../src/simulators/kube/EmbeddedApiServer.ts"
import { listen } from "../../../src/simulators/Listener.ts"
import { realApi, unavailable } from "../../harness/ApiServer.ts"
import * as Kubectl from "../../harness/Kubectl.ts"
import { temporary } from "../../harness/Folder.ts"

const server = Effect.gen(function* () {
  const folder = path.resolve(import.meta.dirname, "../../../schemas/crds")
  const crds = fs.readdirSync(folder).map((file) => Yaml.parse(fs.readFileSync(path.join(folder, file), "utf8")))
  const { handler, kubeconfig } = yield* EmbeddedApiServer.make({ crds })
  const authority = yield* CertificateAuthority.make("test")
  const { cert, key } = yield* authority.issue({ commonName: "kube-apiserver", usage: "server" })
  const { origin } = yield* listen({ handler, tls: { cert, key } })
  const home = yield* temporary("kubeconfig")
  const file = path.join(home, "kubeconfig")
  fs.writeFileSync(file, kubeconfig(origin, authority.ca), { mode: 0o600 })
  return (yield* Kubectl.make(file)).text
})

const manifest = (size: string) => `
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1
kind: ScvmmNamePool
metadata: {name: pool, namespace: team}
spec: {vmNameRanges: [{start: "${size}"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: team}
data: {size: "${size}"}
`

describe("kubectl", () => {
  const run = Kubectl.unavailable === undefined ? it.live : it.live.skip
  run("gets, applies, patches, describes, waits and deletes on the embedded server", () =>
    Effect.gen(function* () {
      const kubectl = yield* server
      const apply = (size: string) => kubectl(["apply", "-f", "-"], manifest(size))
      assert.match(yield* apply("a"), /scvmmnamepool\S* created[^]*configmap\/settings created/u)
      assert.match(yield* apply("b"), /namespace\/team unchanged[^]*configured[^]*configmap\/settings configured/u)
      assert.match(yield* kubectl(["get", "scvmmnamepools", "-A"]), /NAMESPACE +NAME[^]*team +pool/u)
      assert.match(yield* kubectl(["get", "cm", "-n", "team", "settings", "-o", "yaml"]), /size: b/u)
      yield* kubectl(["-n", "team", "label", "cm", "settings", "a=b"])
      yield* kubectl(["-n", "team", "patch", "cm", "settings", "-p", '{"data":{"size":"c"}}'])
      const settings = yield* kubectl(["get", "cm", "-n", "team", "-l", "a=b", "-o", "jsonpath={.items[0].data.size}"])
      assert.strictEqual(settings, "c")
      assert.match(yield* kubectl(["describe", "scvmmnamepool", "pool", "-n", "team"]), /Start: +b/u)
      const crd = "crd/scvmmmachines.infrastructure.cluster.x-k8s.io"
      assert.match(yield* kubectl(["wait", crd, "--for=condition=Established", "--timeout=5s"]), /condition met/u)
      assert.match(yield* kubectl(["delete", "ns", "team", "--timeout=10s"]), /"team" deleted/u)
      assert.match(yield* kubectl(["get", "cm", "settings", "-n", "team"]), /NotFound/u)
    })
  )

  run("creates from its command line, which it sends in Protocol Buffers", () =>
    Effect.gen(function* () {
      const kubectl = yield* server
      const words = (line: string) => kubectl(line.split(" "))
      assert.strictEqual(yield* words("create namespace team"), "namespace/team created\n")
      yield* words("create configmap settings -n team --from-literal=a=b")
      yield* words("create secret generic password -n team --from-literal=a=b")
      assert.strictEqual(yield* words("get cm settings -n team -o jsonpath={.data}"), '{"a":"b"}')
      assert.strictEqual(yield* words("get secret password -n team -o jsonpath={.data.a}/{.type}"), "Yg==/Opaque")
      assert.match(yield* words("create serviceaccount robot -n team"), /created/u)
      assert.match(yield* words("create role reader -n team --verb=get,list --resource=pods"), /created/u)
      assert.match(
        yield* words("create rolebinding robot -n team --role=reader --serviceaccount=team:robot"),
        /created/u
      )
      assert.strictEqual(yield* words("get role reader -n team -o jsonpath={.rules[0].verbs}"), '["get","list"]')
      assert.strictEqual(yield* words("auth can-i get pods"), "yes\n")
      assert.match(yield* words("create service clusterip web -n team --tcp=80:80"), /unknown format/u)
    })
  )

  run("asks in the name of others", () =>
    Effect.gen(function* () {
      const kubectl = yield* server
      const words = (line: string) => kubectl(line.split(" "))
      assert.strictEqual(yield* words("auth can-i list secrets"), "yes\n")
      // Its "no" is on the standard output of a failure.
      assert.strictEqual(yield* words("auth can-i list secrets --as=jane"), "")
      assert.match(yield* words("get secrets --as=jane"), /User "jane" cannot list resource "secrets"/u)
      assert.strictEqual(yield* words("auth can-i list secrets --as=jane --as-group=system:masters"), "yes\n")
      const whoami = "auth whoami --as=jane --as-uid=u --as-group=dev --as-group=ops --as-user-extra=k=v -o json"
      assert.deepInclude(JSON.parse(yield* words(whoami)), {
        status: {
          userInfo: { username: "jane", uid: "u", groups: ["dev", "ops", "system:authenticated"], extra: { k: ["v"] } }
        }
      })
    })
  )

  const both = Kubectl.unavailable === undefined && unavailable === undefined ? it.live : it.live.skip
  both(
    "explains as on the real server",
    () =>
      Effect.gen(function* () {
        const ours = yield* server
        const { text: theirs } = yield* Kubectl.make((yield* realApi).kubeconfig)
        const explained = [
          "scvmmmachine",
          "scvmmmachine.spec --recursive",
          "scvmmnamepool.spec.vmNameRanges",
          "scvmmmachine.metadata.ownerReferences",
          "scvmmmachine.nothing",
          "namespace.status",
          "configmap",
          "node.spec",
          "service.spec.ports",
          "crd.spec.versions",
          "nothing"
        ]
        for (const what of explained) {
          const args = ["explain", ...what.split(" ")]
          assert.strictEqual(yield* ours(args), yield* theirs(args), what)
        }
      }),
    60_000
  )
})
