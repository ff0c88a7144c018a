/** Reads the OpenAPI document, and builds requests from it. Pure. */
import { fieldExamples } from './examples.ts'

export interface OpenApiSchema {
  type?: string
  properties?: Record<string, OpenApiSchema>
  required?: string[]
  enum?: unknown[]
  const?: unknown
  format?: string
  items?: OpenApiSchema
  anyOf?: OpenApiSchema[]
  oneOf?: OpenApiSchema[]
  minimum?: number
  minLength?: number
}

export interface OpenApiOperation {
  parameters?: { in: string; name: string; required?: boolean; schema: OpenApiSchema }[]
  requestBody?: { content: Record<string, { schema: OpenApiSchema }> }
}

export interface OpenApiDocument {
  paths: Record<string, Record<string, OpenApiOperation>>
}

/** @param url with `:name` for each parameter */
export const openApiOperationOf = (
  document: OpenApiDocument,
  { method, url }: { method: string; url: string },
): OpenApiOperation | undefined => document.paths[url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]

export type Ids = Readonly<Record<string, string>>

export interface SampleRequest {
  method: string
  path: string
  body: unknown
}

/** `/a/:b` with its parameters filled in. @returns undefined when a parameter has no known value */
export function pathOf(url: string, ids: Ids): string | undefined {
  let known = true
  const path = url.replaceAll(/:(\w+)/g, (_, name: string) => {
    if (ids[name] === undefined) known = false
    return encodeURIComponent(ids[name] ?? '')
  })
  return known ? path : undefined
}

/**
 * @param inPath ids for the path
 * @param elsewhere ids for the query and body
 */
export function sampleRequestFor(
  { method, url }: { method: string; url: string },
  operation: OpenApiOperation | undefined,
  inPath: Ids,
  elsewhere: Ids,
): SampleRequest | undefined {
  const path = pathOf(url, inPath)
  if (path === undefined) return undefined
  const query = (operation?.parameters ?? [])
    .filter((one) => one.in === 'query' && (one.required || elsewhere[one.name] !== undefined))
    .map(({ name, schema }) => [name, String(exampleOf(schema, name, elsewhere))] as const)
  const schema = operation?.requestBody?.content['application/json']?.schema
  const body = schema && exampleOf(schema, '', elsewhere)
  return {
    method,
    path: query.length > 0 ? `${path}?${new URLSearchParams(Object.fromEntries(query))}` : path,
    body,
  }
}

/** `issue_ids` has an `issue_id`. */
const itemName = (list: string) => list.replace(/s$/, '')

function exampleOf(schema: OpenApiSchema, name: string, ids: Ids): unknown {
  const one = schema.anyOf?.[0] ?? schema.oneOf?.[0]
  if (ids[name] !== undefined) return ids[name]
  if (fieldExamples[name] !== undefined) return fieldExamples[name]
  if (one) return exampleOf(one, name, ids)
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.type === 'object' || schema.properties) {
    const wanted = Object.entries(schema.properties ?? {}).filter(
      ([key, value]) =>
        schema.required?.includes(key) ||
        ids[key] !== undefined ||
        (value.type === 'array' && ids[itemName(key)] !== undefined),
    )
    return Object.fromEntries(wanted.map(([key, value]) => [key, exampleOf(value, key, ids)]))
  }
  if (schema.type === 'array') return schema.items ? [exampleOf(schema.items, itemName(name), ids)] : []
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1
  if (schema.type === 'boolean') return true
  if (schema.format === 'uuid') return '00000000-0000-4000-8000-000000000000'
  if (schema.format === 'date-time') return new Date(Date.now() + 86_400_000).toISOString()
  return 'rehearsal'.padEnd(schema.minLength ?? 0, 'x')
}
