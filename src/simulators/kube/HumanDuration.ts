/** How kubectl writes the time since something: duration.HumanDuration. */

const rest = (value: number, unit: string): string => (value === 0 ? "" : `${value}${unit}`)

export const humanDuration = (seconds: number): string => {
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86400)]
  if (seconds < 0) return seconds < -1 ? "<invalid>" : "0s"
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return `${minutes}m${rest(seconds % 60, "s")}`
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return `${hours}h${rest(minutes % 60, "m")}`
  if (hours < 48) return `${hours}h`
  if (hours < 192) return `${days}d${rest(hours % 24, "h")}`
  if (days < 730) return `${days}d`
  const years = Math.floor(days / 365)
  return days < 2920 ? `${years}y${rest(days % 365, "d")}` : `${years}y`
}
