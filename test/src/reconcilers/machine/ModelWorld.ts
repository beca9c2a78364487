/** A tiny world for one machine: object, operator process and VMM, moved by Plan and by a tape of mishaps. */
import { assert } from "@effect/vitest"
import type { VirtualMachine } from "../../../../schemas/vmm/VirtualMachine.ts"
import type { Observed, Step } from "../../../../src/reconcilers/machine/Plan.ts"
import { plan } from "../../../../src/reconcilers/machine/Plan.ts"
import { virtualMachine } from "../Objects.ts"

const creation = { execHost: "exec-1", shellId: "shell", startedAt: "2026-01-01T00:00:00Z" }
const growth = { busType: "SCSI", bus: 0, lun: 0, sizeMB: 20_480 } as const

/** What VMM holds of our machine. */
interface Vm {
  readonly id: string
  state: string
  status: string
  seeded: boolean
  grown: boolean
  /** A job and what the VM becomes when it ends. */
  job: { left: number; readonly end: () => void } | undefined
}

/** New-CapsVirtualMachine on its way: it may commit after its client died, while its window lasts. */
interface Pipeline {
  left: number
  ended: boolean
}

export interface Setting {
  /** Choices, each taken modulo the number of options; 0, which follows for ever, is the option without mishap. */
  readonly tape: ReadonlyArray<number>
  /** Ticks until nothing is waited for any more. */
  readonly waits: number
  /** The tick at which the object is deleted. */
  readonly deletedAt: number | undefined
  /** Whether somebody else may switch off or remove the VM, and a job of VMM may fail. */
  readonly meddling: boolean
  readonly powerPolicy: "Report" | "PowerOn"
}

export interface Outcome {
  /** The last step: Settle, Report or, of a deletion, Release. */
  readonly end: Step["_tag"]
  readonly ticks: number
  /** VMs that were ever made. */
  readonly made: number
  /** VMs of ours that exist now, or that a pipeline may still make. */
  readonly left: number
  readonly trail: ReadonlyArray<string>
}

