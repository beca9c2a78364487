/** Whether a runspace pool can still be used, and why not: what broke it first counts. */
import { PoolBroken } from "./PsrpError.ts"

export class RunspacePoolHealth {
  private reason: PoolBroken | undefined

  get broken(): PoolBroken | undefined {
    return this.reason
  }

  /** Whatever is asked of the pool from now on fails, without being sent. */
  markBroken(why: string | PoolBroken): void {
    this.reason ??= typeof why === "string" ? new PoolBroken({ reason: why, sent: false }) : why
  }
}
