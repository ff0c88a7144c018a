/** What the client has to know of each operation of an OpenAPI document. Pure. */

export interface Operation {
  /** `issues.list`: the group and the name of the method. */
  id: string
  method: string
  path: string
  summary: string
  description: string
  /** Of the path, in order, without the tenant's. */
  ids: string[]
  /** Whether the path begins with a tenant's id. */
  ofTenant: boolean
  /** The media type of the request body. */
  body?: string
  query: boolean
  /** Whether it may be called without a query or a body. */
  inputOptional: boolean
  idempotent: boolean
  /** Whether a success is JSON; otherwise the client returns the Response. */
  json: boolean
  /** A list of pages: the method that reads all of them, and the field that has the items. */
  pages?: { method: string; items: string }
}

export interface Described {
  operations: Operation[]
  errorCodes: string[]
}

// A document is read by its fields, whose presence the caller's tests check.
// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes
type Json = any

/** Names that do not follow from the document: the method that reads all pages, and the list in a page. */
const pagers: Record<string, { method: string; items: string }> = {
  'sync.list': { method: 'all', items: 'events' },
  'inbox.get': { method: 'deadLetters', items: 'dead_letters' },
}

/** @throws Error when an operation has no id of the form group.method */
export function describeOperations(document: Json): Described {
  const resolve = (node: Json): Json =>
    node?.$ref
      ? resolve(
          node.$ref
            .slice(2)
            .split('/')
            .reduce((at: Json, key: string) => at[key], document),
        )
      : node
  const codes = new Set<string>()
  const operations: Operation[] = []
  for (const [path, item] of Object.entries<Json>(document.paths)) {
    for (const [method, operation] of Object.entries<Json>(item)) {
      const id: string = operation.operationId
      if (!/^[a-zA-Z]+\.[a-zA-Z]+$/.test(id))
        throw new Error(`${method} ${path}: no operationId group.method`)
      const parameters: Json[] = (operation.parameters ?? []).map(resolve)
      const responses = Object.entries<Json>(operation.responses)
      for (const [, response] of responses)
        for (const code of resolve(response)['x-error-codes'] ?? []) codes.add(code)
      const schemas = responses
        .filter(([status]) => /^2/.test(status))
        .map(([, response]) => resolve(resolve(response).content?.['application/json']?.schema))
        .filter(Boolean)
      const body = resolve(operation.requestBody)
      const [bodyType] = Object.keys(body?.content ?? {})
      const bodySchema = bodyType ? resolve(body.content[bodyType].schema) : undefined
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
      const query = parameters.filter((one) => one.in === 'query')
      operations.push({
        id,
        method,
        path,
        summary: operation.summary,
        description: operation.description ?? '',
        ids: names.filter((name) => name !== 'tenant_id'),
        ofTenant: names.includes('tenant_id'),
        ...(bodyType ? { body: bodyType } : {}),
        query: query.length > 0,
        inputOptional: bodySchema
          ? (bodySchema.required ?? []).length === 0 && !bodySchema.anyOf && !bodySchema.oneOf
          : !query.some((one) => one.required),
        idempotent: parameters.some((one) => one.in === 'header' && one.name === 'Idempotency-Key'),
        json: schemas.length > 0,
        ...pagesOf(id, schemas[0], query, bodySchema, resolve),
      })
    }
  }
  return { operations, errorCodes: [...codes].sort() }
}

/** An operation that takes `after` and returns `next_after` is a list of pages. The change feed has no end and is none. */
function pagesOf(
  id: string,
  schema: Json,
  query: Json[],
  bodySchema: Json,
  resolve: (node: Json) => Json,
): Pick<Operation, 'pages'> {
  const fields = schema?.properties ?? {}
  const takesAfter = bodySchema
    ? 'after' in (bodySchema.properties ?? {})
    : query.some((one) => one.name === 'after')
  if (!takesAfter || !('next_after' in fields) || 'has_more' in fields) return {}
  const name = id.split('.')[1] as string
  const items = Object.keys(fields).find((field) => resolve(fields[field]).type === 'array')
  const pages = pagers[id] ?? (items ? { method: name === 'list' ? 'all' : `${name}All`, items } : undefined)
  return pages && resolve(fields[pages.items])?.type === 'array' ? { pages } : {}
}
