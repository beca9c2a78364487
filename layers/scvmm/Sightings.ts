/** What one provider's VMs were last seen as, who follows them, and which of them changed: pure. */
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { VirtualMachine } from "../../schemas/vmm/VirtualMachine.ts"

export type Pace = "transition" | "rest"

/** VMM answers undefined for a VM that it does not know. */
export interface Sighting {
  readonly vm: VirtualMachine | undefined
  /** Monotonic milliseconds at which VMM was asked. */
  readonly at: number
}

interface Follower {
  readonly key: ObjectKey
  /** The pace that it asked for. */
  readonly pace: Pace
}

export interface Followed {
  /** By namespace and name: any object may name any VM, and none may speak for another. Never empty. */
  readonly followers: ReadonlyMap<string, Follower>
  /** The quickest that a follower asked for; rest when nothing has changed for so long that nothing is awaited any more. */
  readonly pace: Pace
  /** Absent until seen, and after an invalidation. */
  readonly sighting: Sighting | undefined
  /** What was last seen, in a comparable form; outlives an invalidation, so that its effect is noticed. */
  readonly digest: string | undefined
  /** When it was first seen as it is now. Absent until seen, after an invalidation, and when a follower begins to wait. */
  readonly calmSince: number | undefined
  /** Epoch of the last invalidation: answers to older questions do not count. */
  readonly invalidated: number
}

export interface Sightings {
  /** Grows with every invalidation. */
  readonly epoch: number
  readonly followed: HashMap.HashMap<string, Followed>
  /** Ids of those whose pace is transition. */
  readonly moving: HashSet.HashSet<string>
  readonly asked: Asked
}

/** What reconciles asked for just before they began to follow it: the latest, and those before `since`. */
interface Asked {
  readonly since: number
  readonly latest: HashMap.HashMap<string, Sighting>
  readonly earlier: HashMap.HashMap<string, Sighting>
}

export const empty: Sightings = {
  epoch: 0,
  followed: HashMap.empty(),
  moving: HashSet.empty(),
  asked: { since: 0, latest: HashMap.empty(), earlier: HashMap.empty() }
}

/** For so long at least, and twice as long at most, an answer waits for its VM to be followed. */
const askedMillis = 60_000

/** A VM in transition that looks the same for so long is polled as one at rest: a guest may never report an address. */
export const calmMillis = 600_000

const absent = "absent"

/**
 * The part of a VM that is worth a reconcile. Left out: the modification time, which every refresh moves, and the size on
 * disk, which grows while the guest writes. A job's progress stays in: once a poll at most.
 */
export const digestOf = (vm: VirtualMachine | undefined): string => {
  if (vm === undefined) return absent
  const { ModifiedTime: _, ...rest } = vm
  return JSON.stringify({ ...rest, Disks: vm.Disks.map((disk) => ({ ...disk, Size: 0 })) })
}

const textOf = (key: ObjectKey): string => `${key.namespace}/${key.name}`

const keysOf = ({ followers }: Followed): ReadonlyArray<ObjectKey> => [...followers.values()].map(({ key }) => key)

/** What is known of a VM that is followed. */
export const get = (sightings: Sightings, id: string): Followed | undefined =>
  Option.getOrUndefined(HashMap.get(sightings.followed, id))

const paceOf = ({ followers, sighting, calmSince }: Omit<Followed, "pace">): Pace =>
  (sighting === undefined || calmSince === undefined || sighting.at - calmSince < calmMillis) &&
  [...followers.values()].some(({ pace }) => pace === "transition")
    ? "transition"
    : "rest"

const put = (sightings: Sightings, id: string, changed: Omit<Followed, "pace">): Sightings => {
  const followed: Followed = { ...changed, pace: paceOf(changed) }
  const { moving } = sightings
  const moves = followed.pace === "transition"
  return {
    ...sightings,
    followed: HashMap.set(sightings.followed, id, followed),
    moving: HashSet.has(moving, id) === moves ? moving : moves ? HashSet.add(moving, id) : HashSet.remove(moving, id)
  }
}

const withoutAsked = (asked: Asked, id: string): Asked => ({
  ...asked,
  latest: HashMap.remove(asked.latest, id),
  earlier: HashMap.remove(asked.earlier, id)
})

/** Follows a VM for one object, or changes the pace that it asked for; only a follower that begins to wait ends the calm. */
export const follow = (sightings: Sightings, id: string, key: ObjectKey, pace: Pace): Sightings => {
  const known = get(sightings, id)
  const before = known?.followers.get(textOf(key))?.pace
  if (before === pace) return sightings
  const followers = new Map(known?.followers).set(textOf(key), { key, pace })
  if (known !== undefined) {
    return put(sightings, id, { ...known, followers, calmSince: pace === "transition" ? undefined : known.calmSince })
  }
  const { latest, earlier } = sightings.asked
  const sighting = Option.getOrUndefined(Option.orElse(HashMap.get(latest, id), () => HashMap.get(earlier, id)))
  return put({ ...sightings, asked: withoutAsked(sightings.asked, id) }, id, {
    followers,
    sighting,
    digest: sighting === undefined ? undefined : digestOf(sighting.vm),
    calmSince: sighting?.at,
    invalidated: sightings.epoch
  })
}

