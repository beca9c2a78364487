/** Spans to an OpenTelemetry collector, when the environment names one. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

export const serviceName = "cluster-api-provider-scvmm"

const text = (name: string) => Config.option(Config.NonEmptyString(name))

const environment = Config.all({
  disabled: Config.Boolean("OTEL_SDK_DISABLED").pipe(Config.withDefault(false)),
  exporter: text("OTEL_TRACES_EXPORTER"),
  endpoint: text("OTEL_EXPORTER_OTLP_ENDPOINT"),
  tracesEndpoint: text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
  service: text("OTEL_SERVICE_NAME"),
  attributes: Config.Record(Schema.String, Schema.String, "OTEL_RESOURCE_ATTRIBUTES").pipe(
    Config.withDefault({}),
    // What is wrong with them is said, by the resource itself.
    (config) => Config.orElse(config, () => Config.succeed({}))
  )
})

/** Whether this environment asks for an export at all. */
const wanted = (env: Config.Success<typeof environment>): boolean =>
  !env.disabled &&
  (Option.isSome(env.endpoint) || Option.isSome(env.tracesEndpoint)) &&
  Option.getOrElse(env.exporter, () => "otlp") !== "none"

/** Without path and user information, which may hold a token. */
const originOf = (env: Config.Success<typeof environment>): string => {
  const url = Option.getOrElse(
    Option.orElse(env.tracesEndpoint, () => env.endpoint),
    () => ""
  )
  return URL.canParse(url) ? new URL(url).origin : "not a URL"
}

/**
 * Nothing without OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT): spans then live for their ids in log
 * lines alone, and no OpenTelemetry package is loaded. Otherwise OTLP over HTTP with protobuf, in batches, flushed when the
 * layer closes; headers, timeouts, sampler, limits, batches and resource attributes are read from the usual OTEL_* variables by
 * the packages themselves, and OTEL_SDK_DISABLED=true and OTEL_TRACES_EXPORTER=none are honoured.
 */
export const layer: Layer.Layer<never, Config.ConfigError> = Layer.unwrap(
  Effect.gen(function* () {
    const env = yield* environment
    if (!wanted(env)) return Layer.empty
    const [NodeSdk, { BatchSpanProcessor }, { OTLPTraceExporter }] = yield* Effect.promise(() =>
      Promise.all([
        import("@effect/opentelemetry/NodeSdk"),
        import("@opentelemetry/sdk-trace-base"),
        import("@opentelemetry/exporter-trace-otlp-proto")
      ])
    )
    const named = Option.isSome(env.service) || Object.hasOwn(env.attributes, "service.name")
    return Layer.effectDiscard(
      Effect.logInfo("exporting traces").pipe(Effect.annotateLogs({ endpoint: originOf(env) }))
    ).pipe(
      Layer.provideMerge(
        NodeSdk.layer(() => ({
          spanProcessor: new BatchSpanProcessor(new OTLPTraceExporter()),
          // A name given here would win over the environment's.
          ...(!named && { resource: { serviceName } })
        }))
      )
    )
  })
)
