/** What to do about a VM that somebody switched off (design D7). */
import * as Schema from "effect/Schema"

export const PowerPolicy = Schema.Literals(["Report", "PowerOn"])
export type PowerPolicy = typeof PowerPolicy.Type
