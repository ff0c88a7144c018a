/** Builds the OpenAPI document from the routes. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { sessionCookieName } from '../auth/session.ts'
import { version } from '../lib/version.ts'
import { type Document, shareParameters, shareResponses, withoutUnusedSchemas } from './openapi-components.ts'
import { addExamples } from './openapi-examples.ts'
import {
  type DescribedRoute,
  describeOperation,
  headers,
  requestHeaders,
  responses,
} from './openapi-operation.ts'
import { describeWebhooks, webhookHeaders } from './openapi-webhooks.ts'

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

/** Call before adding any route. */
export async function describeOpenApi(app: FastifyInstance): Promise<void> {
  const routes = new Map<string, DescribedRoute>()
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Spoke',
        version,
        description:
          'Keeps the HubSpot tickets of many tenants in sync. Every error response is a `Problem` object, as `application/problem+json` if `Accept` requests it; `x-error-codes` lists its possible `code`s. New codes, fields and event types may be added.',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [{ url: '/', description: 'The service that returned this document' }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      components: { securitySchemes },
    },
    transform: (described) => {
      const { schema = {}, url } = jsonSchemaTransform(described)
      const { operationId } = schema as { operationId?: string }
      if (operationId !== undefined) routes.set(operationId, described.route)
      const names = described.route.config?.requestHeaders ?? []
      const properties = Object.fromEntries(names.map((name) => [name, requestHeaders[name]]))
      return {
        url,
        schema: names.length > 0 ? { ...schema, headers: { type: 'object', properties } } : schema,
      }
    },
    transformObject: (described) => {
      const document = jsonSchemaTransformObject(described) as Document
      document.components = { ...document.components, headers, parameters: webhookHeaders, responses }
      for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
        const route = routes.get(operation.operationId ?? '')
        if (route) describeOperation(operation, route)
      }
      document.webhooks = describeWebhooks()
      addExamples(document)
      shareResponses(document)
      shareParameters(document)
      return withoutUnusedSchemas(document)
    },
  })
}
