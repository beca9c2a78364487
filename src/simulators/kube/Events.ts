/** Events, served in two shapes: stored as core/v1, written and read as events.k8s.io/v1, too. */
import { assign, type Json, type KubeJson } from "./KubeJson.ts"

/** events.k8s.io/v1 field → core/v1 field; all others have one name. */
const renamed: ReadonlyArray<readonly [string, string]> = [
  ["note", "message"],
  ["regarding", "involvedObject"],
  ["reportingController", "reportingComponent"],
  ["deprecatedSource", "source"],
  ["deprecatedCount", "count"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"]
]

const rename = (object: KubeJson, pairs: ReadonlyArray<readonly [string, string]>): KubeJson => {
  const changes: Record<string, Json | undefined> = {}
  for (const [from, to] of pairs) {
    if (!Object.hasOwn(object, from)) continue
    changes[from] = undefined
    changes[to] = object[from]
  }
  return assign(object, changes)
}

export const toCore = (object: KubeJson): KubeJson => ({
  ...rename(object, renamed),
  apiVersion: "v1",
  kind: "Event"
})

export const fromCore = (object: KubeJson): KubeJson => ({
  ...rename(
    object,
    renamed.map(([from, to]) => [to, from] as const)
  ),
  apiVersion: "events.k8s.io/v1"
})

/** What kubectl shows of an event: when, what, about whom. */
export const fieldLabels: Readonly<Record<string, ReadonlyArray<string>>> = {
  ...Object.fromEntries(
    ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map((field) => [
      `involvedObject.${field}`,
      ["involvedObject", field]
    ])
  ),
  ...Object.fromEntries(["reason", "type", "reportingComponent"].map((field) => [field, [field]])),
  source: ["source", "component"]
}

export const regardingLabels: Readonly<Record<string, ReadonlyArray<string>>> = Object.fromEntries(
  Object.entries(fieldLabels).map(([label, path]) => [label.replace("involvedObject", "regarding"), path])
)
