/** Builds the OpenAPI document from the routes, and adds the responses due to limits and load. */
import swagger from '@fastify/swagger'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { idempotencyKeyForm } from '../api/idempotency.ts'
import { sessionCookieName } from '../auth/session.ts'
import { version } from '../lib/version.ts'
import type { RouteAccess } from './gate.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The headers that the route reads, for the document. */
    requestHeaders?: readonly (keyof typeof requestHeaders)[]
  }
}

const requestHeaders = {
  'Idempotency-Key': {
    type: 'string',
    pattern: idempotencyKeyForm.source,
    description: 'Repeats the response of an earlier request with the same key, for 24 hours.',
  },
  'Last-Event-ID': {
    type: 'string',
    description: 'The id of the last event that was received: the stream continues after it.',
  },
} as const

interface Operation {
  responses?: Record<string, { description?: string; $ref?: string }>
  'x-spoke-probe'?: boolean
}

interface Described {
  paths?: Record<string, Record<string, Operation>>
  components?: { responses?: Record<string, unknown>; schemas?: Record<string, unknown> }
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

const tags = {
  tickets: 'Tickets, read live from HubSpot.',
  issues: 'Spoke’s copy of the tickets.',
  sync: 'Runs that bring the copy up to date, and records that could not be stored as received.',
  changes: 'The change feed: what changed, each change once.',
  integrations: 'A tenant’s connections to HubSpot accounts.',
  webhooks: 'Webhooks from HubSpot, and the inbox that they go to.',
  'webhooks out': 'Webhooks from Spoke: endpoints and their deliveries.',
  tenants: 'Tenants, for the operator.',
  'api keys': 'The keys of a tenant.',
  audit: 'Who did what.',
  session: 'Sessions of browsers.',
  health: 'Probes and metrics.',
}

const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A tenant’s API key or token (JWT), or the operator’s admin key.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    // As in production: the name depends on whether the public URL is https.
    name: sessionCookieName(new URL('https://spoke.example')),
    description: 'A browser’s session. Requests that change something also send x-spoke-csrf.',
  },
  hubSpotSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'X-HubSpot-Signature-v3',
    description: 'HubSpot’s signature, made with the client secret of the app.',
  },
} as const

function securityOf(access: RouteAccess): { [scheme in keyof typeof securitySchemes]?: string[] }[] {
  if (access === 'public') return []
  if (access === 'signed') return [{ hubSpotSignature: [] }]
  return [{ bearer: [] }, { session: [] }]
}

/** Call before adding any route. */
export async function describeOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Spoke',
        version,
        description: 'Keeps the HubSpot tickets of many tenants in sync.',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [{ url: '/', description: 'The service that returned this document' }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      components: { securitySchemes },
    },
    transform: (route) => {
      const { access, probe, requestHeaders: names = [] } = route.route.config as FastifyContextConfig
      const described = jsonSchemaTransform(route)
      const marks = {
        security: access ? securityOf(access) : [],
        'x-spoke-access': access,
        ...(probe ? { 'x-spoke-probe': true } : {}),
      }
      const properties = Object.fromEntries(names.map((name) => [name, requestHeaders[name]]))
      const headers = names.length > 0 ? { headers: { type: 'object', properties } } : {}
      return { ...described, schema: { ...described.schema, ...headers, ...marks } }
    },
    transformObject: (document) =>
      withoutUnusedSchemas(describeResponses(jsonSchemaTransformObject(document) as Described)),
  })
}

/** Adds the responses of `anyRoute`, and a description to each response without one. */
function describeResponses<T extends Described>(document: T): T {
  const responses: Record<string, unknown> = { ...document.components?.responses }
  for (const [name, answer] of Object.values(anyRoute)) responses[name] = answer
  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    for (const [status, response] of Object.entries(operation.responses ?? {}))
      if (response.description === 'Default Response')
        response.description = /^[123]/.test(status) ? 'Success' : 'Refused or failed; see `code`'
    if (operation['x-spoke-probe']) continue
    for (const [status, [name]] of Object.entries(anyRoute))
      operation.responses = {
        ...operation.responses,
        [status]: { $ref: `#/components/responses/${name}` },
      }
  }
  return { ...document, components: { ...document.components, responses } }
}

/** Each named schema is described as input and as output; most are used as one of them. */
function withoutUnusedSchemas<T extends Described>(document: T): T {
  const { schemas = {}, ...components } = document.components ?? {}
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
