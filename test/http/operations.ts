/** The operations that the service lists, so that a test covers all of them, including new ones. */
import assert from 'node:assert/strict'
import { send } from './send.ts'

export interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
  enum?: unknown[]
  pattern?: string
  format?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
}

export interface Operation {
  /** `GET /path/{id}` */
  name: string
  method: string
  /** With `{name}` for each id. */
  template: string
  query: { name: string; schema: Schema }[]
  body: Schema | undefined
  statuses: string[]
}

interface Described {
  parameters?: { in: string; name: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: object
}

export async function readOperations(url: string): Promise<Operation[]> {
  const { json } = await send(url, { path: '/openapi.json' })
  const operations = Object.entries(json.paths as Record<string, Record<string, Described>>).flatMap(
    ([template, described]) =>
      Object.entries(described).map(([method, { parameters = [], requestBody, responses }]) => ({
        name: `${method.toUpperCase()} ${template}`,
        method: method.toUpperCase(),
        template,
        query: parameters.filter((one) => one.in === 'query'),
        body: requestBody?.content['application/json']?.schema,
        statuses: Object.keys(responses),
      })),
  )
  assert.ok(operations.length >= 17, `${operations.length} operations`)
  return operations
}

export const pathOf = ({ template }: Operation, ids: Readonly<Record<string, string>>): string =>
  template.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? assert.fail(`no id for ${name}`))
