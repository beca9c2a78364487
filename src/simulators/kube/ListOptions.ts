/** What metav1.ListOptions may not say together: validation.ValidateListOptions. */
import * as Failure from "./Failure.ts"

const forbidden = (field: string, text: string): Failure.Cause => ({
  reason: "FieldValueForbidden",
  field,
  message: `Forbidden: ${text}`
})

const match = "resourceVersionMatch"

const unsupported = (found: string, supported: ReadonlyArray<string>): Failure.Cause => ({
  reason: "FieldValueNotSupported",
  field: match,
  message: `Unsupported value: ${JSON.stringify(found)}: supported values: ${supported.map((each) => JSON.stringify(each)).join(", ")}`
})

const continued = forbidden(match, "resourceVersionMatch is forbidden when continue is provided")

const ofList = (query: URLSearchParams): ReadonlyArray<Failure.Cause> => {
  const [found, version] = [query.get(match) ?? "", query.get("resourceVersion") ?? ""]
  return [
    ...(found !== "" && version === ""
      ? [forbidden(match, "resourceVersionMatch is forbidden unless resourceVersion is provided")]
      : []),
    ...(found !== "" && (query.get("continue") ?? "") !== "" ? [continued] : []),
    ...(["", "Exact", "NotOlderThan"].includes(found) ? [] : [unsupported(found, ["Exact", "NotOlderThan", ""])]),
    ...(found === "Exact" && version === "0"
      ? [forbidden(match, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')]
      : []),
    ...(query.has("sendInitialEvents")
      ? [forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")]
      : [])
  ]
}

const ofWatch = (query: URLSearchParams): ReadonlyArray<Failure.Cause> => {
  const found = query.get(match) ?? ""
  const initial = query.has("sendInitialEvents")
  return [
    ...(initial && found !== "NotOlderThan"
      ? [forbidden(match, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]
      : []),
    ...(found !== "" && !initial
      ? [forbidden(match, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
      : []),
    ...(found === "" || found === "NotOlderThan" ? [] : [unsupported(found, ["NotOlderThan"])]),
    ...((query.get("continue") ?? "") === "" ? [] : [continued])
  ]
}

/** Throws 422 with everything that is wrong. */
export const validate = (query: URLSearchParams, verb: "list" | "watch") => {
  const causes = verb === "list" ? ofList(query) : ofWatch(query)
  if (causes.length > 0) throw Failure.invalid("meta.k8s.io", "ListOptions", "", causes)
}
