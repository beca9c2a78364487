/** How long each act of SCVMM takes, in seconds from–to. */
import * as Schema from "effect/Schema"

const Range = Schema.Tuple([Schema.Finite, Schema.Finite])

export const Latency = Schema.Struct({
  /** PowerShell's start, until a session has its runspace. */
  session: Range,
  /** Import-Module and Get-SCVMMServer. */
  connect: Range,
  /** One Get-SC*. */
  get: Range,
  /** What a list adds for each hundred VMs. */
  listHundred: Range,
  /** New-SCVMTemplate, Remove-SCVMTemplate. */
  template: Range,
  /** New-SCVMConfiguration. */
  configuration: Range,
  /** Update-SCVMConfiguration. */
  placement: Range,
  /** New-SCVirtualMachine until it returns the object that its job goes on building. */
  commit: Range,
  create: Range,
  /** Expand-SCVirtualDiskDrive. */
  expand: Range,
  start: Range,
  shutdown: Range,
  stop: Range,
  remove: Range,
  /** Set-SCVirtualDVDDrive, which copies the medium. */
  mount: Range,
  /** A medium's write to the exec host's temporary folder. */
  write: Range,
  /** Import-SCLibraryPhysicalResource. */
  import: Range,
  /** Remove-SCISO. */
  removeMedium: Range
})
export type Latency = typeof Latency.Type

export const realistic: Latency = {
  session: [0.3, 1],
  connect: [3, 6],
  get: [0.1, 0.3],
  listHundred: [0.4, 1],
  template: [1, 3],
  configuration: [1, 3],
  placement: [3, 10],
  commit: [0.5, 1.5],
  create: [60, 300],
  expand: [5, 15],
  start: [5, 15],
  shutdown: [10, 60],
  stop: [2, 5],
  remove: [5, 20],
  mount: [3, 10],
  write: [0.01, 0.05],
  import: [5, 20],
  removeMedium: [1, 3]
}

export const scaled = (latency: Latency, factor: number): Latency => {
  const scale = ([from, to]: readonly [number, number]): readonly [number, number] => [from * factor, to * factor]
  return {
    session: scale(latency.session),
    connect: scale(latency.connect),
    get: scale(latency.get),
    listHundred: scale(latency.listHundred),
    template: scale(latency.template),
    configuration: scale(latency.configuration),
    placement: scale(latency.placement),
    commit: scale(latency.commit),
    create: scale(latency.create),
    expand: scale(latency.expand),
    start: scale(latency.start),
    shutdown: scale(latency.shutdown),
    stop: scale(latency.stop),
    remove: scale(latency.remove),
    mount: scale(latency.mount),
    write: scale(latency.write),
    import: scale(latency.import),
    removeMedium: scale(latency.removeMedium)
  }
}

export const fast: Latency = scaled(realistic, 0.01)
