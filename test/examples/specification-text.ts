/** Reads the user's specification: its Python client, its curl lines, and the response of each route. Pure. */

export interface Specification {
  /** The client's class with its imports, and the lines that use it, verbatim. */
  python: { client: string; usage: string }
  curl: string[]
  /** `GET status` -> the answer in the text. */
  answers: Map<string, Json>
  /** `POST oauth` -> the body in the text. */
  bodies: Map<string, Json>
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

const fence = (language: string) => new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm')
const routePattern = /(GET|POST|PUT|PATCH|DELETE) \S*?\/api\/hubspot\/([a-z]+)/

/** `GET status` for a line that calls it: the first word of the route identifies it. */
export function routeOf(text: string): string {
  const [, method, name] =
    routePattern.exec(text.replace(/^curl -X (\w+) "/, '$1 ')) ?? fail(`a route in: ${text}`)
  return `${method} ${name}`
}

export function readSpecification(text: string): Specification {
  const python = block(section(text, 'Python Client'), 'python')
  const usageAt = python.search(/^# Usage/m)
  if (usageAt < 0) fail('the usage lines of the Python client')
  const answers = new Map<string, Json>()
  const bodies = new Map<string, Json>()
  for (const part of text.split(/^(?=```http\n)/m).slice(1)) {
    const route = routeOf(block(part, 'http'))
    for (const [word, found] of [
      ['Response', answers],
      ['Body', bodies],
    ] as const) {
      const after = part.split(`**${word}:**`)[1]
      // A remark behind a value is not JSON.
      if (after) found.set(route, JSON.parse(block(after, 'json').replace(/\s\/\/ .*$/gm, '')) as Json)
    }
  }
  return {
    python: { client: python.slice(0, usageAt), usage: python.slice(usageAt) },
    curl: block(section(text, 'cURL'), 'bash')
      .split(/^#.*\n/m)
      .map((command) => command.trim())
      .filter((command) => command !== ''),
    answers,
    bodies,
  }
}

/** From the heading that begins so to the next of its kind. */
const section = (text: string, heading: string): string =>
  text.split(/^### /m).find((part) => part.startsWith(heading)) ?? fail(`the heading ${heading}`)

const block = (text: string, language: string): string =>
  fence(language).exec(text)?.[1] ?? fail(`a block of ${language}`)

function fail(what: string): never {
  throw new Error(`the specification does not have ${what}`)
}

/**
 * Where `answer` lacks a field of the text, or has another type there. More fields are fine, and so is null for a
 * property that a ticket does not have. Pure.
 */
export function differences(expected: Json, answer: unknown, at = ''): string[] {
  if (expected !== null && typeof expected === 'object') {
    if (Array.isArray(expected)) {
      if (!Array.isArray(answer) || answer.length === 0) return [`${at} is not an array with something in it`]
      return answer.flatMap((one) => differences(expected[0] as Json, one, `${at}[]`))
    }
    if (answer === null || typeof answer !== 'object') return [`${at || 'the answer'} is not an object`]
    return Object.entries(expected).flatMap(([name, value]) =>
      name in answer
        ? differences(value, (answer as Record<string, unknown>)[name], `${at}.${name}`)
        : [`${at}.${name} is missing`],
    )
  }
  if (answer === null && at.includes('.properties.')) return []
  if (typeof answer !== typeof expected) return [`${at} is ${typeof answer} and not ${typeof expected}`]
  // A flag has the value from the text; other values belong to this run.
  return typeof expected === 'boolean' && answer !== expected ? [`${at} is ${answer}`] : []
}
