/** Offers one real control plane to a whole test run; it is started when the first test asks for it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as http from "node:http"
import type { TestProject } from "vitest/node"
import { start } from "./ControlPlane.ts"
import { installCrds } from "./Crds.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Answers with the Access of the control plane as JSON; absent without KUBEBUILDER_ASSETS. */
    readonly controlPlane: string | undefined
  }
}

/** vitest calls this once, in its main process. The returned function ends what was started. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const assets = process.env["KUBEBUILDER_ASSETS"]
  if (assets === undefined || assets === "") {
    process.stderr.write("skipped: tests against a real kube-apiserver (KUBEBUILDER_ASSETS is not set)\n")
    project.provide("controlPlane", undefined)
    return () => Promise.resolve()
  }
  const scope = Scope.makeUnsafe()
  let starting: Promise<string> | undefined
  const bring = start(assets, (access) => installCrds(access, process.env["CAPI_MANIFESTS"])).pipe(
    Effect.map((access) => JSON.stringify(access)),
    Scope.provide(scope)
  )
  const door = http.createServer((_, response) => {
    starting ??= Effect.runPromise(bring)
    starting.then(
      (body) => response.writeHead(200).end(body),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error))
    )
  })
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve))
  const address = door.address()
  const port = address !== null && typeof address === "object" ? address.port : 0
  project.provide("controlPlane", `http://127.0.0.1:${port}/`)
  return async () => {
    door.closeAllConnections()
    door.close()
    await starting?.catch(() => undefined)
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