/** Takes steps until nothing changes by itself any more, or `limit` ticks have passed. Fails at a step that does harm. */
export const live = (setting: Setting, limit: number): Outcome => {
  const trail: Array<string> = []
  let cursor = 0
  const dice = (options: number): number => {
    const choice = setting.tape[cursor]
    cursor += 1
    return choice === undefined ? 0 : choice % options
  }
  const object: { finalizer: boolean; name: boolean; id?: string; providerID: boolean; attempt: boolean } = {
    finalizer: false,
    name: false,
    providerID: false,
    attempt: false
  }
  let vms: Array<Vm> = []
  let made = 0
  const pipelines: Array<Pipeline> = []
  const flying = () => pipelines.filter((pipeline) => !pipeline.ended)
  let call: { readonly kind: "create" | "seed"; phase: number; readonly vm?: Vm } | undefined
  let tick = 0

  const work = (vm: Vm, status: string, end: () => void) => {
    vm.status = status
    vm.job = { left: 3 + dice(3), end }
  }
  const rest = (vm: Vm, state: string) => () => {
    vm.state = state
    vm.status = state
  }
  const commit = (pipeline: Pipeline) => {
    pipeline.ended = true
    made += 1
    const vm: Vm = { id: `vm-${made}`, state: "PowerOff", status: "", seeded: false, grown: false, job: undefined }
    vms.push(vm)
    const fails = setting.meddling && dice(8) === 7
    work(vm, "UnderCreation", () => {
      vm.status = fails ? "CreationFailed" : "PowerOff"
    })
  }
  /** The VM's id first, then the attempt: two writes, and a cut may come between them. */
  const record = (vm: Vm) => {
    object.id = vm.id
    if (dice(6) !== 5) object.attempt = false
  }
  const seen = (vm: Vm): VirtualMachine =>
    virtualMachine({
      Id: vm.id,
      Status: vm.status,
      VirtualMachineState: vm.state,
      ...(vm.job !== undefined && {
        Job: { Id: "j", Name: "job", Status: "Running", Progress: 1, StartTime: "2026-01-01T00:00:00Z" }
      })
    })

  const observe = (): Observed => {
    const vm = vms.find((candidate) => candidate.id === object.id)
    return {
      deleting: setting.deletedAt !== undefined && tick >= setting.deletedAt,
      finalizer: object.finalizer,
      nameStored: object.name,
      id: object.id,
      creation: object.attempt ? creation : undefined,
      wasUp: object.providerID,
      call: call?.kind,
      sighting:
        object.id === undefined
          ? { _tag: "Unknown" }
          : vm === undefined
            ? { _tag: "Absent" }
            : { _tag: "Present", vm: seen(vm), owned: true },
      wait: tick < setting.waits ? { reason: "WaitingForBootstrapData", message: "" } : undefined,
      seed: vm?.seeded === true ? "mounted" : "missing",
      growth: vm?.grown === true ? undefined : growth,
      powerPolicy: setting.powerPolicy
    }
  }

  const vmOf = (id: string): Vm => {
    const vm = vms.find((candidate) => candidate.id === id)
    assert.isDefined(vm, `a command for ${id}, which is gone`)
    assert.isUndefined(vm.job, "a command for a VM that a job holds")
    return vm
  }

  const take = (step: Step): void => {
    switch (step._tag) {
      case "AddFinalizer":
        object.finalizer = true
        return
      case "ReserveName":
        object.name = true
        return
      case "Create":
        assert.isTrue(object.name, "created without a stored name")
        assert.isUndefined(object.id, "created though an id is known")
        assert.isEmpty(flying(), "created while another attempt may still commit")
        assert.isEmpty(vms, "created though a VM of ours exists")
        call = { kind: "create", phase: 0 }
        return
      case "Recover": {
        // Option 2: the exec host cannot be reached, so the window must pass.
        if (dice(3) !== 2) for (const pipeline of pipelines) pipeline.ended = true
        assert.isAtMost(vms.length, 1)
        const [vm] = vms
        if (vm !== undefined) record(vm)
        else if (flying().length === 0) object.attempt = false
        return
      }
      case "Expand": {
        const vm = vmOf(step.vm.Id)
        assert.isFalse(object.providerID, "a disk of a VM that was up is resized")
        work(vm, "UnderUpdate", () => {
          vm.grown = true
          vm.status = vm.state
        })
        return
      }
      case "Seed":
        assert.isFalse(object.providerID, "a VM that was up is seeded")
        call = { kind: "seed", phase: 0, vm: vmOf(step.vm.Id) }
        return
      case "Start": {
        const vm = vmOf(step.vm.Id)
        assert.isTrue(vm.seeded && vm.grown, "started before it was ready")
        work(vm, "Starting", rest(vm, "Running"))
        return
      }
      case "Settle":
        object.providerID = true
        return
      case "Remove": {
        const vm = vmOf(step.vm.Id)
        if (vm.state === "Running") work(vm, "PoweringOff", rest(vm, "PowerOff"))
        else
          work(vm, "Deleting", () => {
            vms = vms.filter((candidate) => candidate !== vm)
          })
        return
      }
      case "Release":
        object.finalizer = false
        return
      case "Refuse":
      case "Disown":
        return assert.fail("our VM was taken for somebody else's")
      case "Wait":
      case "AwaitCall":
      case "AwaitJob":
      case "Report":
        return
    }
  }

  /** One phase of a tracked call, seen to its end by this process unless it is cut. */
  const proceed = () => {
    if (call === undefined) return
    if (call.kind === "seed") {
      if (call.phase === 1 && call.vm !== undefined) call.vm.seeded = true
      if (call.phase === 2) call = undefined
      else call.phase += 1
      return
    }
    const pipeline = pipelines.at(-1)
    switch (call.phase) {
      case 0:
        object.attempt = true
        break
      case 1:
        pipelines.push({ left: 4, ended: false })
        break
      default: {
        if (pipeline?.ended !== true) return
        call = undefined
        const [vm] = vms
        // Refused for being late: nothing was left.
        if (vm === undefined) object.attempt = false
        else record(vm)
        return
      }
    }
    call.phase += 1
  }

  const pass = () => {
    for (const pipeline of flying()) {
      pipeline.left -= 1
      if (pipeline.left === 0) pipeline.ended = true
      else if (dice(3) !== 2) commit(pipeline)
    }
    for (const vm of vms) {
      if (vm.job === undefined) continue
      vm.job.left -= 1
      if (vm.job.left > 0) continue
      const { end } = vm.job
      vm.job = undefined
      end()
    }
    const [vm] = vms
    if (setting.meddling && vm !== undefined && vm.job === undefined && call === undefined) {
      const deed = dice(16)
      if (deed === 14 && vm.state === "Running") rest(vm, "PowerOff")()
      if (deed === 15) vms = []
    }
  }

  let still = 0
  let end: Step["_tag"] = "Wait"
  while (object.finalizer || tick === 0) {
    if (tick >= limit) assert.fail(`no end after ${limit} ticks: ${trail.join(" ")}`)
    const step = plan(observe())
    end = step._tag
    trail.push(end)
    take(step)
    // A cut: calls of the process are lost, what they started is not.
    if (dice(5) === 4) {
      call = undefined
      trail.push("cut")
    } else proceed()
    pass()
    tick += 1
    still = end === "Settle" || end === "Report" ? still + 1 : 0
    if (still > 1 && cursor > setting.tape.length && setting.deletedAt === undefined) break
  }
  return { end, ticks: tick, made, left: vms.length + flying().length, trail }
}
