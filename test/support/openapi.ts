/** The committed OpenAPI document, and what its schemas allow. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

export interface Media {
  schema: object
  example?: unknown
}

export interface OpenApiResponse {
  $ref?: string
  headers?: Record<string, object>
  content?: Record<string, Media>
  'x-error-codes'?: string[]
}

export interface OpenApiOperation {
  operationId: string
  summary: string
  description?: string
  parameters?: { $ref?: string }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, OpenApiResponse>
}

export interface OpenApi {
  paths: Record<string, Record<string, OpenApiOperation>>
  webhooks: Record<string, Record<string, OpenApiOperation>>
  components: {
    schemas: Record<string, { examples?: unknown[] }>
    responses: Record<string, OpenApiResponse>
  }
}

export const openapi: OpenApi = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../openapi.json'), 'utf8'),
)

const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)

const compiled = new Map<object, ValidateFunction>()

/** Fails unless the schema of the document allows the value. */
export function assertFits(schema: object, value: unknown, what: string): void {
  const fits = compiled.get(schema) ?? ajv.compile({ ...schema, components: openapi.components })
  compiled.set(schema, fits)
  assert.ok(fits(value), `${what}: ${ajv.errorsText(fits.errors)}`)
}

export const resolved = (response: OpenApiResponse): OpenApiResponse =>
  response.$ref
    ? (openapi.components.responses[response.$ref.split('/').at(-1) as string] as OpenApiResponse)
    : response
