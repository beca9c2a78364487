/** Finds fields that occur twice in one object of a JSON text: JSON.parse keeps the last and says nothing. */

/** Text that is already known to be JSON; paths as the API server writes them: `spec.devices[0].name`. */
export const find = (json: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let position = 0

  const skipSpace = () => {
    while (position < json.length && " \t\n\r".includes(json.charAt(position))) position++
  }
  const string = (): string => {
    const start = position++
    while (json.charAt(position) !== '"') position += json.charAt(position) === "\\" ? 2 : 1
    position++
    const raw = json.slice(start, position)
    return raw.includes("\\") ? String(JSON.parse(raw)) : raw.slice(1, -1)
  }
  const members = (path: string) => {
    const seen = new Set<string>()
    position++
    skipSpace()
    while (json.charAt(position) !== "}") {
      const field = string()
      const child = path === "" ? field : `${path}.${field}`
      if (seen.has(field) && !found.includes(child)) found.push(child)
      seen.add(field)
      skipSpace()
      position++ // the colon
      value(child)
      skipSpace()
      if (json.charAt(position) === ",") position++
      skipSpace()
    }
    position++
  }
  const items = (path: string) => {
    position++
    skipSpace()
    for (let index = 0; json.charAt(position) !== "]"; index++) {
      value(`${path}[${index}]`)
      skipSpace()
      if (json.charAt(position) === ",") position++
      skipSpace()
    }
    position++
  }
  const value = (path: string) => {
    skipSpace()
    const first = json.charAt(position)
    if (first === "{") members(path)
    else if (first === "[") items(path)
    else if (first === '"') string()
    else while (position < json.length && !",]} \t\n\r".includes(json.charAt(position))) position++
  }

  value("")
  return found
}
