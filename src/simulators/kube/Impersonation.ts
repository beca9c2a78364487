/**
 * Whom a request wants to be taken for (headers Impersonate-*), and whether its sender may: by RBAC's verb impersonate, or by the
 * verbs that hold for one action of one kind of user (KEP-5284).
 */
import { refusal, type Attempt } from "./Authorization.ts"
import * as Failure from "./Failure.ts"
import { labelFault } from "./MetadataRules.ts"
import type { Storage } from "./Storage.ts"
import { anonymous, authenticated, ofServiceAccounts, unauthenticated, type User } from "./User.ts"

const prefix = "impersonate-extra-"

const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** What the headers say and no more; Exchange joins repeated headers. Names in lower case. */
const said = (headers: Readonly<Record<string, string>>): User => ({
  username: headers["impersonate-user"] ?? "",
  uid: headers["impersonate-uid"] ?? "",
  groups: headers["impersonate-group"]?.split(", ") ?? [],
  extra: Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [decoded(name.slice(prefix.length)).toLowerCase(), value.split(", ")])
  )
})

/** As Go prints it, for a message. */
const printed = ({ username, uid, groups, extra }: User): string => {
  const list = (items: ReadonlyArray<string>) => `[]string{${items.map((item) => JSON.stringify(item)).join(", ")}}`
  const entries = Object.entries(extra).map(([key, values]) => `${JSON.stringify(key)}:${list(values)}`)
  return `&user.DefaultInfo{Name:${JSON.stringify(username)}, UID:${JSON.stringify(uid)}, Groups:${groups.length === 0 ? "[]string(nil)" : list(groups)}, Extra:map[string][]string${entries.length === 0 ? "(nil)" : `{${entries.join(", ")}}`}}`
}

const serviceAccount = (username: string): readonly [namespace: string, name: string] | undefined => {
  const [system, kind, namespace = "", name = "", ...rest] = username.split(":")
  if (system !== "system" || kind !== "serviceaccount" || rest.length > 0 || name === "") return undefined
  return labelFault(namespace) === undefined ? [namespace, name] : undefined
}

const nodePrefix = "system:node:"

/** The user as the server goes on with it: with the groups that come by themselves. */
const completed = (user: User, own: ReadonlyArray<string>): User => {
  const account = serviceAccount(user.username)
  const others = account === undefined ? own : ofServiceAccounts(account[0])
  const groups = user.groups.length > 0 ? user.groups : others
  const isAnonymous = user.username === anonymous.username
  const ends = isAnonymous ? [unauthenticated] : [authenticated, unauthenticated]
  return {
    ...user,
    groups: groups.some((group) => ends.includes(group))
      ? groups
      : [...groups, isAnonymous ? unauthenticated : authenticated]
  }
}

const authentication = "authentication.k8s.io"

/** What one has to be allowed to impersonate, each part in its API group or, if one is given, in that. */
const parts = (user: User, verb: string, all?: string): ReadonlyArray<Attempt> => {
  const part = (group: string, plural: string, name: string, namespace = "", subresource = ""): Attempt => ({
    verb,
    names: { group: all ?? group, plural, namespace, name, subresource },
    path: ""
  })
  const account = serviceAccount(user.username)
  return [
    account === undefined ? part("", "users", user.username) : part("", "serviceaccounts", account[1], account[0]),
    ...(user.uid === "" ? [] : [part(authentication, "uids", user.uid)]),
    ...user.groups.map((group) => part("", "groups", group)),
    ...Object.entries(user.extra).flatMap(([key, values]) =>
      values.map((value) => part(authentication, "userextras", value, "", key))
    )
  ]
}

const isAlone = (user: User): boolean =>
  user.groups.length === 0 && user.uid === "" && Object.keys(user.extra).length === 0

interface Mode {
  readonly name: "user-info" | "serviceaccount" | "arbitrary-node"
  readonly parts: ReadonlyArray<Attempt>
  readonly groups: ReadonlyArray<string>
}

/** The kind of user that the verbs of KEP-5284 name; undefined where none of them is enough. */
const modeOf = (user: User): Mode | undefined => {
  const mode = (name: Mode["name"]): Mode => ({
    name,
    parts: parts(user, `impersonate:${name}`, authentication),
    groups: []
  })
  if (serviceAccount(user.username) !== undefined) return isAlone(user) ? mode("serviceaccount") : undefined
  if (!user.username.startsWith(nodePrefix)) return mode("user-info")
  if (!isAlone(user)) return undefined
  const name = user.username.slice(nodePrefix.length)
  const names = { group: authentication, plural: "nodes", namespace: "", name, subresource: "" }
  return {
    name: "arbitrary-node",
    parts: [{ verb: "impersonate:arbitrary-node", names, path: "" }],
    groups: ["system:nodes"]
  }
}

/** The user that a request is served as. Throws 400 for a user without a name, 403. */
export const apply = (
  storage: Storage,
  sender: User,
  headers: Readonly<Record<string, string>>,
  attempt: Attempt
): User => {
  const wanted = said(headers)
  if (wanted.username === "") {
    if (isAlone(wanted)) return sender
    throw Failure.badRequest(`requested ${printed(wanted)} without impersonating a user name`)
  }
  const first = (attempts: ReadonlyArray<Attempt>) =>
    attempts.map((each) => refusal(storage, sender, each)).find((found) => found !== undefined)
  const mode = modeOf(wanted)
  const narrow = mode && first([{ ...attempt, verb: `impersonate-on:${mode.name}:${attempt.verb}` }, ...mode.parts])
  if (mode !== undefined && narrow === undefined) return completed(wanted, mode.groups)
  const wide = first(parts(wanted, "impersonate"))
  if (wide === undefined) return completed(wanted, [])
  throw narrow ?? wide
}
