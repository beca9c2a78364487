/** Prometheus text, format 0.0.4, read as a scraper reads it: whatever it does not allow is an error. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

const sampleLine = /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)(?: -?\d+)?$/u
const label = /(?:^|,)(?<key>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\\n]|\\["\\n])*)"/gu
const number = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]?Inf)$/u

const numberOf = (text: string): number => {
  if (!number.test(text)) throw new Error(`"${text}" is no number`)
  return Number(text.replace("Inf", "Infinity"))
}

const labelsOf = (text: string): Readonly<Record<string, string>> => {
  const found = [...text.matchAll(label)]
  if (found.map(([whole]) => whole).join("") !== text) throw new Error(`{${text}} are no labels`)
  const pairs = found.map(({ groups }) => [
    groups?.["key"] ?? "",
    (groups?.["value"] ?? "").replace(/\\(["\\n])/gu, (_, escaped: string) => (escaped === "n" ? "\n" : escaped))
  ])
  if (new Set(pairs.map(([key]) => key)).size < pairs.length) throw new Error(`{${text}} says a label twice`)
  return Object.fromEntries(pairs)
}

/** A sample's labels in one order, `le` aside. */
const others = ({ labels }: Sample): string =>
  Object.entries(labels)
    .filter(([key]) => key !== "le")
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .toSorted()
    .join()

/** The series of a family: label sets, a histogram's once and not by bucket. */
export const series = (family: Family | undefined): ReadonlyArray<string> => [
  ...new Set((family?.samples ?? []).map(others))
]

/** The value of the one sample of that name and exactly these labels. */
export const valueOf = (
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>>
): number | undefined => {
  const wanted = { name, labels, value: 0 }
  for (const { samples } of families.values()) {
    for (const sample of samples) {
      if (sample.name === name && others(sample) === others(wanted) && sample.labels["le"] === labels["le"])
        return sample.value
    }
  }
  return undefined
}

/** Sum over the series of a family that have these labels among theirs; of a histogram, name its suffix as well. */
export const sum = (
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {}
): number =>
  [...families.values()]
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((total, { value }) => total + value, 0)

/** Upper bounds of a histogram's buckets, those of its first series. */
export const boundaries = (family: Family | undefined): ReadonlyArray<number> => {
  const buckets = (family?.samples ?? []).filter(({ labels }) => "le" in labels)
  return buckets
    .filter((sample) => buckets[0] !== undefined && others(sample) === others(buckets[0]))
    .map(({ labels }) => numberOf(labels["le"] ?? ""))
}

const check = (name: string, family: Family): void => {
  const seen = new Set(family.samples.map((sample) => `${sample.name} ${others(sample)} ${sample.labels["le"] ?? ""}`))
  if (seen.size < family.samples.length) throw new Error(`${name} has a series twice`)
  if (family.type !== "histogram") return
  for (const of of series(family)) {
    const samples = family.samples.filter((sample) => others(sample) === of)
    const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => numberOf(labels["le"] ?? ""))
    const counts = buckets.map(({ value }) => value)
    const grows = (values: ReadonlyArray<number>, strictly: boolean) =>
      values.every((value, i) => i === 0 || value > (values[i - 1] ?? 0) || (!strictly && value === values[i - 1]))
    const count = samples.find((sample) => sample.name === `${name}_count`)?.value
    const whole = bounds.at(-1) === Infinity && counts.at(-1) === count
    if (!whole || !grows(bounds, true) || !grows(counts, false) || !samples.some((s) => s.name === `${name}_sum`)) {
      throw new Error(`${name}{${of}} is no histogram`)
    }
  }
}

/** By name. Throws at the first line that a scraper would refuse. */
export const parse = (text: string): ReadonlyMap<string, Family> => {
  if (!text.endsWith("\n")) throw new Error("the last line does not end")
  const families = new Map<string, { type: string; help: string; samples: Array<Sample> }>()
  let help: readonly [string, string] = ["", ""]
  let current = ""
  for (const line of text.split("\n").slice(0, -1)) {
    const [, word, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/u.exec(line) ?? []
    if (word === "HELP") help = [name, rest]
    else if (word === "TYPE") {
      if (families.has(name)) throw new Error(`${name} comes twice`)
      families.set(name, { type: rest, help: help[0] === name ? help[1] : "", samples: [] })
      current = name
    } else {
      const groups = sampleLine.exec(line)?.groups
      const family = families.get(current)
      if (groups === undefined || family === undefined) throw new Error(`not understood: ${line}`)
      const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]
      const own = groups["name"] ?? ""
      if (!suffixes.some((suffix) => own === current + suffix)) throw new Error(`${own} is not of ${current}`)
      family.samples.push({
        name: own,
        labels: labelsOf(groups["labels"] ?? ""),
        value: numberOf(groups["value"] ?? "")
      })
    }
  }
  for (const [name, family] of families) check(name, family)
  return families
}