/** Ends one object's interest in a VM; others keep theirs. */
export const unfollow = (sightings: Sightings, id: string, key: ObjectKey): Sightings => {
  const known = get(sightings, id)
  if (known === undefined || !known.followers.has(textOf(key))) return sightings
  const followers = new Map(known.followers)
  followers.delete(textOf(key))
  return followers.size > 0
    ? put(sightings, id, { ...known, followers })
    : {
        ...sightings,
        followed: HashMap.remove(sightings.followed, id),
        moving: HashSet.remove(sightings.moving, id)
      }
}

/** Forgets how a VM looked: its next change is awaited anew. */
export const invalidate = (sightings: Sightings, id: string): Sightings => {
  const epoch = sightings.epoch + 1
  const known = get(sightings, id)
  const grown = { ...sightings, epoch, asked: withoutAsked(sightings.asked, id) }
  return known === undefined
    ? grown
    : put(grown, id, { ...known, sighting: undefined, calmSince: undefined, invalidated: epoch })
}

/** Puts an answer for one id in, unless it was asked before the last invalidation; says whether the VM is news. */
const see = (
  sightings: Sightings,
  id: string,
  sighting: Sighting,
  askedInEpoch: number
): readonly [Sightings, boolean] => {
  const known = get(sightings, id)
  if (known === undefined || known.invalidated > askedInEpoch) return [sightings, false]
  // Answers may overtake each other: the later question counts.
  if (known.sighting !== undefined && known.sighting.at > sighting.at) return [sightings, false]
  const digest = digestOf(sighting.vm)
  const same = digest === known.digest
  const calmSince = same ? (known.calmSince ?? sighting.at) : sighting.at
  return [put(sightings, id, { ...known, sighting, digest, calmSince }), !same]
}

/**
 * Takes in what a mutation answered: older answers do not count any more, and the next read needs no question. What it shows
 * nobody has acted on yet, so the next poll that finds it tells.
 */
export const answered = (sightings: Sightings, id: string, sighting: Sighting): Sightings => {
  const fresh = invalidate(sightings, id)
  const known = get(fresh, id)
  return known === undefined
    ? learn(fresh, id, sighting, fresh.epoch).sightings
    : put(fresh, id, { ...known, sighting })
}

export interface Outcome {
  readonly sightings: Sightings
  /** Keys of followers of VMs that differ from what was last seen of them, or were never seen. */
  readonly changed: ReadonlyArray<ObjectKey>
}

/**
 * Takes in the answer to a reconcile's own question. The one follower whose mutation or first look it was knows it already;
 * when there are several, or when it was not due, nobody can say who asked, and all are told.
 */
export const learn = (sightings: Sightings, id: string, sighting: Sighting, askedInEpoch: number): Outcome => {
  const known = get(sightings, id)
  if (known !== undefined) {
    const [seen, news] = see(sightings, id, sighting, askedInEpoch)
    const told = news && (known.followers.size > 1 || known.sighting !== undefined)
    return { sightings: seen, changed: told ? keysOf(known) : [] }
  }
  if (sightings.epoch !== askedInEpoch) return { sightings, changed: [] }
  const { asked } = sightings
  const turned: Asked =
    sighting.at - asked.since > askedMillis
      ? { since: sighting.at, latest: HashMap.empty(), earlier: asked.latest }
      : asked
  return {
    sightings: { ...sightings, asked: { ...turned, latest: HashMap.set(turned.latest, id, sighting) } },
    changed: []
  }
}

/** What a poll found: by id, undefined for a VM that is gone. */
export interface PollAnswer {
  readonly at: number
  readonly askedInEpoch: number
  readonly vms: ReadonlyMap<string, VirtualMachine | undefined>
}

/**
 * Takes in a poll. Every follower of a VM that is news is told, in the order of the answer. VMs that nobody follows are
 * passed over.
 */
export const apply = (sightings: Sightings, answer: PollAnswer): Outcome => {
  const changed: Array<ObjectKey> = []
  let next = sightings
  for (const [id, vm] of answer.vms) {
    const known = get(next, id)
    if (known === undefined) continue
    const [seen, news] = see(next, id, { vm, at: answer.at }, answer.askedInEpoch)
    next = seen
    if (news) changed.push(...keysOf(known))
  }
  return { sightings: next, changed }
}
