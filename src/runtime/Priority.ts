/** What a work queue serves first: what somebody did, before what happens by itself. */

/** controller-runtime's numbers (`LowPriority` of its handlers): they label workqueue_depth. */
export type Priority = 0 | -100

/** A spec, label, annotation, finalizer or deletion that changed, a new object, the next step of work that was asked for. */
export const normal = 0

/** The first listing, a resync, a status, the world outside. */
export const low = -100

export const higher = (a: Priority, b: Priority): Priority => (a > b ? a : b)

/** So many normal keys may go before a low one that waits: a tenth of the runs at least is the low ones'. */
export const patience = 9

/**
 * Whose turn it is among keys that wait; `passed` counts the normal ones taken in a row while a low one waited. Unlike
 * controller-runtime's queue, where low keys wait for as long as normal ones come.
 */
export const turn = (waiting: { readonly normal: number; readonly low: number }, passed: number): Priority =>
  waiting.low > 0 && (waiting.normal === 0 || passed >= patience) ? low : normal
