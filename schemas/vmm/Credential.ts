/** A Windows account with its password: PowerShell's PSCredential, which travels encrypted inside the session. */
import * as Schema from "effect/Schema"

export class Credential extends Schema.Class<Credential>("PSCredential")({
  userName: Schema.String,
  password: Schema.Redacted(Schema.String)
}) {}
