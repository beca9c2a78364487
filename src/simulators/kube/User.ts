/** Who sends a request: authentication.k8s.io UserInfo. */
import type { KubeJson } from "./KubeJson.ts"

export interface User {
  readonly username: string
  /** "" for those who have none. */
  readonly uid: string
  readonly groups: ReadonlyArray<string>
  readonly extra: Readonly<Record<string, ReadonlyArray<string>>>
}

/** The group that no rule holds back. */
export const masters = "system:masters"
export const authenticated = "system:authenticated"
export const unauthenticated = "system:unauthenticated"

export const make = (username: string, groups: ReadonlyArray<string>): User => ({
  username,
  uid: "",
  groups: [...groups, authenticated],
  extra: {}
})

/** The groups of a namespace's service accounts. */
export const ofServiceAccounts = (namespace: string): ReadonlyArray<string> => [
  "system:serviceaccounts",
  `system:serviceaccounts:${namespace}`
]

export const anonymous: User = { username: "system:anonymous", uid: "", groups: [unauthenticated], extra: {} }

/** As JSON, without what is empty. */
export const info = ({ username, uid, groups, extra }: User): KubeJson => ({
  username,
  ...(uid !== "" && { uid }),
  ...(groups.length > 0 && { groups }),
  ...(Object.keys(extra).length > 0 && { extra: { ...extra } })
})
