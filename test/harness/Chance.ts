/** Where chance starts in tests: the same for every run, so that a failure comes back; TEST_SEED tries other cases. */
import * as Arbitrary from "effect/Arbitrary"

export const seed = process.env["TEST_SEED"] ?? "1"

/** Of each property test, too; vitest runs this file before every test file. */
Arbitrary.configureGlobal({ check: { seed }, sample: { seed } })
