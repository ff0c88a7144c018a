/** Builds the OpenAPI document from the routes, and adds the responses due to limits and load. */
import swagger from '@fastify/swagger'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { version } from '../lib/version.ts'

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

/** Responses that any route except a probe may send, defined once. */
const anyRoute = {
  '429': ['Limited', busy('The caller reached a limit')],
  '503': ['Unavailable', busy('Overloaded, stopping, or missing a dependency; nothing was done')],
} as const

/** Call before adding any route. */
export async function describeOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Spoke',
        version,
        description: 'Keeps the HubSpot tickets of many tenants in sync.',
      },
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
