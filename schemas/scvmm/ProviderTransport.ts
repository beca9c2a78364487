/** How the hosts of an ScvmmProvider are spoken to. */
import * as Schema from "effect/Schema"
import { between, defaulted, extend, optional, text } from "../kube/Field.ts"

export const ProviderTransport = Schema.Struct({
  scheme: defaulted(Schema.Literals(["http", "https"]), "http", "Scheme of the WinRM listener."),
  port: optional(between(1, 65_535), "Port of the WinRM listener; unset means 5985 for http, 5986 for https."),
  authentication: defaulted(
    Schema.Literals(["Negotiate", "NTLM", "Basic", "Certificate", "Kerberos"]),
    "Negotiate",
    "Log-on. Negotiate means NTLM; Basic, Certificate and Kerberos need https."
  ),
  caBundle: optional(
    extend(Schema.String, { format: "byte" }),
    "Certificate authorities of the listener, PEM in base64; unset means key ca.crt of the Secret, else the system's."
  ),
  serverCertificateThumbprint: optional(
    Schema.String.check(Schema.isPattern(/^[0-9A-Fa-f]{64}$/u)),
    "SHA-256 of the listener's certificate in hexadecimal; no other certificate is accepted."
  ),
  insecureSkipVerify: defaulted(
    Schema.Boolean,
    false,
    "Do not verify the listener's certificate; a condition warns while true."
  ),
  configurationName: defaulted(
    text(1, 256),
    "Microsoft.PowerShell",
    "PowerShell session configuration, such as a JEA endpoint."
  ),
  operationTimeoutSeconds: defaulted(between(10, 60), 60, "OperationTimeout of WS-Management.")
})
export type ProviderTransport = typeof ProviderTransport.Type
