/** The media ranges of an Accept header, in the order in which their sender prefers them. */

export interface MediaRange {
  /** Lower case; may hold wildcards. */
  readonly type: string
  /** Everything but q. */
  readonly parameters: Readonly<Record<string, string>>
}

const quality = (parameters: Readonly<Record<string, string>>): number => {
  const given = Number(parameters["q"] ?? "1")
  return Number.isNaN(given) ? 1 : given
}

/** No header means anything. */
export const accepted = (header: string): ReadonlyArray<MediaRange> =>
  (header.trim() === "" ? "*/*" : header)
    .split(",")
    .map((range) => {
      const [type = "", ...rest] = range.split(";").map((part) => part.trim())
      const parameters = Object.fromEntries(
        rest.map((part) => part.split("=", 2)).map(([name = "", value = ""]) => [name, value])
      )
      return { type: type.toLowerCase(), parameters, quality: quality(parameters) }
    })
    .toSorted((a, b) => b.quality - a.quality)

/** Whether a range lets JSON through. */
export const isJson = ({ type }: MediaRange): boolean =>
  type === "application/json" || type === "application/*" || type === "*/*"

export const isYaml = ({ type }: MediaRange): boolean => type === "application/yaml"
