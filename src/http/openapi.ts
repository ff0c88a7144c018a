/** The OpenAPI document: the routes as they describe themselves, and what each may answer because of limits and load. */
import swagger from '@fastify/swagger'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'

interface Described {
  paths?: Record<string, Record<string, { responses?: Record<string, unknown>; 'x-spoke-probe'?: boolean }>>
  components?: { responses?: Record<string, unknown> }
}

const busy = (description: string) => ({
  description,
  headers: {
    'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } },
  },
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
})

/** Any route but the probes may answer these, so they stand in one place. */
const anyRoute = {
  '429': ['Limited', busy('A limit of this caller was met')],
  '503': ['Unavailable', busy('Overloaded, stopping, or without what it needs; nothing was done')],
} as const

/** Before any route. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Spoke', version: '0.1.0', description: 'HubSpot tickets of many tenants, in sync.' },
    },
    transform: (route) => {
      const { access, probe } = route.route.config as FastifyContextConfig
      const described = jsonSchemaTransform(route)
      const marks = { 'x-spoke-access': access, ...(probe ? { 'x-spoke-probe': true } : {}) }
      return { ...described, schema: { ...described.schema, ...marks } }
    },
    transformObject: (document) => withBusyAnswers(jsonSchemaTransformObject(document) as Described),
  })
}

function withBusyAnswers<T extends Described>(document: T): T {
  const responses: Record<string, unknown> = { ...document.components?.responses }
  for (const [name, answer] of Object.values(anyRoute)) responses[name] = answer
  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    if (operation['x-spoke-probe']) continue
    for (const [status, [name]] of Object.entries(anyRoute))
      operation.responses = {
        ...operation.responses,
        [status]: { $ref: `#/components/responses/${name}` },
      }
  }
  return { ...document, components: { ...document.components, responses } }
}
