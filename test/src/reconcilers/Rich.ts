/** Options of property tests over large structs. */

/**
 * A struct has no more members than the size, optional ones last: at the default of 10 a VM never has a job, and a spec
 * almost never a disk.
 */
export const rich = { arbitrary: { runs: 100, size: 24 } } as const
