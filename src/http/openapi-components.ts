/** Moves what operations have in common into the components of the document. */

export interface Schema {
  $ref?: string
  title?: string
  description?: string
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  const?: unknown
  default?: unknown
  minimum?: number
  format?: string
  examples?: unknown[]
}

export interface Media {
  schema: Schema
  example?: unknown
}

export interface Response {
  $ref?: string
  description?: string
  headers?: object
  content?: Record<string, Media>
  'x-error-codes'?: readonly string[]
}

export interface Operation {
  /** Absent: a route that is not for callers. */
  operationId?: string
  parameters?: ({ in: string; name: string } | { $ref: string })[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, Response>
  security?: object[]
  'x-spoke-access'?: string
  'x-spoke-probe'?: true
}

export interface Document {
  paths: Record<string, Record<string, Operation>>
  webhooks?: object
  components: {
    schemas: Record<string, Schema>
    responses?: Record<string, Response>
    parameters?: Record<string, object>
    headers?: object
  }
}

const operationsOf = ({ paths }: Document) => Object.values(paths).flatMap((path) => Object.values(path))

/**
 * Names each JSON response, so that a generated client has a type for it: after its object, or else
 * after the first operation that sends it.
 */
export function shareResponses(document: Document): void {
  const names = new Map<string, string>()
  for (const { operationId, responses } of operationsOf(document))
    for (const { content } of Object.values(responses)) {
      const media = content?.['application/json']
      if (!media || media.schema.$ref || operationId === undefined) continue
      // The response has the description and the example.
      const { title, description, examples, ...schema } = media.schema
      const text = JSON.stringify(schema)
      const own = `${operationId.replaceAll(/(?:^|\.)(\w)/g, (_, first) => first.toUpperCase())}Response`
      const name = names.get(text) ?? title ?? own
      if (!names.has(text) && name in document.components.schemas)
        throw new Error(`The OpenAPI document has two schemas ${name}`)
      names.set(text, name)
      document.components.schemas[name] = schema
      media.schema = { $ref: `#/components/schemas/${name}` }
    }
}

/** Defines each path parameter and header once. */
export function shareParameters(document: Document): void {
  const parameters: Record<string, object> = {}
  for (const { parameters: own = [] } of operationsOf(document))
    for (const [at, one] of own.entries()) {
      if (!('in' in one) || one.in === 'query') continue
      parameters[one.name] ??= one
      if (JSON.stringify(parameters[one.name]) === JSON.stringify(one))
        own[at] = { $ref: `#/components/parameters/${one.name}` }
    }
  document.components.parameters = { ...document.components.parameters, ...parameters }
}

/** Each named schema is described as input and as output; most are used as one of them. */
export function withoutUnusedSchemas(document: Document): Document {
  const { schemas, ...components } = document.components
  const used = new Set<string>()
  const pending: unknown[] = [{ ...document, components }]
  for (const part of pending)
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/(\w+)"/g))
      if (!used.has(name)) {
        used.add(name)
        pending.push(schemas[name] ?? {})
      }
  const listed = Object.entries(schemas).filter(([name]) => used.has(name))
  return { ...document, components: { ...components, schemas: Object.fromEntries(listed) } }
}
