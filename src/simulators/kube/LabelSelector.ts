/** metav1.LabelSelector: matchLabels and matchExpressions, as objects hold them. */
import { objects, strings, text, textMap, type Json } from "./KubeJson.ts"

type Labels = Readonly<Record<string, string>>

/** Whether labels match; an empty or absent selector matches all. */
export const matches = (selector: Json | undefined, labels: Labels): boolean =>
  Object.entries(textMap(selector, "matchLabels")).every(([key, value]) => labels[key] === value) &&
  objects(selector, "matchExpressions").every((expression) => {
    const [key, values] = [text(expression, "key"), strings(expression, "values")]
    const held = Object.hasOwn(labels, key) ? labels[key] : undefined
    switch (text(expression, "operator")) {
      case "In":
        return held !== undefined && values.includes(held)
      case "NotIn":
        return held === undefined || !values.includes(held)
      case "Exists":
        return held !== undefined
      case "DoesNotExist":
        return held === undefined
      default:
        return false
    }
  })
