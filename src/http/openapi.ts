/** Builds the OpenAPI document from the routes, and adds the responses due to limits and load. */
import swagger from '@fastify/swagger'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { version } from '../lib/version.ts'
import type { RouteAccess } from './gate.ts'

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
    name: '__Host-spoke_session',
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
  if (access === 'metrics') return [{ bearer: [] }]
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
      const { access, probe } = route.route.config as FastifyContextConfig
      const described = jsonSchemaTransform(route)
      const marks = {
        security: access ? securityOf(access) : [],
        'x-spoke-access': access,
        ...(probe ? { 'x-spoke-probe': true } : {}),
      }
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
