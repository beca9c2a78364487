/** What a single pure retry policy reads from every error of ours. */
export type Retry = "backoff" | "terminal" | "outcome-unknown" | { readonly afterMillis: number }
