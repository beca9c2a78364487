import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Xml from "effect/encoding/Xml"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { readXml } from "../../../layers/wsman/SoapXmlReader.ts"
import type { SoapElement } from "../../../layers/wsman/SoapXml.ts"

type Tree = readonly [
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: ReadonlyArray<Tree | string>
]

/** Runs of text as one: where comments part them a reader may do as it likes. */
const joined = (children: ReadonlyArray<Tree | string>): ReadonlyArray<Tree | string> =>
  children.reduce<Array<Tree | string>>((all, part) => {
    const last = all.at(-1)
    if (typeof part !== "string") all.push(part)
    else if (typeof last === "string") all[all.length - 1] = last + part
    else if (part !== "") all.push(part)
    return all
  }, [])

const ofOurs = ({ attributes, children, name }: SoapElement): Tree => [
  name,
  attributes,
  joined(children.map((part) => (typeof part === "string" ? part : ofOurs(part))))
]

/** Of documents without prefixes, so that names are what they are. */
const ofTheirs = ({ attributes, children, name }: Xml.Element): Tree => [
  name,
  { ...attributes },
  joined(children.map((part) => (typeof part === "string" ? part : ofTheirs(part))))
]

/** What Effect's reader makes of it; undefined for what is no XML, or has a DOCTYPE. */
const theirs = (text: string): Effect.Effect<Tree | undefined> =>
  Stream.make(text).pipe(
    Stream.pipeThroughChannel(Xml.decodeString({ maxDepth: 64 })),
    Stream.mapArrayEffect((events) =>
      events.some((event) => event._tag === "Doctype") ? Effect.fail("DOCTYPE") : Effect.succeed(events)
    ),
    Stream.pipeThroughChannel(Xml.elements(["*"])),
    Stream.runLast,
    Effect.map((root) => Option.getOrUndefined(Option.map(root, ofTheirs))),
    Effect.catch(() => Effect.undefined)
  )

const ours = (text: string): Tree | undefined => {
  try {
    return ofOurs(readXml(text))
  } catch {
    return undefined
  }
}

/** Anything that means something somewhere in XML, put together at random: most of it is broken in one place. */
const Piece = Schema.Literals([
  "<a>",
  "</a>",
  "<b x='1'>",
  "</b>",
  "<c/>",
  "<d y=\"&lt;\tz\r\n\" z=''/>",
  "<e f='1' f='2'/>",
  "<g h='<'/>",
  "<!-- k -->",
  "<!-- a -- b -->",
  "<![CDATA[ <&\r\n ]]>",
  "<?pi data?>",
  "<!DOCTYPE a>",
  "&amp;",
  "&#x41;",
  "&#66;",
  "&#xD800;",
  "&#0;",
  "&nope;",
  "&",
  "]]>",
  "\r\n",
  " ",
  "text",
  "é𝄞",
  "\ud800",
  "\u0001",
  "\ufffe",
  "<",
  ">",
  "'",
  "="
])
const Pieces = Schema.Array(Piece)

describe("the reader of envelopes", () => {
  let read = 0
  it.effect.prop(
    "reads what Effect's XML reader reads, alike, and refuses what it refuses",
    { whole: Schema.Boolean, nested: Schema.Boolean, before: Pieces, inner: Pieces },
    ({ before, inner, nested, whole }) =>
      Effect.gen(function* () {
        const content = `${before.join("")}${nested ? `<n m="&quot;">${inner.join("")}</n>` : inner.join("")}`
        const text = whole ? `<root>${content}</root>` : content
        const expected = yield* theirs(text)
        if (expected !== undefined) read++
        assert.deepStrictEqual(ours(text), expected)
      }),
    { arbitrary: { runs: 3000 } }
  )

  it("has read some of them", () => assert.isAbove(read, 100))
})
