/** What one provider's VMs were last seen as, and which of them changed: pure. */
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { VirtualMachine } from "../../schemas/vmm/VirtualMachine.ts"

export type Pace = "transition" | "rest"

/** VMM answers undefined for a VM that it does not know. */
export interface Sighting {
  readonly vm: VirtualMachine | undefined
  /** Clock milliseconds at which VMM was asked. */
  readonly at: number
}

export interface Followed {
  readonly key: ObjectKey
  readonly pace: Pace
  /** Absent until seen, and after an invalidation. */
  readonly sighting: Sighting | undefined
  /** What was last seen, in a comparable form; outlives an invalidation, so that its effect is noticed. */
  readonly digest: string | undefined
  /** Epoch of the last invalidation: answers to older questions do not count. */
  readonly invalidated: number
}

export interface Sightings {
  /** Grows with every invalidation. */
  readonly epoch: number
  readonly followed: ReadonlyMap<string, Followed>
  /** What reconciles asked for just before they began to follow it. */
  readonly asked: ReadonlyMap<string, Sighting>
}

export const empty: Sightings = { epoch: 0, followed: new Map(), asked: new Map() }

/** For so long an answer waits for its VM to be followed. */
const askedMillis = 60_000

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

const put = (sightings: Sightings, id: string, followed: Followed): Sightings => ({
  ...sightings,
  followed: new Map(sightings.followed).set(id, followed)
})

const without = <A>(map: ReadonlyMap<string, A>, id: string): ReadonlyMap<string, A> =>
  map.has(id) ? new Map([...map].filter(([other]) => other !== id)) : map

/** Follows a VM, or changes key and pace of one that is followed. */
export const follow = (sightings: Sightings, id: string, key: ObjectKey, pace: Pace): Sightings => {
  const known = sightings.followed.get(id)
  if (known !== undefined) return put(sightings, id, { ...known, key, pace })
  const sighting = sightings.asked.get(id)
  const digest = sighting === undefined ? undefined : digestOf(sighting.vm)
  return put({ ...sightings, asked: without(sightings.asked, id) }, id, {
    key,
    pace,
    sighting,
    digest,
    invalidated: sightings.epoch
  })
}

export const unfollow = (sightings: Sightings, id: string): Sightings => ({
  ...sightings,
  followed: without(sightings.followed, id)
})

export const invalidate = (sightings: Sightings, id: string): Sightings => {
  const epoch = sightings.epoch + 1
  const known = sightings.followed.get(id)
  const grown = { ...sightings, epoch, asked: without(sightings.asked, id) }
  return known === undefined ? grown : put(grown, id, { ...known, sighting: undefined, invalidated: epoch })
}

/** Puts an answer for one id in, unless it was asked before the last invalidation; says whether the VM is news. */
const see = (
  sightings: Sightings,
  id: string,
  sighting: Sighting,
  askedInEpoch: number
): readonly [Sightings, ObjectKey | undefined] => {
  const known = sightings.followed.get(id)
  if (known === undefined || known.invalidated > askedInEpoch) return [sightings, undefined]
  // Answers may overtake each other: the later question counts.
  if (known.sighting !== undefined && known.sighting.at > sighting.at) return [sightings, undefined]
  const digest = digestOf(sighting.vm)
  return [put(sightings, id, { ...known, sighting, digest }), digest === known.digest ? undefined : known.key]
}

/** The answer to a reconcile's own question: it knows it already, so that it is no news. */
export const learn = (sightings: Sightings, id: string, sighting: Sighting, askedInEpoch: number): Sightings => {
  if (sightings.followed.has(id)) return see(sightings, id, sighting, askedInEpoch)[0]
  if (sightings.epoch !== askedInEpoch) return sightings
  const recent = [...sightings.asked].filter(([, other]) => sighting.at - other.at <= askedMillis)
  return { ...sightings, asked: new Map(recent).set(id, sighting) }
}

/** What a poll found: by id, undefined for a VM that is gone. */
export interface PollAnswer {
  readonly at: number
  readonly askedInEpoch: number
  readonly vms: ReadonlyMap<string, VirtualMachine | undefined>
}

/**
 * Takes in a poll. Answers the keys of followed VMs that differ from what was last seen of them, or were never seen: each
 * once, in the order of the answer. VMs that nobody follows are passed over.
 */
export const apply = (
  sightings: Sightings,
  answer: PollAnswer
): { readonly sightings: Sightings; readonly changed: ReadonlyArray<ObjectKey> } => {
  const changed: Array<ObjectKey> = []
  let next = sightings
  for (const [id, vm] of answer.vms) {
    const [seen, key] = see(next, id, { vm, at: answer.at }, answer.askedInEpoch)
    next = seen
    if (key !== undefined) changed.push(key)
  }
  return { sightings: next, changed }
}
