/** xs:duration as WS-Management uses it for time-outs. */

/** xs:duration of a number of seconds, to the millisecond. */
export const writeDuration = (seconds: number): string => `PT${Number(seconds.toFixed(3))}S`

const durationPattern = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/u

/** Seconds of an xs:duration without years and months; undefined for anything else, negative ones included. */
export const readDuration = (text: string): number | undefined => {
  const match = durationPattern.exec(text.trim())
  if (match === null || /[PT]$/u.test(text.trim())) return undefined
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? "0"))
  return (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)
}
